//! Our classification of a word against two decoders that are not ours.

use alt_runtime::insn::{Class, Insn};
use disarm64::{InsnDisplay, InsnOpcode, decoder};
use disarm64_defn::InsnOperandKind;
use yaxpeax_arch::{Decoder as _, U8Reader};
use yaxpeax_arm::armv8::a64::{InstDecoder, Instruction, Opcode, Operand};

/// Where the words are imagined to stand; any address would do, this one is in a page's middle
/// and in the kernel's half.
const AT: u64 = 0xffff_8000_1234_5678;

/// Everybody's answer, in the same terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// Not an instruction (a decoder), or refused (us).
    Undefined,
    /// An instruction without a target.
    Plain,
    /// An instruction with this target.
    Target(u64),
}

/// The decoders we compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoder {
    Disarm64,
    Yaxpeax,
}

impl Decoder {
    pub const ALL: [Self; 2] = [Self::Disarm64, Self::Yaxpeax];

    pub fn says(self, word: u32) -> Says {
        match self {
            Self::Disarm64 => disarm64_says(word),
            Self::Yaxpeax => yaxpeax_says(word),
        }
    }
}

/// Our own answer.
pub fn we_say(word: u32) -> Says {
    match Insn(word).classify() {
        Class::NotRelative => Says::Plain,
        Class::Relative(relative) => Says::Target(relative.target(AT)),
        Class::SignsPc => Says::Plain,
        Class::Unknown => Says::Undefined,
    }
}

/// The operands of disarm64 that name a target.
const PC_RELATIVE: [InsnOperandKind; 6] = [
    InsnOperandKind::ADDR_ADRP,
    InsnOperandKind::ADDR_PCREL9,
    InsnOperandKind::ADDR_PCREL14,
    InsnOperandKind::ADDR_PCREL19,
    InsnOperandKind::ADDR_PCREL21,
    InsnOperandKind::ADDR_PCREL26,
];

/// Its table of operands says whether there is a target, its printer says which.
fn disarm64_says(word: u32) -> Says {
    let Some(insn) = decoder::decode(word) else {
        return Says::Undefined;
    };
    let operands = insn.definition().operands;
    if !operands
        .iter()
        .any(|operand| PC_RELATIVE.contains(&operand.kind))
    {
        return Says::Plain;
    }
    let text = insn.display_at(AT).to_string();
    let target = text
        .rsplit([' ', '\t', ','])
        .next()
        .and_then(|last| last.strip_prefix("0x"));
    match target.map(|digits| u64::from_str_radix(digits, 16)) {
        Some(Ok(target)) => Says::Target(target),
        _ => panic!("no target in {text:?}"),
    }
}

fn yaxpeax_says(word: u32) -> Says {
    let mut insn = Instruction::default();
    let bytes = word.to_le_bytes();
    if InstDecoder::default()
        .decode_into(&mut insn, &mut U8Reader::new(&bytes))
        .is_err()
    {
        return Says::Undefined;
    }
    let Some(offset) = insn.operands.iter().find_map(|operand| match operand {
        Operand::PCOffset(offset) => Some(*offset),
        _ => None,
    }) else {
        return Says::Plain;
    };
    Says::Target(match insn.opcode {
        Opcode::ADRP => (AT & !0xfff).wrapping_add_signed(offset),
        // It reads the offset of these as `(0xffff - imm16) * -4`. By the Arm ARM (C6.2, AUTIASPPC:
        // `PC64 - ZeroExtend(imm16:'00')`), and LLVM, it is `imm16 * -4`.
        Opcode::AUTIASPPC | Opcode::AUTIBSPPC | Opcode::RETAASPPC | Opcode::RETABSPPC => {
            AT.wrapping_add_signed(-0xffff * 4 - offset)
        }
        _ => AT.wrapping_add_signed(offset),
    })
}

/// A way in which a decoder and we differ: one of us sees a target where the other sees no
/// instruction.
pub struct Difference {
    pub decoder: Decoder,
    /// Whether it is us who see the target.
    pub we_see_it: bool,
    /// The words, as mask and value.
    pub words: (u32, u32),
    pub reason: &'static str,
}

/// Every known difference.
pub const DIFFERENCES: [Difference; 5] = [
    Difference {
        decoder: Decoder::Disarm64,
        we_see_it: true,
        words: (0xffc0_001f, 0x5500_001f),
        reason: "does not know RETAASPPC and RETABSPPC (FEAT_PAuth_LR)",
    },
    Difference {
        decoder: Decoder::Disarm64,
        we_see_it: true,
        words: (0xffc0_001f, 0xf380_001f),
        reason: "does not know AUTIASPPC and AUTIBSPPC (FEAT_PAuth_LR)",
    },
    Difference {
        decoder: Decoder::Disarm64,
        we_see_it: false,
        words: (0xff00_0000, 0xdc00_0000),
        reason: "takes opc = 0b11 of the SIMD&FP literal loads, which is unallocated",
    },
    Difference {
        decoder: Decoder::Yaxpeax,
        we_see_it: true,
        words: (0x7e00_0000, 0x7400_0000),
        reason: "does not know compare and branch (FEAT_CMPBR)",
    },
    Difference {
        decoder: Decoder::Yaxpeax,
        we_see_it: false,
        words: (0xffc0_0000, 0xf380_0000),
        reason: "takes any Rd in AUTIASPPC and AUTIBSPPC, only 0b11111 is allocated",
    },
];

/// The outcome of a comparison.
pub enum Verdict {
    /// The same target, or no target.
    Agreed,
    /// A difference from the table.
    Known(&'static Difference),
    /// A difference without a known reason.
    Unexplained { theirs: Says },
}

/// Compares our answer about one word with a decoder's.
///
/// Only a target must be known to both. What is not an instruction, or too new for the decoder, is
/// plain to us outside the PC-relative spaces.
pub fn compare(word: u32, ours: Says, decoder: Decoder) -> Verdict {
    let theirs = decoder.says(word);
    if ours == theirs || (ours == Says::Plain && theirs == Says::Undefined) {
        return Verdict::Agreed;
    }
    let we_see_it = match (ours, theirs) {
        (Says::Target(_), Says::Undefined) => true,
        (Says::Undefined, Says::Target(_)) => false,
        _ => return Verdict::Unexplained { theirs },
    };
    DIFFERENCES
        .iter()
        .find(|known| {
            let (mask, value) = known.words;
            known.decoder == decoder && known.we_see_it == we_see_it && word & mask == value
        })
        .map_or(Verdict::Unexplained { theirs }, Verdict::Known)
}
