//! Memory before against memory after.

use crate::{Image, Memory, Result, sites::Record};

/// A word that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its address.
    pub address: u64,
    /// The word as loaded.
    pub before: u32,
    /// The word after the run.
    pub after: u32,
}

/// The words of the resident text (sections `.text` and `.text.*`) that changed although no record
/// names them; empty when the patcher wrote nothing but its sites.
///
/// # Errors
/// [`crate::Error::NotCaptured`] when the text was not captured.
pub fn outside_sites(
    image: &Image,
    before: &Memory,
    after: &Memory,
    records: &[Record],
) -> Result<Vec<Change>> {
    let mut changes = changed_text(image, before, after)?;
    changes.retain(|change| !records.iter().any(|r| r.range().contains(&change.address)));
    Ok(changes)
}

/// All words of the resident text that changed.
///
/// # Errors
/// [`crate::Error::NotCaptured`] when the text was not captured.
pub fn changed_text(image: &Image, before: &Memory, after: &Memory) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for section in image.sections().iter().filter(|section| {
        section.executable && (section.name == ".text" || section.name.starts_with(".text."))
    }) {
        let start = section.range.start;
        let count = section.bytes.len() / 4;
        let words = before.words(start, count)?.into_iter();
        for (index, (before, after)) in words.zip(after.words(start, count)?).enumerate() {
            if before != after {
                changes.push(Change {
                    address: start + 4 * index as u64,
                    before,
                    after,
                });
            }
        }
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        sites,
        tiny::{TEXT, Tiny},
    };

    #[test]
    fn changes_are_split_by_the_table() {
        // One branch record for the first word.
        let (_directory, path) = Tiny::new(&[])
            .section(
                sites::BRANCHES,
                TEXT + 0x1000,
                &[0, 0xf0, 0xff, 0xff, 5, 0, 4, 0],
            )
            .write();
        let image = Image::open(&path).unwrap();
        let records = sites::read(&image).unwrap();
        let memory = |words: [u32; 2]| {
            let mut bytes = words.map(u32::to_le_bytes).concat();
            bytes.resize(0x300, 0);
            let mut memory = Memory::default();
            memory.add(TEXT, bytes);
            memory
        };
        let (before, after) = (memory([1, 2]), memory([3, 4]));
        let at = |index: u64, before, after| Change {
            address: TEXT + 4 * index,
            before,
            after,
        };
        let all = changed_text(&image, &before, &after).unwrap();
        assert_eq!(all, [at(0, 1, 3), at(1, 2, 4)]);
        let outside = outside_sites(&image, &before, &after, &records).unwrap();
        assert_eq!(outside, [at(1, 2, 4)]);
        assert!(
            outside_sites(&image, &before, &memory([3, 2]), &records)
                .unwrap()
                .is_empty()
        );
        assert!(outside_sites(&image, &before, &Memory::default(), &records).is_err());
    }
}
