//! The module loader's relocations against the linker's (`data/relocations.sh` writes the expected
//! results), and each error by which one is refused.

use alt_runtime::insn::{Form, Insn, MoveError};
use demo_object::relocation::{RelocationError, apply};
use elf::abi::{
    R_AARCH64_ABS16, R_AARCH64_ABS32, R_AARCH64_ABS64, R_AARCH64_ADD_ABS_LO12_NC,
    R_AARCH64_ADR_PREL_LO21, R_AARCH64_ADR_PREL_PG_HI21, R_AARCH64_ADR_PREL_PG_HI21_NC,
    R_AARCH64_CALL26, R_AARCH64_CONDBR19, R_AARCH64_JUMP26, R_AARCH64_LD_PREL_LO19,
    R_AARCH64_LDST8_ABS_LO12_NC, R_AARCH64_LDST16_ABS_LO12_NC, R_AARCH64_LDST32_ABS_LO12_NC,
    R_AARCH64_LDST64_ABS_LO12_NC, R_AARCH64_LDST128_ABS_LO12_NC, R_AARCH64_MOVW_UABS_G0,
    R_AARCH64_PREL32, R_AARCH64_PREL64, R_AARCH64_TSTBR14,
};

/// All types that the loader supports, and their names.
const KINDS: [(&str, u32); 18] = [
    ("R_AARCH64_ABS64", R_AARCH64_ABS64),
    ("R_AARCH64_ABS32", R_AARCH64_ABS32),
    ("R_AARCH64_PREL64", R_AARCH64_PREL64),
    ("R_AARCH64_PREL32", R_AARCH64_PREL32),
    ("R_AARCH64_LD_PREL_LO19", R_AARCH64_LD_PREL_LO19),
    ("R_AARCH64_ADR_PREL_LO21", R_AARCH64_ADR_PREL_LO21),
    ("R_AARCH64_ADR_PREL_PG_HI21", R_AARCH64_ADR_PREL_PG_HI21),
    (
        "R_AARCH64_ADR_PREL_PG_HI21_NC",
        R_AARCH64_ADR_PREL_PG_HI21_NC,
    ),
    ("R_AARCH64_ADD_ABS_LO12_NC", R_AARCH64_ADD_ABS_LO12_NC),
    ("R_AARCH64_LDST8_ABS_LO12_NC", R_AARCH64_LDST8_ABS_LO12_NC),
    ("R_AARCH64_LDST16_ABS_LO12_NC", R_AARCH64_LDST16_ABS_LO12_NC),
    ("R_AARCH64_LDST32_ABS_LO12_NC", R_AARCH64_LDST32_ABS_LO12_NC),
    ("R_AARCH64_LDST64_ABS_LO12_NC", R_AARCH64_LDST64_ABS_LO12_NC),
    (
        "R_AARCH64_LDST128_ABS_LO12_NC",
        R_AARCH64_LDST128_ABS_LO12_NC,
    ),
    ("R_AARCH64_TSTBR14", R_AARCH64_TSTBR14),
    ("R_AARCH64_CONDBR19", R_AARCH64_CONDBR19),
    ("R_AARCH64_JUMP26", R_AARCH64_JUMP26),
    ("R_AARCH64_CALL26", R_AARCH64_CALL26),
];

const PLACE: u64 = 0x4021_0000;
/// `b .`, `ldr x0, [x0]`
const B: u32 = 0x1400_0000;
const LDR: u32 = 0xf940_0000;

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

fn number(hex: &str) -> u64 {
    u64::from_str_radix(hex.trim_start_matches("0x"), 16).unwrap()
}

#[test]
fn relocations_are_those_of_the_linker() {
    let mut seen = Vec::new();
    for line in include_str!("data/relocations.txt").lines() {
        if line.starts_with('#') {
            continue;
        }
        let fields: Vec<_> = line.splitn(6, ' ').collect();
        let [name, place, target, before, after, text] = fields[..] else {
            panic!("{line}");
        };
        let kind = KINDS.iter().find(|(known, _)| *known == name);
        let kind = kind.unwrap_or_else(|| panic!("{name}")).1;
        // The place is in the middle of a section.
        let mut section = [&[0xaa; 4], &bytes(before)[..], &[0xaa; 4]].concat();
        let address = number(place) - 4;
        apply(kind, &mut section, 4, address, number(target)).expect(line);
        let expected = [&[0xaa; 4], &bytes(after)[..], &[0xaa; 4]].concat();
        assert_eq!(section, expected, "{name} {place} {target}: {text}");
        seen.push(kind);
    }
    for (name, kind) in KINDS {
        assert!(seen.contains(&kind), "{name} is not in the data");
    }
}

/// The result of a relocation of `word` at `PLACE`.
fn refuse(kind: u32, word: u32, offset: u64, target: u64) -> RelocationError {
    let mut section = word.to_le_bytes();
    let error = apply(kind, &mut section, offset, PLACE, target).unwrap_err();
    assert_eq!(section, word.to_le_bytes(), "nothing is written");
    error
}

#[test]
fn other_types_are_refused() {
    for kind in [0, R_AARCH64_MOVW_UABS_G0, u32::MAX] {
        assert_eq!(refuse(kind, B, 0, PLACE), RelocationError::Unsupported);
    }
}

#[test]
fn places_outside_the_section_are_refused() {
    for (kind, offset) in [
        (R_AARCH64_CALL26, 4),
        (R_AARCH64_CALL26, 1),
        (R_AARCH64_PREL32, u64::MAX),
        (R_AARCH64_ABS64, 0),
    ] {
        let error = refuse(kind, B, offset, PLACE);
        assert_eq!(error, RelocationError::OutsideSection { offset });
    }
    let mut section = [0; 8];
    let error = apply(R_AARCH64_CALL26, &mut section, 2, PLACE, PLACE);
    let misaligned = RelocationError::OutsideSection { offset: 2 };
    assert_eq!(error, Err(misaligned));
}

#[test]
fn values_of_more_than_32_bits_are_refused() {
    let large = |value| RelocationError::TooLarge { value };
    // One below and one above the ranges of 32 bits, unsigned and signed.
    let (high, low) = (1 << 32, (-(1i64 << 31) - 1) as u64);
    assert_eq!(refuse(R_AARCH64_ABS32, 0, 0, high), large(high));
    assert_eq!(refuse(R_AARCH64_ABS32, 0, 0, low), large(low));
    let from = |value: u64| PLACE.wrapping_add(value);
    assert_eq!(refuse(R_AARCH64_PREL32, 0, 0, from(high)), large(high));
    assert_eq!(refuse(R_AARCH64_PREL32, 0, 0, from(low)), large(low));
}

/// The number of a cpucap, in the record of an outline atomic: R_AARCH64_ABS16 of an absolute symbol.
#[test]
fn numbers_of_cpucaps_have_16_bits() {
    let mut record = [0xff; 12];
    for (number, bytes) in [(14, [14, 0]), (0xffff, [0xff, 0xff])] {
        apply(R_AARCH64_ABS16, &mut record, 8, PLACE, number).unwrap();
        assert_eq!(record[8..10], bytes);
    }
    assert_eq!((record[7], record[10]), (0xff, 0xff));
    let large = RelocationError::TooLarge { value: 1 << 16 };
    assert_eq!(
        apply(R_AARCH64_ABS16, &mut record, 8, PLACE, 1 << 16),
        Err(large)
    );
    let outside = RelocationError::OutsideSection { offset: 11 };
    assert_eq!(
        apply(R_AARCH64_ABS16, &mut record, 11, PLACE, 0),
        Err(outside)
    );
}

#[test]
fn misaligned_accesses_are_refused() {
    let target = 0x4020_1ff4;
    assert_eq!(
        refuse(R_AARCH64_LDST64_ABS_LO12_NC, LDR, 0, target),
        RelocationError::Misaligned { target }
    );
}

#[test]
fn words_that_refer_to_nothing_are_refused() {
    let word = Insn::NOP;
    assert_eq!(
        refuse(R_AARCH64_CALL26, word.0, 0, PLACE),
        RelocationError::NotRelative { word }
    );
}

#[test]
fn targets_out_of_reach_are_refused() {
    let RelocationError::OutOfReach(MoveError::OutOfReach(why)) =
        refuse(R_AARCH64_JUMP26, B, 0, PLACE + 0x0800_0000)
    else {
        panic!();
    };
    assert_eq!((why.form, why.displacement), (Form::B, 0x0800_0000));
}
