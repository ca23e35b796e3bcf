//! Callbacks that an object uses and another one defines.
//!
//! A callback is an element of one table of the kernel, to which records refer. So that records of
//! an object are what they will be, the table of the layout has an element for each of these.

use std::collections::BTreeSet;

use alt_object::object::{Object, Place};
use alt_runtime::record::AlternativeRecord;
use object::elf::SHT_RELA;

use super::damaged;
use super::layout::Layout;
use crate::image::elf::LAST_PAGE;
use crate::image::{ImageError, Section};
use crate::records::alt::{ALTERNATIVES, CALLBACK, CALLBACKS, FUNCTION};

/// The size of a record of an alternative, and the offset of what it refers to: docs/records.md.
const RECORD: u64 = size_of::<AlternativeRecord>() as u64;
const REPLACEMENT: u64 = 4;

/// The callbacks that records refer to and other objects define, by the numbers of their symbols. A
/// record with a replacement has it in its own object, so what it lacks is a callback.
pub(super) fn foreign(object: &Object<'_>, file: usize) -> Result<BTreeSet<usize>, ImageError> {
    let mut found = BTreeSet::new();
    let mut left = file as u64;
    for (index, rows) in object.sections.iter().enumerate() {
        let of = object.sections.get(rows.info);
        let is_records = of.is_some_and(|of| of.name == ALTERNATIVES.as_bytes());
        if rows.kind != SHT_RELA || !is_records {
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

impl Layout {
    /// Adds the callbacks of other objects to the table, and empties the list.
    pub(super) fn callbacks(&mut self, foreign: &mut BTreeSet<usize>) -> Result<(), ImageError> {
        let has_table = |last: &Section| last.loaded && last.name == CALLBACKS;
        if !foreign.is_empty() && !self.sections.last().is_some_and(has_table) {
            // Apart from the bounds of what is before it.
            self.at = self.at.saturating_add(1);
        }
        for symbol in std::mem::take(foreign) {
            let start = self.at.checked_next_multiple_of(8);
            let range = start.and_then(|start| Some(start..start.checked_add(CALLBACK)?));
            let range = range.filter(|range| range.end <= LAST_PAGE);
            let range = range.ok_or_else(|| ImageError::Wraps {
                section: CALLBACKS.into(),
                address: self.at,
            })?;
            self.at = range.end;
            // Its function is where the symbol would be otherwise.
            let function = self.elsewhere.insert(symbol, range.start);
            let offset = self.data.len();
            self.data.extend([0; FUNCTION as usize]);
            self.data.extend(function.unwrap_or_default().to_le_bytes());
            let new = Section {
                name: CALLBACKS.into(),
                range,
                file: offset..self.data.len(),
                loaded: true,
                executable: false,
                writable: false,
                thread_local: false,
            };
            self.add(new, true);
        }
        Ok(())
    }
}
