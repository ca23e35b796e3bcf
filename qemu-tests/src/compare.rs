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
