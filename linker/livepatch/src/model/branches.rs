//! Branches between functions of one section, for which the assembler leaves no relocation.

use std::ops::Range;

use super::atom::{Atom, AtomId, Kind, Reference, Target};

/// `R_AARCH64_…` of a branch, and the bits of its immediate (ELF for the Arm 64-bit Architecture,
/// 5.7.9).
const BRANCHES: [(u32, u32, u32, u32, u32); 5] = [
    // mask, value, relocation, lowest bit, width
    (0xfc00_0000, 0x9400_0000, 283, 0, 26), // BL
    (0xfc00_0000, 0x1400_0000, 282, 0, 26), // B
    (0xff00_0010, 0x5400_0000, 280, 5, 19), // B.cond
    (0x7e00_0000, 0x3400_0000, 280, 5, 19), // CBZ, CBNZ
    (0x7e00_0000, 0x3600_0000, 279, 5, 14), // TBZ, TBNZ
];

/// Finds branches from one atom of a section to another, and makes references of them: their
/// distance changes when a function between them changes.
pub(super) fn unresolve(list: &[(Range<u64>, AtomId)], atoms: &mut [Atom]) {
    for (range, id) in list {
        let atom = &mut atoms[id.0];
        if atom.kind != Kind::Function {
            continue;
        }
        let mut found = Vec::new();
        let relocated: Vec<u64> = atom.references.iter().map(|r| r.offset).collect();
        for (index, word) in atom.bytes.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let at = index as u64 * 4;
            if relocated.contains(&at) {
                continue;
            }
            let value = u32::from_le_bytes(*word);
            let form = BRANCHES.iter().find(|(mask, of, ..)| value & mask == *of);
            let Some((_, _, kind, low, width)) = form else {
                continue;
            };
            let field = value >> low & ((1 << width) - 1);
            let words = i64::from((field << (32 - width)) as i32 >> (32 - width));
            let Some(target) = (range.start + at).checked_add_signed(words * 4) else {
                continue;
            };
            let Some((there, to)) = list.iter().find(|(other, _)| other.contains(&target)) else {
                continue;
            };
            if to == id {
                continue;
            }
            *word = (value & !(((1u32 << width) - 1) << low)).to_le_bytes();
            found.push(Reference {
                offset: at,
                kind: *kind,
                target: Target::Atom(*to),
                addend: (target - there.start) as i64,
                resolved: true,
            });
        }
        atom.references.extend(found);
    }
}
