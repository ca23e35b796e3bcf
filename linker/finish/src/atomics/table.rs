//! Adds records to the table of an image, into the room after it.

use std::collections::BTreeMap;

use alt_image::image::Image;
use alt_image::records::alt::{ALTERNATIVES, WRITE};
use alt_image::records::{Kind, Records, Table};
use alt_runtime::atomics::CAP_SYMBOL;
use alt_runtime::record::{Condition, Section};
use object::elf::{R_AARCH64_ABS16, R_AARCH64_PREL32};

use super::AtomicsError;
use super::calls::Call;
use crate::file::{File, Row};

/// The size of a record in bytes.
const RECORD: u64 = Section::Alternatives.element_size();

/// The prefixes of the names of bounds, of our scripts and of linkers.
const BOUNDS: [&[u8]; 3] = [b"__start_", b"__stop_", b"__alt_"];

/// The bytes of the image with a record for each of the calls, which are sorted.
pub(super) fn add(
    image: &Image,
    records: &Records,
    calls: &[Call],
) -> Result<Vec<u8>, AtomicsError> {
    let table = &records.alternatives;
    check_room(image, records, calls)?;
    let mut old = BTreeMap::new();
    for record in records.list() {
        if !matches!(record.kind, Kind::Branch { .. }) {
            old.insert(record.at, record);
        }
    }
    let (mut data, mut moved, mut added) = (Vec::new(), BTreeMap::new(), Vec::new());
    let start = table.range.start;
    let mut rest = calls.iter().peekable();
    for (at, record) in old {
        while let Some(call) = rest.next_if(|call| call.at < record.site) {
            added.push((push(start, &mut data, call)?, call));
        }
        let bytes = image.bytes(at, RECORD as usize).unwrap_or_default();
        let new = start + data.len() as u64;
        data.extend(new_offset(new, record.site)?);
        match record.kind {
            Kind::Code { address, .. } | Kind::Callback { address, .. } => {
                data.extend(new_offset(new + 4, address)?);
            }
            _ => data.extend(&bytes[4..8]),
        }
        data.extend(&bytes[8..]);
        moved.insert(at, new);
    }
    for call in rest {
        added.push((push(start, &mut data, call)?, call));
    }

    let (end, new_end) = (table.range.end, start + data.len() as u64);
    let place = |address: u64| {
        let record = address - (address - start) % RECORD;
        moved
            .get(&record)
            .map_or(address, |new| new + (address - record))
    };
    let mut file = File::new(image)?;
    let written = file.write(start, &data);
    let bounds = Table::bounds(image, Section::Alternatives);
    let stop = bounds.map(|bounds| bounds + 8);
    let stop = stop.filter(|stop| image.pointer_at(*stop) == Some(end.wrapping_sub(*stop)));
    let stop = stop.ok_or(AtomicsError::NoBounds("__alt_bounds"))?;
    let written = written && file.write(stop, &new_end.wrapping_sub(stop).to_le_bytes());
    if !written {
        return Err(AtomicsError::NoBounds(ALTERNATIVES));
    }
    let stop_symbol = format!("__stop_{ALTERNATIVES}");
    file.move_symbols(|value, name| {
        if name == stop_symbol.as_bytes() {
            return Some(new_end);
        }
        // Labels of records follow them, bounds of tables do not.
        let is_bound = BOUNDS.iter().any(|prefix| name.starts_with(prefix));
        (table.range.contains(&value) && !is_bound).then(|| place(value))
    });
    file.move_references(&table.range, place);
    if let Some(section) = file.section_at(start) {
        add_rows(&mut file, table, section, place, &added);
    }
    Ok(file.finish()?)
}

/// Checks that the records fit, and the plan as well.
fn check_room(image: &Image, records: &Records, calls: &[Call]) -> Result<(), AtomicsError> {
    let (table, needed) = (&records.alternatives, calls.len() as u64);
    let section = image.section(ALTERNATIVES).filter(|section| {
        section.loaded
            && section.range.start <= table.range.start
            && table.range.end <= section.range.end
    });
    let end = section.map_or(table.range.end, |section| section.range.end);
    let room = (end - table.range.end) / RECORD;
    if room < needed {
        return Err(AtomicsError::Room {
            calls: needed,
            room,
        });
    }
    let len = usize::try_from(needed * RECORD).unwrap_or(usize::MAX);
    let bytes = image.bytes(table.range.end, len);
    if !bytes.is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0)) {
        return Err(AtomicsError::InUse(table.range.end));
    }
    // Without such room, a static of the kernel has it, and the kernel checks it at boot.
    let words = records.sites().map(|site| u64::from(site.len() / 4));
    let needed = needed + words.sum::<u64>();
    let room = records.plan.size() / WRITE;
    if !records.plan.range.is_empty() && room < needed {
        return Err(AtomicsError::PlanRoom { needed, room });
    }
    Ok(())
}

/// Adds the record of a call to the table that begins at `start`; returns its address.
fn push(start: u64, data: &mut Vec<u8>, call: &Call) -> Result<u64, AtomicsError> {
    let at = start + data.len() as u64;
    data.extend(new_offset(at, call.at)?);
    data.extend(new_offset(at + 4, call.word)?);
    let negated = if call.term.negated { Condition::NOT } else { 0 };
    data.extend((call.term.cap | negated).to_le_bytes());
    // Lengths of site and replacement are one instruction.
    data.extend([1, 1]);
    Ok(at)
}

fn new_offset(at: u64, target: u64) -> Result<[u8; 4], AtomicsError> {
    let offset = i32::try_from(target.wrapping_sub(at).cast_signed());
    let offset = offset.map_err(|_| AtomicsError::TooFar { at, target })?;
    Ok(offset.to_le_bytes())
}

/// The relocations that the linker kept for the table follow the records; each new record has its own.
fn add_rows(
    file: &mut File<'_>,
    table: &Table,
    section: usize,
    place: impl Fn(u64) -> u64,
    added: &[(u64, &Call)],
) {
    let sections = file.relocation_sections().into_iter();
    let Some((rows_section, _)) = sections.rev().find(|(_, of)| *of == section) else {
        return;
    };
    let mut rows = file.rows(rows_section);
    for row in &mut rows {
        if table.range.contains(&row.at) {
            row.at = place(row.at);
        }
    }
    let mut known = BTreeMap::new();
    let mut symbol = |name: &str| {
        let found = known.get(name).copied();
        found.unwrap_or_else(|| {
            let index = file.symbol(name).unwrap_or_default();
            known.insert(name.to_owned(), index);
            index
        })
    };
    let cap = symbol(CAP_SYMBOL);
    for (at, call) in added {
        let row = |field, kind: object::elf::RelocationType, symbol, addend| Row {
            at: at + field,
            kind: kind.0,
            symbol,
            addend,
        };
        // Without a symbol, the addend is the address.
        rows.push(row(0, R_AARCH64_PREL32, 0, call.at));
        let word = symbol(&call.word_symbol);
        let addend = if word == 0 { call.word } else { 0 };
        rows.push(row(4, R_AARCH64_PREL32, word, addend));
        if cap != 0 {
            rows.push(row(8, R_AARCH64_ABS16, cap, 0));
        }
    }
    rows.sort_by_key(|row| row.at);
    file.set_rows(rows_section, &rows);
}
