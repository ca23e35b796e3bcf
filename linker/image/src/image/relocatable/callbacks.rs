//! Callbacks that an object uses and another one defines.
//!
//! A callback is an element of one table of the kernel, to which records refer. So that records of
//! an object are as in a running kernel, the table of the layout has an element for each of these.

use std::collections::BTreeSet;

use alt_object::object::{Object, Place};
use alt_runtime::record::{AlternativeRecord, Section};
use object::elf::{SHT_CREL, SHT_RELA};

use super::damaged;
use crate::image::ImageError;

/// The size of a record of an alternative, and the offset of its reference: docs/records.md.
const RECORD: u64 = size_of::<AlternativeRecord>() as u64;
const REPLACEMENT: u64 = 4;

/// The callbacks that records refer to and other objects define, by the numbers of their symbols. A
/// record with a replacement has it in its own object, so an undefined symbol is a callback.
pub(super) fn foreign(object: &Object<'_>, file: usize) -> Result<BTreeSet<usize>, ImageError> {
    let mut found = BTreeSet::new();
    let mut left = file as u64;
    for (index, rows) in object.sections.iter().enumerate() {
        let of = object.sections.get(rows.info);
        let is_records = of.is_some_and(|of| of.name == Section::Alternatives.name().as_bytes());
        if ![SHT_RELA, SHT_CREL].contains(&rows.kind) || !is_records {
            continue;
        }
        left = left.checked_sub(rows.size).ok_or_else(|| {
            ImageError::Truncated("the relocations take more room than the file has".into())
        })?;
        let read = object.relocations(index).map_err(damaged("relocations"))?;
        let list = read.map_or(Vec::new(), |read| read.list);
        let second = list.iter().filter(|row| row.offset % RECORD == REPLACEMENT);
        let foreign = second.map(|row| row.symbol).filter(|symbol| {
            let symbol = object.symbols.get(*symbol);
            symbol.is_some_and(|symbol| symbol.place == Place::Undefined)
        });
        found.extend(foreign.filter(|symbol| *symbol != 0));
    }
    Ok(found)
}
