//! Registers in a rules file.

use std::fmt;

/// A register, including its narrower views.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Register {
    /// `x0` to `x30`
    General(u8),
    /// `sp`
    Sp,
    /// `v0` to `v31`
    Vector(u8),
}

impl Register {
    /// The register of a name: `w18` is a view of `x18`, `d8` of `v8`.
    pub fn parse(name: &str) -> Option<Self> {
        if matches!(name, "sp" | "wsp") {
            return Some(Self::Sp);
        }
        let number = name.get(1..)?;
        // Not `x018` or `x+1`.
        let plain = number == "0" || !number.starts_with(['0', '+']);
        let number = number.parse().ok().filter(|_| plain)?;
        match (name.as_bytes().first()?, number) {
            (b'x' | b'w', 0..=30) => Some(Self::General(number)),
            (b'v' | b'q' | b'd' | b's' | b'h' | b'b' | b'z', 0..=31) => Some(Self::Vector(number)),
            _ => None,
        }
    }

    /// Whether a word can use it: its number is in one of the register fields of instructions, or the
    /// instruction uses more registers than its fields name.
    pub(crate) fn may_be_in(self, word: u32) -> bool {
        let number = match self {
            Self::General(number) | Self::Vector(number) => u32::from(number),
            Self::Sp => 31,
        };
        // Whether it is one of `count` registers that begin with the one in the field at `low`.
        let among = |low: u32, count| number.wrapping_sub(word >> low) % 32 < count;
        // A list of LD4 or TBL names the first of up to four, and continues with `v0` after `v31`;
        // CASP names one of each pair. By-element forms of halfwords have four bits for v0 to v15.
        let short = (word >> 16) & 15 == number;
        among(0, 4) || among(5, 4) || among(10, 1) || among(16, 2) || short
    }

    /// Whether the text of an instruction uses it.
    pub(crate) fn is_in(self, text: &str) -> bool {
        let operands = text.split_once(' ').map_or("", |(_, operands)| operands);
        let words = operands.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words
            .into_iter()
            .any(|word| Self::parse(word) == Some(self))
    }
}

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::General(number) => write!(f, "x{number}"),
            Self::Sp => f.write_str("sp"),
            Self::Vector(number) => write!(f, "v{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alt_image::disasm;

    #[test]
    fn narrower_names_are_the_same_register() {
        assert_eq!(Register::parse("w18"), Some(Register::General(18)));
        assert_eq!(Register::parse("d8"), Some(Register::Vector(8)));
        for name in ["x31", "x018", "r0", "x", "", "v32", "xzr", "x+1"] {
            assert_eq!(Register::parse(name), None, "{name}");
        }
    }

    /// Texts of GNU objdump 2.40.
    #[test]
    fn operands_are_told_from_mnemonics_and_numbers() {
        let x18 = Register::General(18);
        assert!(x18.is_in("str x30, [x18], #8"));
        assert!(x18.is_in("mov w18, w0"));
        assert!(!x18.is_in("mov x1, #0x18"));
        assert!(!x18.is_in("ldr d18, [x0]"));
        assert!(Register::Vector(18).is_in("ldr d18, [x0]"));
        assert!(Register::Vector(0).is_in("mov v0.d[0], x1"));
    }

    /// If the text of an instruction uses a register, the test of the word agrees.
    fn may_be_named(word: u32) {
        let text = disasm::instruction(word, 0x4020_0000);
        let (_, operands) = text.split_once(' ').unwrap_or_default();
        let names = operands.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for register in names.filter_map(Register::parse) {
            assert!(register.may_be_in(word), "{word:#010x} {text}: {register}");
        }
    }

    /// The disassembler's text says which registers an instruction has.
    #[test]
    fn no_register_of_a_text_is_passed_over() {
        for word in [u32::MAX, 0] {
            may_be_named(word);
        }
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..100_000 {
            may_be_named(random.u32(..));
        }
        // LD1 to LD4 and ST1 to ST4 of several registers (Arm ARM C4.1, "Advanced SIMD load/store
        // multiple structures" and "single structure"), and TBL and TBX: lists continue after v31.
        for first in 0..32 {
            for fields in 0..1 << 12 {
                may_be_named(0x0c00_0000 | fields << 10 | first);
                may_be_named(0x0d00_0000 | fields << 12 | first);
            }
            for fields in 0..1 << 4 {
                may_be_named(0x0e00_0000 | fields << 12 | first << 5);
            }
        }
        // CASP: pairs of general registers, x30 and after it none.
        for registers in 0..32 {
            may_be_named(0x0820_7c00 | registers << 16 | registers);
            may_be_named(0x4820_7c00 | registers << 16 | registers);
        }
    }
}
