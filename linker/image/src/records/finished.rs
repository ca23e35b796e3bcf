//! Finished images.
//!
//! `alt finish` writes a finished table (`alt_runtime::finished`) over the records of one table, and
//! zeros over those of the other. It keeps the records in sections of the file that are not loaded,
//! with the addresses that they had. So all that is known about an image is known about a finished one.
//! A kernel reads the finished table only: the patcher runs over that
//! ([`Host::region`](crate::patching::Host::region)), and `alt verify` compares it with what the records
//! give.

use std::ops::Range;

use alt_runtime::record::{FINISHED, Section};

use super::{RecordsError, Table};
use crate::image::Image;

/// The sections with the records, by table.
pub const COPIES: [(&str, &str); 2] = [
    (Section::Branches.name(), ".alt_raw_branches"),
    (Section::Alternatives.name(), ".alt_raw_records"),
];

/// The finished table of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The name of the table in whose place it is: `alt_branches` or `alt_records`.
    pub place: &'static str,
    /// The addresses of that table. The finished one may be shorter.
    pub range: Range<u64>,
}

/// The raw tables, and the finished one that is in their place, if there is one.
pub(super) fn read(
    image: &Image,
    placed: [Table; 2],
) -> Result<(Option<Finished>, [Table; 2]), RecordsError> {
    let is_finished = |table: &&Table| {
        let first = image.u32_at(table.range.start);
        // The last byte is the version.
        !table.range.is_empty() && first.is_some_and(|first| first << 8 == FINISHED << 8)
    };
    // The kernel looks in this order.
    let Some(place) = placed.iter().rev().find(is_finished) else {
        return Ok((None, placed));
    };
    let finished = Finished {
        place: place.name,
        range: place.range.clone(),
    };
    let mut tables = placed;
    for (table, (_, section)) in tables.iter_mut().zip(COPIES) {
        let copy = image.section(section).filter(|copy| !copy.loaded);
        let Some(copy) = copy else {
            // A table without records has no copy.
            if table.range.is_empty() {
                continue;
            }
            return Err(RecordsError::NoCopy {
                table: table.name,
                section,
            });
        };
        if copy.range != table.range || copy.file.len() as u64 != table.size() {
            return Err(RecordsError::OtherCopy {
                table: table.name,
                section,
            });
        }
        table.copy = Some(copy.file.clone());
    }
    Ok((Some(finished), tables))
}
