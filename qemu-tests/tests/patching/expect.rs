//! What a site must hold after the pass, from the image and the cpucaps.

use std::collections::BTreeSet;

use qemu_tests::sites::{Site, SiteKind};
use qemu_tests::{Image, Run, disasm};

use crate::Result;
use crate::computed::{self, Known};

const NOP: u32 = 0xd503_201f;

/// Checks the words of a site; says whether they changed.
pub fn site_is_right(
    image: &Image,
    run: &Run,
    site: &Site,
    caps: &BTreeSet<u16>,
    known: &Known,
) -> Result<bool> {
    let count = site.records[0].len();
    let before = run.before.words(site.address, count)?;
    let after = run.after.words(site.address, count)?;
    match site.winner(caps).map(|record| record.kind) {
        Some(SiteKind::Alternative {
            replacement,
            replacement_len,
            ..
        }) => {
            alternative(image, site.address, replacement, replacement_len, &after)?;
        }
        Some(SiteKind::Callback { callback, .. }) => {
            let name = image
                .place(callback)
                .ok_or("the callback has no name")?
                .symbol;
            computed::is_right(&name, site.address, &after, known)?;
        }
        Some(SiteKind::Nops { .. }) => padding(&after)?,
        // Judged by `compare::wrong_sites`.
        Some(SiteKind::Branch { .. }) | None => {}
    }
    Ok(before != after)
}

/// Checks the words of a site against the replacement, which the linker has put
/// elsewhere.
fn alternative(image: &Image, site: u64, replacement: u64, len: u8, after: &[u32]) -> Result<()> {
    let len = usize::from(len);
    let bytes = image
        .bytes(replacement, 4 * len)
        .ok_or("the replacement is not in the image")?;
    let source = bytes
        .chunks(4)
        .map(|word| u32::from_le_bytes(word.try_into().expect("4 bytes")));
    let inside = replacement..=replacement + 4 * len as u64;
    for ((now, from), offset) in after.iter().zip(source).zip((0..).step_by(4)) {
        let (at, to) = (replacement + offset, site + offset);
        if !moved(from, at, *now, to, &inside) {
            let (from, now) = (disasm::instruction(from, at), disasm::instruction(*now, to));
            return Err(format!("{to:#x}: `{from}` became `{now}`").into());
        }
    }
    padding(&after[len..]).map_err(|why| format!("{site:#x}: {why}: {:x?}", &after[len..]).into())
}

/// Whether `now` at `to` does what `from` did at `at`: the same instruction, as a
/// disassembler reads it, of the same target; or unchanged, with a target that
/// moves along.
fn moved(from: u32, at: u64, now: u32, to: u64, inside: &std::ops::RangeInclusive<u64>) -> bool {
    let there = disasm::instruction(from, at);
    let target = there
        .split("0x")
        .last()
        .and_then(|hex| u64::from_str_radix(hex, 16).ok());
    let depends_on_place = there != disasm::instruction(from, at + 0x1000_0000);
    if depends_on_place && target.is_some_and(|target| inside.contains(&target)) {
        now == from
    } else if depends_on_place {
        disasm::instruction(now, to) == there
    } else {
        now == from
    }
}

/// Up to three NOPs, or a branch to the end and NOPs after it.
fn padding(words: &[u32]) -> std::result::Result<(), &'static str> {
    let (expected, rest) = match words {
        [first, rest @ ..] if words.len() > 3 => (*first == 0x1400_0000 | words.len() as u32, rest),
        _ => (true, words),
    };
    if expected && rest.iter().all(|word| *word == NOP) {
        Ok(())
    } else {
        Err("not padding")
    }
}
