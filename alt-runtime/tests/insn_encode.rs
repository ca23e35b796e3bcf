//! The instructions that callbacks can make, compared with an assembler's words for their text
//! (`data/insn_encode.sh` writes the expectations), and every bitmask against a decoder.

use std::collections::{BTreeMap, BTreeSet};

use alt_runtime::insn::{Insn, Unencodable};
use yaxpeax_arch::{Decoder as _, U8Reader};
use yaxpeax_arm::armv8::a64::{InstDecoder, Operand};

/// The fixture: word, mnemonic and the numbers of the operands.
fn lines() -> impl Iterator<Item = (Insn, &'static str, Vec<u64>)> {
    include_str!("data/insn_encode.txt")
        .lines()
        .skip(1)
        .map(|line| {
            let (word, text) = line.split_once('\t').expect("two fields");
            let (mnemonic, operands) = text.split_once(' ').expect("operands");
            let operands = operands.split(", ").map(number).collect();
            (
                Insn(u32::from_str_radix(word, 16).unwrap()),
                mnemonic,
                operands,
            )
        })
}

/// `x7`, `#7`, `#0x7`, `lsl #7`
fn number(operand: &str) -> u64 {
    let digits = operand.trim_start_matches(['x', '#', 'l', 's', ' ']);
    match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).unwrap(),
        None => digits.parse().unwrap(),
    }
}

#[test]
fn encoders_agree_with_the_assembler() {
    let mut counts = BTreeMap::new();
    for (word, mnemonic, operands) in lines() {
        *counts.entry(mnemonic).or_insert(0) += 1;
        let number = |i: usize| operands.get(i).copied().unwrap_or(0);
        let register = |i| u8::try_from(number(i)).unwrap();
        let imm16 = |i| u16::try_from(number(i)).unwrap();
        let imm = |i| u32::try_from(number(i)).unwrap();
        let made = match mnemonic {
            "movz" => Insn::movz(register(0), imm16(1), imm(2)),
            "movn" => Insn::movn(register(0), imm16(1), imm(2)),
            "movk" => Insn::movk(register(0), imm16(1), imm(2)),
            "and" => Insn::and_immediate(register(0), register(1), number(2)),
            "orr" => Insn::orr_immediate(register(0), register(1), number(2)),
            "ror" => Insn::ror(register(0), register(1), imm(2)),
            "add" => Insn::add_immediate(register(0), register(1), imm(2), imm(3)),
            "hvc" => Ok(Insn::hvc(imm16(0))),
            "smc" => Ok(Insn::smc(imm16(0))),
            _ => panic!("{mnemonic}"),
        };
        assert_eq!(made, Ok(word), "{mnemonic} {operands:x?}");
        if !matches!(mnemonic, "hvc" | "smc") {
            assert_eq!(word.rd(), register(0), "{mnemonic} {operands:x?}");
        }
        if matches!(mnemonic, "and" | "orr" | "ror" | "add") {
            assert_eq!(word.rn(), register(1), "{mnemonic} {operands:x?}");
        }
    }
    let expected = [
        ("add", 6),
        ("and", 15),
        ("hvc", 4),
        ("movk", 6),
        ("movn", 6),
        ("movz", 6),
        ("orr", 15),
        ("ror", 6),
        ("smc", 4),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
}

/// Each MOVZ or MOVK as the fixture's words for the same halfword.
#[test]
fn load_constant64_is_movz_and_three_movk() {
    for value in [0, u64::MAX, 0x0123_4567_89ab_cdef, 1 << 63] {
        let half = |i: u32| (value >> (16 * i)) as u16;
        let expected = [
            Insn::movz(9, half(0), 0),
            Insn::movk(9, half(1), 16),
            Insn::movk(9, half(2), 32),
            Insn::movk(9, half(3), 48),
        ];
        let words = Insn::load_constant64(9, value).unwrap();
        assert_eq!(words.map(Ok), expected, "{value:#x}");
    }
    // And it is known before the kernel runs.
    const WORDS: Result<[Insn; 4], Unencodable> = Insn::load_constant64(30, 0xffff << 48);
    // movz x30, #0; movk x30, #0, lsl #16; …; movk x30, #0xffff, lsl #48
    let words = [0xd280_001e, 0xf2a0_001e, 0xf2c0_001e, 0xf2ff_fffe];
    assert_eq!(WORDS, Ok(words.map(Insn)));
}

/// The mask of `and x0, x1, #mask` with these fields, as another decoder reads it.
fn decoded(fields: u32) -> Option<u64> {
    let word = 0x9200_0020 | fields << 10;
    let insn = InstDecoder::default()
        .decode(&mut U8Reader::new(&word.to_le_bytes()))
        .ok()?;
    insn.operands.iter().find_map(|operand| match operand {
        Operand::Imm64(mask) => Some(*mask),
        Operand::Immediate(mask) => Some(u64::from(*mask)),
        _ => None,
    })
}

#[test]
fn every_bitmask_is_made_and_no_other() {
    // N:immr:imms of 13 bits. Bits of immr above the element's size mean nothing.
    let mut masks: BTreeSet<u64> = (0..1 << 13).filter_map(decoded).collect();
    // The decoder takes an element of ones only, which is reserved (Arm ARM,
    // `DecodeBitMasks`: `levels` of S).
    assert!(masks.remove(&u64::MAX));
    // 2 to 64 bits, runs of 1 to size - 1 ones, rotated in as many ways as there are bits.
    let count: usize = [2, 4, 8, 16, 32, 64]
        .map(|size| size * (size - 1))
        .iter()
        .sum();
    assert_eq!((masks.len(), count), (5334, 5334));
    for &mask in &masks {
        let and = Insn::and_immediate(0, 1, mask).unwrap();
        assert_eq!(and.0 & !(0x1fff << 10), 0x9200_0020, "{mask:#x}");
        assert_eq!(decoded(and.0 >> 10 & 0x1fff), Some(mask));
        let orr = Insn::orr_immediate(0, 1, mask).unwrap();
        assert_eq!(orr.0, and.0 | 0x2000_0000, "{mask:#x}");
        // A value that differs in one bit is rarely an immediate.
        for near in (0..64).map(|bit| mask ^ 1 << bit) {
            let made = Insn::and_immediate(0, 1, near).is_ok();
            assert_eq!(made, masks.contains(&near), "{near:#x}");
        }
    }
}

#[test]
fn what_has_no_place_is_refused() {
    let refused = |result: Result<Insn, Unencodable>, what, value| {
        assert_eq!(result, Err(Unencodable { what, value }));
    };
    for register in [31, 32, 255] {
        let value = register.into();
        let (rd, rn) = ("a destination register", "a source register");
        refused(Insn::movz(register, 0, 0), rd, value);
        refused(Insn::movn(register, 0, 0), rd, value);
        refused(Insn::movk(register, 0, 0), rd, value);
        refused(Insn::and_immediate(register, 0, 1), rd, value);
        refused(Insn::and_immediate(0, register, 1), rn, value);
        refused(Insn::orr_immediate(register, 0, 1), rd, value);
        refused(Insn::orr_immediate(0, register, 1), rn, value);
        refused(Insn::ror(register, 0, 1), rd, value);
        refused(Insn::ror(0, register, 1), rn, value);
        refused(Insn::add_immediate(register, 0, 1, 0), rd, value);
        refused(Insn::add_immediate(0, register, 1, 0), rn, value);
        let load = Insn::load_constant64(register, 0);
        assert_eq!(load, Err(Unencodable { what: rd, value }));
    }
    for shift in [1, 12, 15, 17, 47, 64, 0x1_0000] {
        let what = "the shift of a wide move";
        refused(Insn::movz(0, 0, shift), what, shift.into());
        refused(Insn::movn(0, 0, shift), what, shift.into());
        refused(Insn::movk(0, 0, shift), what, shift.into());
    }
    for mask in [0, u64::MAX, 5, 0xffff_0001_ffff] {
        refused(Insn::and_immediate(0, 0, mask), "the mask of an AND", mask);
        refused(Insn::orr_immediate(0, 0, mask), "the mask of an ORR", mask);
    }
    refused(Insn::ror(0, 0, 64), "the amount of a ROR", 64);
    refused(
        Insn::add_immediate(0, 0, 4096, 0),
        "the immediate of an ADD",
        4096,
    );
    for shift in [1, 11, 13, 24] {
        refused(
            Insn::add_immediate(0, 0, 1, shift),
            "the shift of an ADD",
            shift.into(),
        );
    }
    let error = Insn::ror(0, 0, 64).unwrap_err();
    assert_eq!(error.to_string(), "the amount of a ROR cannot be 0x40");
}
