//! Linux's `struct alt_instr`: `arch/arm64/include/asm/alternative.h`. Xen has the same.
//!
//! | offset | type  | meaning |
//! |--------|-------|---------|
//! | 0      | `s32` | site − address of this field |
//! | 4      | `s32` | replacement, or the function of a callback, − address of this field |
//! | 8      | `u16` | cpucap; bit 15: a callback |
//! | 10     | `u8`  | length of the site in bytes |
//! | 11     | `u8`  | length of the replacement in bytes; 0 for a callback |
//!
//! Linux before 6.1, and Xen, have no bit 15. A callback has no cpucap there: it always applies, and
//! the field is the number of cpucaps (`ARM64_CB_PATCH`, which is `ARM64_NCAPS`). Both forms have
//! no other record with a replacement of length 0, by which the older one is recognised.
//!
//! A macro with an empty body leaves a record with both lengths 0 (Linux 7.3 has three). Linux changes
//! nothing there; such a record is left out.

use std::collections::HashMap;

use super::{Format, InferredNops, Kind, Record, Records, RecordsError, Table, Term, alt};
use crate::image::Image;

pub(crate) const TABLE: &str = ".altinstructions";

/// The callback that writes NOPs. Linux exports it; modules and the vDSO use it too.
const NOPS: &str = "alt_cb_patch_nops";

const CALLBACK: u16 = 1 << 15;

/// The least number of records with which a callback is assumed to be [`NOPS`].
const MANY: usize = 64;

pub(super) fn is_there(image: &Image) -> bool {
    !table(image).range.is_empty()
}

/// Finds the table by the bounds of Linux's linker script or, without symbols, by the section.
fn table(image: &Image) -> Table {
    let range = image
        .between("__alt_instructions", "__alt_instructions_end")
        .or_else(|| Some(image.section(TABLE)?.range.clone()))
        .unwrap_or(0..0);
    Table::at(TABLE, range)
}

pub(super) fn read(image: &Image) -> Result<Records, RecordsError> {
    let table = table(image);
    let nops = image.symbol(NOPS);
    let mut list: Vec<Record> = table
        .elements(image)?
        .map(|(at, bytes)| record(at, *bytes, nops))
        .filter(|record| !is_empty(record))
        .collect();
    if has_unconditional_callbacks(image, &list) {
        list.iter_mut().for_each(make_unconditional);
    }
    Ok(Records {
        format: Format::Linux,
        branches: Table::absent(alt::BRANCHES),
        alternatives: table,
        replacements: Table::absent(alt::REPLACEMENTS),
        callbacks: Table::absent(alt::CALLBACKS),
        plan: Table::absent(alt::PLAN),
        plan_size: 0,
        inferred_nops: None,
        finished: None,
        list,
    })
}

fn record(at: u64, bytes: [u8; 12], nops: Option<u64>) -> Record {
    let [s0, s1, s2, s3, r0, r1, r2, r3, c0, c1, site_len, len] = bytes;
    let site = i32::from_le_bytes([s0, s1, s2, s3]);
    let other = i32::from_le_bytes([r0, r1, r2, r3]);
    let cap = u16::from_le_bytes([c0, c1]);
    let address = at.wrapping_add(4).wrapping_add_signed(other.into());
    let kind = match cap & CALLBACK != 0 {
        true if Some(address) == nops => Kind::Nops,
        true => Kind::Callback {
            address,
            len: (len != 0).then_some(len.into()),
        },
        false => Kind::Code {
            address,
            len: len.into(),
        },
    };
    Record {
        at,
        site: at.wrapping_add_signed(site.into()),
        site_len: site_len.into(),
        term: Term {
            cap: cap & !CALLBACK,
            negated: false,
            and_next: false,
            always: false,
        },
        kind,
    }
}

/// In a stripped image, takes the callback of most records for [`NOPS`]. In kernels with symbols, 98
/// of 100 records with a callback have that one; all others together have a few hundred at most.
pub(super) fn infer_nops(image: &Image, list: &mut [Record]) -> Option<InferredNops> {
    if image.symbol(NOPS).is_some() {
        return None;
    }
    let callback = |record: &Record| match record.kind {
        Kind::Callback { address, len: None } if !record.term.always => Some(address),
        _ => None,
    };
    let mut counts = HashMap::new();
    for address in list.iter().filter_map(callback) {
        *counts.entry(address).or_insert(0) += 1;
    }
    let callbacks: usize = counts.values().sum();
    let (address, records) = counts.into_iter().max_by_key(|(_, records)| *records)?;
    if records < MANY || records < callbacks - callbacks / 10 {
        return None;
    }
    for record in &mut *list {
        if callback(record) == Some(address) {
            record.kind = Kind::Nops;
        }
    }
    Some(InferredNops {
        address,
        records,
        callbacks,
    })
}

/// A site without instructions, and a replacement without any.
fn is_empty(record: &Record) -> bool {
    record.site_len == 0 && matches!(record.kind, Kind::Code { len: 0, .. })
}

/// A replacement without instructions, for a site that has some.
fn is_without_replacement(record: &Record) -> bool {
    record.site_len != 0 && matches!(record.kind, Kind::Code { len: 0, .. })
}

/// Whether the table has the older form: no callback by bit 15, and all records without a
/// replacement refer to text and have one number, larger than those of all others.
fn has_unconditional_callbacks(image: &Image, list: &[Record]) -> bool {
    let by_bit = |record: &Record| matches!(record.kind, Kind::Callback { .. } | Kind::Nops);
    if list.iter().any(by_bit) {
        return false;
    }
    let numbers = |callback: bool| {
        let of = move |record: &&Record| is_without_replacement(record) == callback;
        list.iter().filter(of).map(|record| record.term.cap)
    };
    let Some(number) = numbers(true).next() else {
        return false;
    };
    let is_function = |record: &Record| match record.kind {
        Kind::Code { address, .. } => image.is_text(address),
        _ => false,
    };
    let mut callbacks = list.iter().filter(|record| is_without_replacement(record));
    callbacks.all(|record| record.term.cap == number && is_function(record))
        && numbers(false).all(|other| other < number)
}

fn make_unconditional(record: &mut Record) {
    if is_without_replacement(record)
        && let Kind::Code { address, .. } = record.kind
    {
        record.kind = Kind::Callback { address, len: None };
        record.term.always = true;
    }
}
