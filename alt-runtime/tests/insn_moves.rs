//! What holds for every word and address, and every refusal with its message.

use alt_runtime::insn::{Class, Form, Insn, MoveError, OutOfReach, Reach};
use proptest::prelude::*;

/// Words in the PC-relative spaces that the Arm ARM (DDI 0487, C4.1) leaves unallocated.
const UNALLOCATED: [(u32, &str); 22] = [
    (0x5500_0000, "miscellaneous branch, op2 is not 0b11111"),
    (0x5540_001f, "miscellaneous branch, opc = 0b010"),
    (0x55ff_ffff, "miscellaneous branch, opc = 0b111"),
    (0x5600_0000, "beside the miscellaneous branches"),
    (0x57ff_ffff, "beside the miscellaneous branches"),
    (0x7480_0000, "compare registers and branch, cc = 0b100"),
    (0x74a0_8000, "compare bytes and branch, cc = 0b101"),
    (
        0x7400_4000,
        "compare registers and branch, bits 15:14 = 0b01",
    ),
    (0xf400_8000, "compare bytes and branch, 64 bits"),
    (0xf4e0_c000, "compare halfwords and branch, 64 bits"),
    (0x7500_4000, "compare with immediate and branch, bit 14 set"),
    (0xf5a0_0000, "compare with immediate and branch, cc = 0b101"),
    (0x7700_0000, "beside the compare and branch instructions"),
    (0xf7ff_ffff, "beside the compare and branch instructions"),
    (0x7380_001f, "data-processing (1 source, immediate), sf = 0"),
    (
        0xf380_0000,
        "data-processing (1 source, immediate), Rd is not 0b11111",
    ),
    (
        0xf3c0_001f,
        "data-processing (1 source, immediate), opc = 0b10",
    ),
    (0xdc00_0000, "load register (literal), SIMD&FP, opc = 0b11"),
    (0xf300_001f, "bitfield, opc = 0b11"),
    (0x0200_0000, "top level, op1 = 0b0001"),
    (0xe6ff_ffff, "top level, op1 = 0b0011"),
    (0xc3ff_ffff, "top level, op1 = 0b0001"),
];

#[test]
fn unallocated_words_in_the_relative_spaces_are_refused() {
    for (word, what) in UNALLOCATED {
        let insn = Insn(word);
        assert_eq!(insn.classify(), Class::Unknown, "{what}");
        assert_eq!(insn.relocate(0, 0), Err(MoveError::Unknown(insn)), "{what}");
    }
}

#[test]
fn messages_name_the_word_or_the_form_with_its_reach() {
    let tbz = Insn(0x3600_0040); // tbz w0, #0, .+8
    let message = |result: Result<Insn, MoveError>| result.unwrap_err().to_string();
    assert_eq!(
        message(tbz.relocate(0x10_0000, 0)),
        "tbz needs a displacement of +1048584 bytes, its reach is -32768..=+32764 in steps of 4"
    );
    assert_eq!(
        message(Insn(0xdac1_a3fe).relocate(0, 4)),
        "0xdac1a3fe signs with its own address and cannot be moved"
    );
    assert_eq!(
        message(Insn(0xdc00_0000).relocate(0, 4)),
        "0xdc000000 may be PC-relative in a way that is not known"
    );
    assert_eq!(
        format!("{} {:?}", Insn::NOP, Insn(0x20)),
        "0xd503201f 0x00000020"
    );
}

#[test]
fn a_branch_does_not_move_by_half_a_word() {
    let branch = Insn(0x1400_0001); // b .+4
    assert_eq!(
        branch.relocate(0x1000, 0x1002),
        Err(MoveError::OutOfReach(OutOfReach {
            form: Form::B,
            displacement: 2
        }))
    );
}

#[test]
fn adrp_counts_in_pages_over_four_gibibytes_each_way() {
    // The Arm ARM, C6.2 ADRP: a signed 21-bit number of 4 KiB pages.
    let expected = Reach {
        min: -0x1_0000_0000,
        max: 0xffff_f000,
        step: 0x1000,
    };
    assert_eq!(Form::Adrp.reach(), expected);
    let adrp = Insn(0x9000_0000); // adrp x0, .
    assert_eq!(
        adrp.relocate(0x1ffc, 0x1000),
        Ok(adrp),
        "within its page it stays as it is"
    );
    let Class::Relative(relative) = adrp.classify() else {
        panic!("adrp is relative")
    };
    assert_eq!(relative.target(0x1ffc), 0x1000);
}

/// Words of every kind: most bit patterns are not relative, so the top byte is drawn from those
/// that are, half of the time.
fn words() -> impl Strategy<Value = u32> {
    const TOPS: [u8; 21] = [
        0x14, 0x94, 0x54, 0x34, 0xb5, 0x36, 0xb7, 0x74, 0xf4, 0x75, 0x10, 0x30, 0x70, 0x90, 0xf0,
        0x18, 0x58, 0x98, 0xd8, 0x1c, 0x9c,
    ];
    let relative = (proptest::sample::select(&TOPS), any::<u32>())
        .prop_map(|(top, rest)| u32::from(top) << 24 | rest & 0x00ff_ffff);
    prop_oneof![any::<u32>(), relative]
}

/// Distances of all magnitudes, so that near and far moves are tried alike.
fn distances() -> impl Strategy<Value = i64> {
    (0..64u32, any::<i64>()).prop_map(|(shift, distance)| distance >> shift)
}

fn target(insn: Insn, at: u64) -> Option<u64> {
    match insn.classify() {
        Class::Relative(relative) => Some(relative.target(at)),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_move_keeps_the_target_and_can_be_undone(word in words(), from: u64, distance in distances()) {
        let (insn, to) = (Insn(word), from.wrapping_add_signed(distance));
        if let Ok(moved) = insn.relocate(from, to) {
            prop_assert_eq!(target(insn, from), target(moved, to));
            prop_assert_eq!(moved.relocate(to, from), Ok(insn));
        }
    }

    #[test]
    fn a_move_by_nothing_changes_nothing(word in words(), at: u64) {
        let insn = Insn(word);
        match insn.classify() {
            Class::NotRelative | Class::Relative(_) => prop_assert_eq!(insn.relocate(at, at), Ok(insn)),
            Class::SignsPc => prop_assert_eq!(insn.relocate(at, at), Err(MoveError::SignsPc(insn))),
            Class::Unknown => prop_assert_eq!(insn.relocate(at, at), Err(MoveError::Unknown(insn))),
        }
    }

    #[test]
    fn a_refusal_for_reach_is_beyond_it(word in words(), from: u64, distance in distances()) {
        let to = from.wrapping_add_signed(distance);
        if let Err(MoveError::OutOfReach(OutOfReach { form, displacement })) = Insn(word).relocate(from, to) {
            prop_assert!(!form.reach().contains(displacement));
        }
    }

    #[test]
    fn a_branch_goes_where_it_was_sent(from: u64, distance in distances()) {
        let to = from.wrapping_add_signed(distance);
        match Insn::branch(from, to) {
            Ok(insn) => prop_assert_eq!(target(insn, from), Some(to)),
            Err(error) => prop_assert_eq!(error, OutOfReach { form: Form::B, displacement: distance }),
        }
    }
}
