//! ADRP and ADD that a linker made NOP and ADR where the arm is stored.
//!
//! What the words of the site mean is read by decoders that are not ours.

use std::mem::MaybeUninit;

use alt_runtime::cap::CapSet;
use alt_runtime::insn::{Insn, MoveError};
use alt_runtime::patch::{Decision, Plan, PlanError, Reason, check};
use alt_runtime::record::{AlternativeRecord, Condition};
use alt_runtime::region::{Region, Table};
use disarm64::{InsnDisplay, decoder};
use yaxpeax_arch::{Decoder as _, U8Reader};
use yaxpeax_arm::armv8::a64::{InstDecoder, Opcode, Operand};

use crate::image::{A, CAPS, NOP};
use crate::memory;

/// Where the site is, not at the start of a page.
const SITE: u64 = 0xffff_8000_1234_5678;
/// ADR reaches from the instruction to so many bytes before it, and to one less after it
/// (Arm ARM C6.2.13).
const REACH: i64 = 1 << 20;
const CBNZ_BACK: u32 = 0xb5ff_ffe1; // cbnz x1, .-4

/// `adr x<rd>, .+distance` (Arm ARM C6.2.13).
fn adr(rd: u32, distance: i64) -> u32 {
    let imm = distance as u32;
    0x1000_0000 | (imm & 3) << 29 | (imm >> 2 & 0x7_ffff) << 5 | rd
}

/// The words of a site of `words.len()` NOPs at `SITE`, whose arm is `words`, stored at `from`.
fn plan(words: &[u32], from: u64) -> Result<Vec<u32>, PlanError> {
    let (text, arm) = (vec![NOP; words.len()], words.to_vec());
    // Within 2 GiB of both.
    let at = SITE.wrapping_add_signed((from.wrapping_sub(SITE) as i64) / 8 * 4);
    let offset = |to: u64, from: u64| i32::try_from(to.wrapping_sub(from) as i64).unwrap();
    let records = [AlternativeRecord {
        site: offset(SITE, at),
        replacement: offset(from, at + 4),
        condition: Condition::from_bits(A.number()),
        site_len: words.len() as u8,
        replacement_len: words.len() as u8,
    }];
    let region = Region {
        text: memory::words(SITE, &text).into(),
        branches: Table::new(0, &[]),
        alternatives: Table::new(at, &records),
        replacements: memory::words(from, &arm),
        callbacks: Table::new(0, &[]),
    };
    check(&region, &CAPS)?;
    let decision = Decision {
        table: &CAPS,
        present: &CapSet::ALL,
        decided: &CapSet::ALL,
    };
    let mut room = [MaybeUninit::uninit(); 8];
    let plan = Plan::new(&region, decision, &mut room)?;
    let mut after = text.clone();
    for write in plan.writes() {
        after[write.offset as usize / 4] = write.after().0;
    }
    Ok(after)
}

/// The arm `nop; adr x<rd>, target`, stored so that the ADR reaches, and the words of the site.
fn moved(rd: u32, target: u64) -> Vec<u32> {
    let distance = 0x7fffc + (target % 4) as i64;
    let from = target.wrapping_add_signed(-distance) - 4;
    plan(&[NOP, adr(rd, distance)], from).unwrap()
}

/// What the words at `SITE` put into which register, by yaxpeax and disarm64.
fn meaning(words: &[u32]) -> (u32, u64) {
    let decode = |word: u32| {
        let bytes = word.to_le_bytes();
        InstDecoder::default()
            .decode(&mut U8Reader::new(&bytes))
            .unwrap()
    };
    let other = |word: u32, at: u64| decoder::decode(word).unwrap().display_at(at).to_string();
    let number = |text: &str| {
        let last = text.rsplit([' ', ',', '#']).next().unwrap();
        u64::from_str_radix(last.trim_start_matches("0x"), 16).unwrap()
    };
    let register = |operand| match operand {
        Operand::Register(_, register) | Operand::RegisterOrSP(_, register) => u32::from(register),
        _ => panic!("{operand:?}"),
    };
    let (first, second) = (decode(words[0]), decode(words[1]));
    match first.opcode {
        Opcode::HINT => {
            assert_eq!(second.opcode, Opcode::ADR, "{second}");
            let Operand::PCOffset(offset) = second.operands[1] else {
                panic!("{second}")
            };
            let address = (SITE + 4).wrapping_add_signed(offset);
            assert_eq!(number(&other(words[1], SITE + 4)), address);
            (register(second.operands[0]), address)
        }
        Opcode::ADRP => {
            assert_eq!(second.opcode, Opcode::ADD, "{second}");
            let Operand::PCOffset(offset) = first.operands[1] else {
                panic!("{first}")
            };
            let page = (SITE & !0xfff).wrapping_add_signed(offset);
            assert_eq!(number(&other(words[0], SITE)), page);
            let rd = register(first.operands[0]);
            assert_eq!(register(second.operands[0]), rd, "{second}");
            assert_eq!(register(second.operands[1]), rd, "{second}");
            let Operand::Immediate(low) = second.operands[2] else {
                panic!("{second}: {:?}", second.operands)
            };
            assert!(low < 0x1000);
            (rd, page + u64::from(low))
        }
        _ => panic!("{first}"),
    }
}

/// Every distance around the ends of the reach, where all low bits of the target occur.
#[test]
fn an_adr_that_does_not_reach_is_adrp_and_add_again() {
    for end in [-REACH, REACH] {
        for past in -5000..5000 {
            let distance = end + past;
            let target = (SITE + 4).wrapping_add_signed(distance);
            let words = moved(7, target);
            assert_eq!(meaning(&words), (7, target), "{distance:+}: {words:x?}");
            let reaches = (-REACH..REACH).contains(&distance);
            assert_eq!(words[0] == NOP, reaches, "{distance:+}: {words:x?}");
        }
    }
}

/// As far as the text of one image goes, and in each register.
#[test]
fn the_pair_goes_into_each_register_and_far() {
    for rd in 0..31 {
        for distance in [-0x7fff_0000, -REACH * 8 - 1, REACH * 8 + 3, 0x7fff_0fff] {
            let target = SITE.wrapping_add_signed(distance);
            assert_eq!(meaning(&moved(rd, target)), (rd, target));
        }
    }
}

/// Two pairs, and instructions around them.
#[test]
fn pairs_are_found_among_other_instructions() {
    let target = SITE + 0x1000_0123;
    let from = target - 0x1023;
    let words = [NOP, NOP, adr(1, 0x1023 - 8), NOP, adr(2, 0x1023 - 16), NOP];
    let words = plan(&words, from).unwrap();
    assert_eq!([words[0], words[5]], [NOP, NOP]);
    // adrp x1, .+0x10000000 ; add x1, x1, #0x79b ; adrp x2 ; add x2, x2, #0x79b
    let expected = [0x9008_0001, 0x911e_6c21, 0x9008_0002, 0x911e_6c42];
    assert_eq!(words[1..5], expected, "{words:x?}");
}

/// An arm may refer to itself, which moves along.
#[test]
fn an_adr_to_its_own_arm_stays() {
    let from = SITE + 0x1000_0000;
    for words in [[NOP, adr(1, -4)], [NOP, adr(1, 0)], [NOP, adr(1, 4)]] {
        assert_eq!(plan(&words, from).unwrap(), words);
    }
}

/// ADRP would not be executed.
#[test]
fn a_branch_to_the_adr_is_refused() {
    let from = SITE + 0x1000_0000;
    let words = [NOP, adr(1, 0x100), CBNZ_BACK];
    let error = plan(&words, from).unwrap_err();
    let Reason::Relaxed { index, word, error } = error.reason else {
        panic!("{error}")
    };
    assert_eq!((index, word), (1, Insn(words[1])));
    assert_eq!(error.displacement, 0x1000_0100);
    let text = plan(&words, from).unwrap_err().to_string();
    assert!(text.contains("--no-relax"), "{text}");
    // A branch to the NOP runs both.
    let words = [NOP, adr(1, 0x100), 0xb5ff_ffc1]; // cbnz x1, .-8
    let moved = plan(&words, from).unwrap();
    assert_eq!(meaning(&moved), (1, from + 4 + 0x100));
    assert_eq!(moved[2], words[2]);
}

/// `add xzr` would be `add sp`; and an ADR alone has no room for two instructions.
#[test]
fn what_is_no_pair_is_refused() {
    let from = SITE + 0x1000_0000;
    for words in [[NOP, adr(31, 0x100)], [adr(1, 0x100), NOP]] {
        let error = plan(&words, from).unwrap_err();
        let is_far = matches!(
            error.reason,
            Reason::CannotMove {
                error: MoveError::OutOfReach(_),
                ..
            }
        );
        assert!(is_far, "{error}");
    }
}
