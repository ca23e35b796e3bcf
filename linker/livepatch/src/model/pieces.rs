//! Splits a section into atoms: by symbols, or by the strings and constants that a linker merges.

use std::ops::Range;

use alt_object::object::{Object, Place};
use object::elf::{SHF_MERGE, SHF_STRINGS, STT_FUNC, STT_OBJECT};

/// The ranges of a section that are separate atoms, in order and without gaps.
pub(super) fn of(object: &Object<'_>, section: usize, bytes: &[u8]) -> Vec<Range<u64>> {
    let header = &object.sections[section];
    let starts = match header.flags.contains(SHF_MERGE) {
        true => merged(
            header.flags.contains(SHF_STRINGS),
            entry_size(header.name),
            bytes,
        ),
        false => symbols(object, section),
    };
    let mut pieces = Vec::new();
    let mut from = 0;
    for start in starts
        .into_iter()
        .filter(|start| *start > 0 && *start < header.size)
    {
        pieces.push(from..start);
        from = start;
    }
    pieces.push(from..header.size);
    pieces
}

/// The bytes of an element, by the name that LLVM gives the section: `.rodata.cst16`,
/// `.rodata.str1.1`.
fn entry_size(name: &[u8]) -> usize {
    let name = String::from_utf8_lossy(name);
    let number = |prefix: &str| {
        let rest = name.split(prefix).nth(1)?;
        rest.split('.').next()?.parse().ok()
    };
    number(".cst")
        .or_else(|| number(".str"))
        .unwrap_or(1)
        .max(1)
}

fn merged(strings: bool, entry: usize, bytes: &[u8]) -> Vec<u64> {
    let mut starts = Vec::new();
    for (index, element) in bytes.chunks(entry).enumerate() {
        let ends = !strings || element.iter().all(|byte| *byte == 0);
        if ends {
            starts.push(((index + 1) * entry) as u64);
        }
    }
    starts
}

/// The offsets of functions and objects, except those inside another one, which are labels of it.
fn symbols(object: &Object<'_>, section: usize) -> Vec<u64> {
    let mut found: Vec<(u64, u64)> = object
        .symbols
        .iter()
        .filter(|symbol| matches!(symbol.kind, STT_FUNC | STT_OBJECT))
        .filter_map(|symbol| match symbol.place {
            Place::In(of, offset) if of == section => Some((offset, symbol.size)),
            _ => None,
        })
        .collect();
    found.sort_unstable();
    let mut starts = Vec::new();
    let mut end = 0;
    for (offset, size) in found {
        if offset >= end && starts.last() != Some(&offset) {
            starts.push(offset);
        }
        end = end.max(offset + size);
    }
    starts
}
