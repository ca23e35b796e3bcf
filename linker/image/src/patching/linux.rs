//! Linux's records, said in ours.
//!
//! They differ in that lengths are in bytes, that the table is not sorted, that of several
//! records of one site the last one wins, and in the callbacks.

use std::collections::HashMap;

use alt_runtime::record::{AlternativeRecord, Condition};

use super::error::{HostError, Problem};
use crate::image::Image;
use crate::records::{Kind, Record, Records};

/// The longest site in instructions: lengths have 8 bits, and count bytes.
pub(super) const MAX_LEN: usize = 63;

/// Linux's table in our terms.
pub(super) struct Converted {
    /// Sorted by site; in place of Linux's table.
    pub records: Vec<AlternativeRecord>,
    /// Where each of these is in it, by its address in Linux's table.
    pub indices: HashMap<u64, usize>,
    /// The address that stands for [`MAX_LEN`] NOPs.
    pub nops: u64,
    /// The address that stands for the first of the callbacks.
    pub callbacks: u64,
    pub callback_count: usize,
    pub left_out: Vec<HostError>,
}

pub(super) fn convert(image: &Image, records: &Records) -> Converted {
    // Behind the image, where nothing of it is.
    let end = image.loaded().map(|section| section.range.end).max();
    let nops = end.unwrap_or_default().next_multiple_of(8);
    let callbacks = (nops + 4 * MAX_LEN as u64).next_multiple_of(8);
    let mut converted = Converted {
        records: Vec::with_capacity(records.list().len()),
        indices: HashMap::with_capacity(records.list().len()),
        nops,
        callbacks,
        // One stands for all of them.
        callback_count: 1,
        left_out: Vec::new(),
    };
    // By site; of one site the last record first, since the patcher takes the first that holds.
    let mut sorted: Vec<&Record> = records.list().iter().collect();
    sorted.sort_by_key(|record| (record.site, std::cmp::Reverse(record.at)));
    for record in sorted {
        let at = records.alternatives.range.start + 12 * converted.records.len() as u64;
        match converted.one(record, at) {
            Ok(ours) => {
                converted.indices.insert(record.at, converted.records.len());
                converted.records.push(ours);
            }
            Err(problem) => converted.left_out.push(HostError::Record {
                at: record.at,
                site: record.site,
                problem,
            }),
        }
    }
    converted
}

impl Converted {
    /// The record in our terms, to stand at `at`.
    fn one(&self, record: &Record, at: u64) -> Result<AlternativeRecord, Problem> {
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
        let bits = record.term.cap;
        let condition = Condition::from_bits(bits | if callback { Condition::CALLBACK } else { 0 });
        if condition.cap() != bits {
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
