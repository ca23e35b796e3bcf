//! Linux's `struct alt_instr`: `arch/arm64/include/asm/alternative.h`, Linux 6.2 and later.
//!
//! | offset | type  | meaning |
//! |--------|-------|---------|
//! | 0      | `s32` | site − address of this field |
//! | 4      | `s32` | replacement, or the function of a callback, − address of this field |
//! | 8      | `u16` | cpucap; bit 15: a callback |
//! | 10     | `u8`  | length of the site in bytes |
//! | 11     | `u8`  | length of the replacement in bytes; 0 for a callback |

use super::{Format, Kind, Record, Records, RecordsError, Table, Term, alt};
use crate::image::Image;

pub(crate) const TABLE: &str = ".altinstructions";

/// The callback that writes NOPs. Linux exports it; modules and the vDSO use it too.
const NOPS: &str = "alt_cb_patch_nops";

const CALLBACK: u16 = 1 << 15;

pub(super) fn is_there(image: &Image) -> bool {
    !table(image).range.is_empty()
}

/// Finds the table by the bounds of Linux's linker script or, without symbols, by the section.
fn table(image: &Image) -> Table {
    let range = image
        .between("__alt_instructions", "__alt_instructions_end")
        .or_else(|| Some(image.section(TABLE)?.range.clone()))
        .unwrap_or(0..0);
    Table { name: TABLE, range }
}

pub(super) fn read(image: &Image) -> Result<Records, RecordsError> {
    let table = table(image);
    let nops = image.symbol(NOPS);
    let list = table
        .elements(image)?
        .map(|(at, bytes)| record(at, *bytes, nops))
        .collect();
    Ok(Records {
        format: Format::Linux,
        branches: Table::absent(alt::BRANCHES),
        alternatives: table,
        replacements: Table::absent(alt::REPLACEMENTS),
        callbacks: Table::absent(alt::CALLBACKS),
        plan: Table::absent(alt::PLAN),
        plan_size: 0,
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
        },
        kind,
    }
}
