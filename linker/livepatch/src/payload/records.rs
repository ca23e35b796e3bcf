//! The records of a payload, sorted by site.

use alt_runtime::record::{AlternativeRecord, BranchRecord, Section};

use super::PayloadBuildError;
use super::part::{Part, PartKind, Reference, Target};

/// A table of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    Branches,
    Alternatives,
}

impl Table {
    /// The bytes of a record.
    pub const fn size(self) -> usize {
        match self {
            Self::Branches => size_of::<BranchRecord>(),
            Self::Alternatives => size_of::<AlternativeRecord>(),
        }
    }

    const fn kind(self) -> PartKind {
        match self {
            Self::Branches => PartKind::Branches,
            Self::Alternatives => PartKind::Alternatives,
        }
    }

    const fn section(self) -> &'static str {
        match self {
            Self::Branches => Section::Branches.name(),
            Self::Alternatives => Section::Alternatives.name(),
        }
    }
}

/// A record, with its references from its own start.
#[derive(Debug)]
pub struct Record {
    /// The number of the part that it is from.
    pub part: usize,
    /// Its bytes before relocation.
    pub bytes: Vec<u8>,
    /// Its references.
    pub references: Vec<Reference>,
    /// The place of its site.
    site: u64,
}

/// The records of a table by site; those of one site in their order. `places` has the functions'
/// places.
pub fn sorted(
    parts: &[Part],
    order: &[usize],
    places: &[u64],
    table: Table,
) -> Result<Vec<Record>, PayloadBuildError> {
    let size = table.size();
    let mut records = Vec::new();
    for (number, part) in order.iter().map(|number| (*number, &parts[*number])) {
        if part.kind != table.kind() {
            continue;
        }
        let damaged = || PayloadBuildError::Records {
            name: part.label.clone(),
            section: table.section(),
            size: part.size,
            record: size,
        };
        if part.bytes.len() as u64 != part.size || !part.bytes.len().is_multiple_of(size) {
            return Err(damaged());
        }
        for (index, bytes) in part.bytes.chunks_exact(size).enumerate() {
            let start = (index * size) as u64;
            let own = part
                .references
                .iter()
                .filter(|reference| (start..start + size as u64).contains(&reference.offset));
            let references: Vec<_> = own
                .map(|reference| Reference {
                    offset: reference.offset - start,
                    ..*reference
                })
                .collect();
            // The site is the first field.
            let site = references.iter().find(|reference| reference.offset == 0);
            let site = site.and_then(|reference| match reference.target {
                Target::Part(target) => {
                    Some(places.get(target)?.wrapping_add_signed(reference.addend))
                }
                Target::Image(_) => None,
            });
            records.push(Record {
                part: number,
                bytes: bytes.to_vec(),
                references,
                site: site.ok_or_else(damaged)?,
            });
        }
    }
    records.sort_by_key(|record| record.site);
    Ok(records)
}
