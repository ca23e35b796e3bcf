//! Conversion of Linux records to ours.
//!
//! In Linux, lengths are in bytes, the table is not sorted, the last of several records of a site
//! wins, and callbacks are referred to by their function.

use std::collections::HashMap;
use std::ops::Range;

use alt_runtime::record::{AlternativeRecord, Condition};

use super::error::{HostError, Problem};
use crate::image::Image;
use crate::records::{Kind, Record, Records};

/// The length of the longest site in instructions: a length has 8 bits and counts bytes.
pub(super) const MAX_LEN: usize = 63;

/// The converted table.
pub(super) struct Converted {
    /// Sorted by site; it replaces the table of Linux.
    pub records: Vec<AlternativeRecord>,
    /// The converted records of each record, by its address in the table of Linux.
    pub indices: HashMap<u64, Range<usize>>,
    /// The address that represents [`MAX_LEN`] NOPs.
    pub nops: u64,
    /// The address that represents the first callback.
    pub callbacks: u64,
    pub callback_count: usize,
    pub left_out: Vec<HostError>,
}

pub(super) fn convert(image: &Image, records: &Records) -> Converted {
    // After the image, where its addresses are unused.
    let end = image.loaded().map(|section| section.range.end).max();
    let nops = end.unwrap_or_default().next_multiple_of(8);
    let callbacks = (nops + 4 * MAX_LEN as u64).next_multiple_of(8);
    let mut converted = Converted {
        records: Vec::with_capacity(records.list().len()),
        indices: HashMap::with_capacity(records.list().len()),
        nops,
        callbacks,
        // One callback represents all of them.
        callback_count: 1,
        left_out: Vec::new(),
    };
    // By site. The last record of a site comes first, because our patcher applies the first arm that
    // holds.
    let mut sorted: Vec<&Record> = records.list().iter().collect();
    sorted.sort_by_key(|record| (record.site, std::cmp::Reverse(record.at)));
    for record in sorted {
        let first = converted.records.len();
        // An unconditional record becomes two arms, one for a cpucap and one for its absence.
        let conditions = match record.term.always {
            true => &[0, Condition::NOT][..],
            false => &[record.term.cap],
        };
        for bits in conditions {
            let at = records.alternatives.range.start + 12 * converted.records.len() as u64;
            match converted.one(record, *bits, at) {
                Ok(ours) => converted.records.push(ours),
                Err(problem) => {
                    converted.left_out.push(HostError::Record {
                        at: record.at,
                        site: record.site,
                        problem,
                    });
                    break;
                }
            }
        }
        if converted.records.len() > first {
            let ours = first..converted.records.len();
            converted.indices.insert(record.at, ours);
        }
    }
    converted
}

impl Converted {
    /// The converted record under the condition `bits`, located at `at`.
    fn one(&self, record: &Record, bits: u16, at: u64) -> Result<AlternativeRecord, Problem> {
        let count = |bytes: u32| match (bytes % 4, u8::try_from(bytes / 4)) {
            (0, Ok(count)) if count > 0 => Ok(count),
            _ => Err(Problem::Length(bytes)),
        };
        let site_len = count(record.site_len)?;
        let (address, replacement_len, callback) = match record.kind {
            Kind::Code { address, len } if len == record.site_len => (address, count(len)?, false),
            Kind::Code { len, .. } => {
                return Err(Problem::LengthsDiffer {
                    site: record.site_len,
                    replacement: len,
                });
            }
            Kind::Nops => (self.nops, site_len, false),
            Kind::Callback { len: Some(len), .. } => {
                return Err(Problem::CallbackWithReplacement(len));
            }
            Kind::Callback { .. } | Kind::Branch { .. } => (self.callbacks, site_len, true),
        };
        let condition = Condition::from_bits(bits | if callback { Condition::CALLBACK } else { 0 });
        if !record.term.always && condition.cap() != bits {
            return Err(Problem::CapTooLarge(bits));
        }
        let offset = |to: u64, from: u64| {
            i32::try_from(to.wrapping_sub(from) as i64).map_err(|_| Problem::TooFar)
        };
        Ok(AlternativeRecord {
            site: offset(record.site, at)?,
            replacement: offset(address, at.wrapping_add(4))?,
            condition,
            site_len,
            replacement_len,
        })
    }
}
