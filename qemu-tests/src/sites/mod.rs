//! The record tables of an image, read from its bytes.
//!
//! This is a second reader on purpose: it shares no code with the patcher, so a test that compares
//! the two compares two statements of the layout.

use crate::{Error, Image, Result};
use std::{collections::BTreeSet, ops::Range};

/// Section of the branch records: 8 bytes each.
pub const BRANCHES: &str = "alt_branches";

/// Section of the records of alternatives: 12 bytes each.
pub const ALTERNATIVES: &str = "alt_records";

/// One record of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Address of the site's first instruction.
    pub site: u64,
    /// When the site changes.
    pub condition: Condition,
    /// The change.
    pub kind: SiteKind,
}

/// The change of a site if its condition is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteKind {
    /// One instruction that becomes a branch, or a branch that becomes NOP.
    Branch {
        /// Where the branch goes.
        target: u64,
        /// `true`: branches by default and becomes NOP. `false`: the other way round.
        likely: bool,
    },
    /// A sequence that is replaced by another.
    Alternative {
        /// Address of the replacement in the image.
        replacement: u64,
        /// Length of the site in instructions.
        site_len: u8,
        /// Length of the replacement in instructions; the rest of the site becomes padding.
        replacement_len: u8,
    },
    /// A sequence that a function of the kernel computes.
    Callback {
        /// Address of the callback's static, in `alt_callbacks`.
        callback: u64,
        /// Length of the site in instructions.
        site_len: u8,
    },
    /// A sequence that becomes nothing.
    Nops {
        /// Length of the site in instructions.
        site_len: u8,
    },
}

/// When a site changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Number of the cpucap.
    pub cap: u16,
    /// The cpucap must be absent.
    pub negated: bool,
    /// The condition of the next record must hold as well.
    pub and_next: bool,
}

impl Condition {
    const CAP: u16 = 0x1fff;
    const AND_NEXT: u16 = 1 << 13;
    const NOT: u16 = 1 << 14;
    /// Of branch records.
    const LIKELY: u16 = 1 << 15;
    /// Of records of alternatives: there are no instructions to copy.
    const COMPUTED: u16 = 1 << 15;

    fn from_bits(bits: u16) -> Self {
        Self {
            cap: bits & Self::CAP,
            negated: bits & Self::NOT != 0,
            and_next: bits & Self::AND_NEXT != 0,
        }
    }
}

impl Record {
    /// The addresses of the site's instructions.
    pub fn range(&self) -> Range<u64> {
        self.site..self.site + 4 * self.len() as u64
    }

    /// Length of the site in instructions; never 0.
    #[expect(clippy::len_without_is_empty, reason = "no site is empty")]
    pub fn len(&self) -> usize {
        match self.kind {
            SiteKind::Branch { .. } => 1,
            SiteKind::Alternative { site_len, .. }
            | SiteKind::Callback { site_len, .. }
            | SiteKind::Nops { site_len } => site_len.into(),
        }
    }
}

/// A place in the text, with its arms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Address of its first instruction.
    pub address: u64,
    /// Its records in the table's order; the first arm whose condition holds wins.
    pub records: Vec<Record>,
}

impl Site {
    /// The addresses of its instructions.
    pub fn range(&self) -> Range<u64> {
        self.records[0].range()
    }

    /// The first record of the arm that wins on a machine with these cpucaps, by number; `None` if
    /// no arm wins.
    pub fn winner(&self, caps: &BTreeSet<u16>) -> Option<&Record> {
        self.records
            .split_inclusive(|record| !record.condition.and_next)
            .find(|arm| {
                arm.iter()
                    .all(|record| caps.contains(&record.condition.cap) != record.condition.negated)
            })
            .map(|arm| &arm[0])
    }
}

/// Records by the sites they belong to.
pub fn sites(records: &[Record]) -> Vec<Site> {
    records
        .chunk_by(|a, b| a.site == b.site)
        .map(|records| Site {
            address: records[0].site,
            records: records.to_vec(),
        })
        .collect()
}

/// All records of an image, branches first, each table in its own order. An image without a table
/// has none.
///
/// # Errors
/// [`Error::Record`] when a table is not a whole number of records, or a site is not within the
/// executable sections.
pub fn read(image: &Image) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for (name, size, parse) in [
        (BRANCHES, 8, branch as fn(u64, &[u8]) -> Record),
        (ALTERNATIVES, 12, alternative),
    ] {
        let Some(section) = image.section(name) else {
            continue;
        };
        let table = parse_table(name, section.range.start, &section.bytes, size, parse)?;
        for (index, record) in table.iter().enumerate() {
            let within = |range: Range<u64>| {
                image.sections().iter().any(|section| {
                    section.executable
                        && section.range.start <= range.start
                        && range.end <= section.range.end
                })
            };
            if record.len() == 0 || !within(record.range()) {
                return Err(Error::Record {
                    section: name,
                    index,
                    problem: format!("its site {:x?} is not in the text", record.range()),
                });
            }
        }
        records.extend(table);
    }
    Ok(records)
}

fn parse_table(
    section: &'static str,
    start: u64,
    bytes: &[u8],
    size: usize,
    parse: fn(u64, &[u8]) -> Record,
) -> Result<Vec<Record>> {
    let records = bytes.chunks_exact(size);
    if !records.remainder().is_empty() {
        return Err(Error::Record {
            section,
            index: records.len(),
            problem: format!("the table ends within a record of {size} bytes"),
        });
    }
    Ok(records
        .enumerate()
        .map(|(index, record)| parse(start + (index * size) as u64, record))
        .collect())
}

/// `s32` site, `u16` condition, `s16` displacement in words.
fn branch(address: u64, bytes: &[u8]) -> Record {
    let site = relative(address, &bytes[0..4]);
    let condition = u16::from_le_bytes([bytes[4], bytes[5]]);
    let displacement = i16::from_le_bytes([bytes[6], bytes[7]]);
    Record {
        site,
        condition: Condition::from_bits(condition),
        kind: SiteKind::Branch {
            target: site.wrapping_add_signed(4 * i64::from(displacement)),
            likely: condition & Condition::LIKELY != 0,
        },
    }
}

/// `s32` site, `s32` replacement, `u16` condition, `u8` length of the site, `u8` of the
/// replacement. In a record of a callback, the second field is the callback; if the last field is
/// 0, the arm is NOPs.
fn alternative(address: u64, bytes: &[u8]) -> Record {
    let condition = u16::from_le_bytes([bytes[8], bytes[9]]);
    let second = relative(address + 4, &bytes[4..8]);
    let (site_len, replacement_len) = (bytes[10], bytes[11]);
    Record {
        site: relative(address, &bytes[0..4]),
        condition: Condition::from_bits(condition),
        kind: match (condition & Condition::COMPUTED != 0, replacement_len) {
            (false, _) => SiteKind::Alternative {
                replacement: second,
                site_len,
                replacement_len,
            },
            (true, 0) => SiteKind::Nops { site_len },
            (true, _) => SiteKind::Callback {
                callback: second,
                site_len,
            },
        },
    }
}

/// The target of a self-relative field at an address.
fn relative(address: u64, field: &[u8]) -> u64 {
    let offset = i32::from_le_bytes([field[0], field[1], field[2], field[3]]);
    address.wrapping_add_signed(offset.into())
}

#[cfg(test)]
mod tests;
