//! Memory before against memory after.

use crate::{
    Image, Memory, Result,
    sites::{Record, Site, SiteKind},
};
use std::collections::BTreeSet;

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

/// The words of the [resident text](changed_text) that changed although no record names them; empty
/// when the patcher wrote nothing but its sites.
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

/// The sites whose words do not fit the cpucaps (by number): a site without a winning arm must be
/// as loaded, a branch must be NOP or B. The words of alternatives are not compared here.
///
/// # Errors
/// [`crate::Error::NotCaptured`] when the text was not captured.
pub fn wrong_sites<'a>(
    sites: &'a [Site],
    caps: &BTreeSet<u16>,
    before: &Memory,
    after: &Memory,
) -> Result<Vec<&'a Site>> {
    const NOP: u32 = 0xd503_201f;
    let mut wrong = Vec::new();
    for site in sites {
        let range = site.range();
        let count = ((range.end - range.start) / 4) as usize;
        let after = after.words(range.start, count)?;
        let right = match site.winner(caps).map(|record| record.kind) {
            None => after == before.words(range.start, count)?,
            Some(SiteKind::Branch { likely: true, .. }) => after == [NOP],
            Some(SiteKind::Branch { target, .. }) => {
                // B: imm26, in words from the instruction (Arm ARM C6.2, B).
                let words = (target.wrapping_sub(site.address) as i64) >> 2;
                after == [0x1400_0000 | (words as u32 & 0x03ff_ffff)]
            }
            Some(
                SiteKind::Alternative { .. } | SiteKind::Callback { .. } | SiteKind::Nops { .. },
            ) => true,
        };
        if !right {
            wrong.push(site);
        }
    }
    Ok(wrong)
}

/// All words of the resident text that changed: sections `.text` and `.text.*`, and the executable
/// sections `.hyp.*` of a hypervisor.
///
/// # Errors
/// [`crate::Error::NotCaptured`] when the text was not captured.
pub fn changed_text(image: &Image, before: &Memory, after: &Memory) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for section in image.sections().iter().filter(|section| {
        let name = &section.name;
        let resident = name == ".text" || name.starts_with(".text.") || name.starts_with(".hyp.");
        section.executable && resident
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
    use crate::sites::{self, Condition};
    use test_support::TinyElf;

    const TEXT: u64 = TinyElf::TEXT;

    #[test]
    fn changes_are_split_by_the_table() {
        // One branch record for the first word.
        let (_directory, path) = TinyElf::new(&[])
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

    #[test]
    fn branches_are_judged_by_the_cpucaps() {
        let record = |index: u64, likely| Record {
            site: TEXT + 4 * index,
            condition: Condition {
                cap: 5,
                negated: false,
                and_next: false,
            },
            kind: SiteKind::Branch {
                target: TEXT,
                likely,
            },
        };
        let sites = sites::sites(&[record(1, false), record(2, true)]);
        let memory = |words: [u32; 2]| {
            let mut memory = Memory::default();
            memory.add(TEXT + 4, words.map(u32::to_le_bytes).concat());
            memory
        };
        // As GNU as has `nop`, `b .-4` and `b .-8`.
        let (nop, back_1, back_2) = (0xd503_201f, 0x17ff_ffff, 0x17ff_fffe);
        let before = memory([nop, back_2]);
        let wrong = |caps: &[u16], words| {
            let caps = caps.iter().copied().collect();
            let after = memory(words);
            let wrong = wrong_sites(&sites, &caps, &before, &after).unwrap();
            wrong
                .iter()
                .map(|site| site.address - TEXT)
                .collect::<Vec<_>>()
        };
        assert!(wrong(&[5], [back_1, nop]).is_empty());
        assert!(wrong(&[], [nop, back_2]).is_empty());
        assert_eq!(wrong(&[5], [nop, back_2]), [4, 8]);
        assert_eq!(wrong(&[5], [back_2, nop]), [4]);
        assert_eq!(wrong(&[], [nop, nop]), [8]);
    }
}
