//! Registers, as a rules file names them.

use std::fmt;

/// A register of which the narrower names are parts.
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
    /// The register that a name stands for: `w18` is a part of `x18`, `d8` one of `v8`.
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

    /// Whether a word can name it at all: it has the number in one of the places where
    /// instructions have registers, or uses more of them than it names.
    pub(crate) fn may_be_in(self, word: u32) -> bool {
        let number = match self {
            Self::General(number) | Self::Vector(number) => u32::from(number),
            Self::Sp => 31,
        };
        let field = |low: u32| (word >> low) & 31;
        let is = |low| field(low) == number;
        // After `v31` a list goes on with `v0`.
        let next_is = |low| (field(low) + 1) % 32 == number;
        is(0) || is(5) || is(10) || is(16) || next_is(0) || next_is(16)
    }

    /// Whether the text of an instruction names it.
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

    #[test]
    fn narrower_names_are_the_same_register() {
        assert_eq!(Register::parse("w18"), Some(Register::General(18)));
        assert_eq!(Register::parse("d8"), Some(Register::Vector(8)));
        for name in ["x31", "x018", "r0", "x", "", "v32", "xzr", "x+1"] {
            assert_eq!(Register::parse(name), None, "{name}");
        }
    }

    /// Texts as GNU objdump 2.40 has them.
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
}
