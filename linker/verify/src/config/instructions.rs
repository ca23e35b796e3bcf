//! Patterns of instructions in a rules file.

use std::fmt;
use std::ops::Range;

use alt_cpucaps::document::Problem;
use alt_object::encodings::is_branch_to_register;

use super::pattern::Pattern;

/// Classes of instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    FpSimd,
    Scs,
    IndirectBranch,
}

const CLASSES: [(&str, Class); 3] = [
    ("fp-simd", Class::FpSimd),
    ("scs", Class::Scs),
    ("indirect-branch", Class::IndirectBranch),
];

impl Class {
    fn holds(self, word: u32) -> bool {
        let group = (word >> 25) & 15;
        match self {
            // Arm ARM C4.1, by op0: SME (only with bit 31), SVE, loads and stores with V set,
            // data processing of scalar floating point and Advanced SIMD.
            Self::FpSimd => match group {
                0b0000 => word >> 31 == 1,
                0b0010 | 0b0111 | 0b1111 => true,
                _ => group & 0b0101 == 0b0100 && word & (1 << 26) != 0,
            },
            // str x30, [x18], #8 and ldr x30, [x18, #-8]!: the shadow call stack.
            Self::Scs => matches!(word, 0xf800_865e | 0xf85f_8e5e),
            Self::IndirectBranch => is_branch_to_register(word),
        }
    }
}

/// A pattern of forbidden instructions.
#[derive(Clone, Debug)]
pub struct InstructionPattern {
    text: String,
    class: Option<Class>,
}

/// The text is not a pattern of instructions.
pub(super) enum Wrong<'a> {
    Class(&'a str),
    Mnemonic(&'a str),
}

impl Wrong<'_> {
    pub fn problem(&self, span: Range<usize>) -> Problem {
        match self {
            Self::Class(name) => {
                Problem::new(span, format!("there is no class of instructions `{name}`"))
                    .suggest(name, CLASSES.map(|(name, _)| name))
            }
            Self::Mnemonic(text) => Problem::new(span, format!("`{text}` is not a mnemonic"))
                .help("write a mnemonic and operands it has, in lower case: \"mrs tpidr_el0\""),
        }
    }
}

impl InstructionPattern {
    /// A class, or a mnemonic (with `*` as a wildcard) and operands that the instruction must have.
    pub(super) fn parse(text: &str) -> Result<Self, Wrong<'_>> {
        let mnemonic = text.split(' ').next().unwrap_or_default();
        let class = CLASSES.iter().find(|(name, _)| *name == text);
        if class.is_none() && mnemonic.contains('-') {
            return Err(Wrong::Class(text));
        }
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".*".contains(c);
        if class.is_none() && (mnemonic.is_empty() || !mnemonic.chars().all(plain)) {
            return Err(Wrong::Mnemonic(text));
        }
        Ok(Self {
            text: text.to_owned(),
            class: class.map(|(_, class)| *class),
        })
    }

    /// All uses of the vector registers.
    pub(crate) fn fp_simd() -> Self {
        Self::of("fp-simd", Class::FpSimd)
    }

    /// Push and pop of the shadow call stack.
    pub(crate) fn scs() -> Self {
        Self::of("scs", Class::Scs)
    }

    fn of(text: &str, class: Class) -> Self {
        Self {
            text: text.to_owned(),
            class: Some(class),
        }
    }

    /// Whether an instruction matches.
    pub(crate) fn holds(&self, word: u32, text: &str) -> bool {
        if let Some(class) = self.class {
            return class.holds(word);
        }
        let mut wanted = self.text.split([' ', ',']).filter(|word| !word.is_empty());
        let (mnemonic, operands) = text.split_once(' ').unwrap_or((text, ""));
        let has = |operand: &str| {
            let mut operands = operands.split([' ', ',', '[', ']']);
            operands.any(|word| Pattern::new(operand).matches(word))
        };
        wanted
            .next()
            .is_some_and(|first| Pattern::new(first).matches(mnemonic))
            && wanted.all(has)
    }

    /// Whether matching requires the text of an instruction.
    pub(crate) fn needs_text(&self) -> bool {
        self.class.is_none()
    }
}

impl fmt::Display for InstructionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alt_image::disasm;

    /// Words by GNU as 2.40.
    #[test]
    fn patterns_tell_instructions_apart() {
        for (pattern, word, expected) in [
            ("fp-simd", 0x1e60_2800, true),  // fadd d0, d0, d0
            ("fp-simd", 0x3dc0_0400, true),  // ldr q0, [x0, #16]
            ("fp-simd", 0x2518_e3e0, true),  // ptrue p0.b
            ("fp-simd", 0x4e08_1c20, true),  // mov v0.d[0], x1
            ("fp-simd", 0xf940_0402, false), // ldr x2, [x0, #8]
            ("fp-simd", 0x0000_0000, false), // udf #0
            ("fp-simd", 0x1400_0004, false), // b .+16
            ("fp-simd", 0x8b01_0000, false), // add x0, x0, x1
            ("scs", 0xf800_865e, true),      // str x30, [x18], #8
            ("scs", 0xf85f_8e5e, true),      // ldr x30, [x18, #-8]!
            ("scs", 0xf940_0402, false),
            ("indirect-branch", 0xd61f_0000, true),  // br x0
            ("indirect-branch", 0xd63f_0000, true),  // blr x0
            ("indirect-branch", 0xd71f_0801, true),  // braa x0, x1
            ("indirect-branch", 0xd65f_03c0, false), // ret
            ("mrs tpidr_el0", 0xd53b_d040, true),    // mrs x0, tpidr_el0
            ("mrs tpidr_el0", 0xd538_d080, false),   // mrs x0, tpidr_el1
            ("mrs", 0xd538_d080, true),
            ("hvc", 0xd400_0002, true), // hvc #0
            ("ld*", 0xf940_0402, true),
            ("ldr x0", 0xf940_0402, true),
        ] {
            let text = disasm::instruction(word, 0x4020_0000);
            let parsed = InstructionPattern::parse(pattern).ok().unwrap();
            assert_eq!(parsed.holds(word, &text), expected, "{pattern}: {text}");
        }
    }
}
