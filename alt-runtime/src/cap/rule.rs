//! The condition on the ID registers under which a cpucap is present, and the evidence for it.

use core::fmt;

use alt_cpu::{Field, MidrRange, Register};

use super::IdRegs;

/// The condition on the ID registers under which a cpucap is present: `detect` in `cpucaps.toml`.
///
/// It is the source of the packed form in a [`CapTable`](super::CapTable), and its oracle in tests:
/// the image has only the packed form, which [`CapRule`](super::CapRule) evaluates.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// True on every CPU.
    Always,
    /// The field has a value from `min` to `max`, both included.
    Field {
        /// The field. Its value is signed if the field is.
        field: &'static Field,
        /// The smallest matching value.
        min: i64,
        /// The largest matching value.
        max: i64,
    },
    /// The CPU matches one of these ranges.
    Midr(&'static [MidrRange]),
    /// One of these rules is true.
    Any(&'static [Rule]),
    /// All of these rules are true.
    All(&'static [Rule]),
    /// The rule is false.
    Not(&'static Rule),
    /// A function of the kernel decides.
    Custom {
        /// The name of the function, for the log.
        name: &'static str,
        /// The function. Its result must depend on its argument alone. For a cpucap of system scope
        /// it is called with the sanitised registers, where `MIDR_EL1` is zero if the models
        /// differ, and with the registers of each CPU.
        test: fn(&IdRegs) -> bool,
    },
}

impl Rule {
    /// Whether the rule is true for a CPU with the registers `regs`.
    pub fn matches(&self, regs: &IdRegs) -> bool {
        self.decide(regs).0
    }

    /// The field and value that decided the result. In `Any` and `All` it is that of the first rule
    /// that decided, or of the first rule if all of them had to be evaluated.
    pub fn evidence(&self, regs: &IdRegs) -> Evidence {
        self.decide(regs).1
    }

    /// Calls `visit` with each rule that this one is composed of, from left to right: every form
    /// but `Any`, `All` and `Not`.
    pub fn for_each_leaf(&self, visit: &mut impl FnMut(&Self)) {
        match self {
            Self::Any(rules) | Self::All(rules) => {
                rules.iter().for_each(|rule| rule.for_each_leaf(visit));
            }
            Self::Not(rule) => rule.for_each_leaf(visit),
            Self::Always | Self::Field { .. } | Self::Midr(_) | Self::Custom { .. } => visit(self),
        }
    }

    fn decide(&self, regs: &IdRegs) -> (bool, Evidence) {
        match *self {
            Rule::Always => (true, Evidence::Always),
            Rule::Field { field, min, max } => {
                let value = regs.field(field);
                (
                    (min..=max).contains(&value),
                    Evidence::Field { field, value },
                )
            }
            Rule::Midr(ranges) => {
                let midr = regs.get(Register::MIDR_EL1);
                let revidr = regs.get(Register::REVIDR_EL1);
                let mut covering = ranges.iter().filter(|range| range.covers(midr)).peekable();
                let is_covered = covering.peek().is_some();
                let matches = covering.any(|range| !range.is_fixed(midr, revidr));
                let evidence = match is_covered && !matches {
                    true => Evidence::Fixed { midr, revidr },
                    false => Evidence::Midr { midr },
                };
                (matches, evidence)
            }
            Rule::Any(rules) => first(rules, true, regs),
            Rule::All(rules) => first(rules, false, regs),
            Rule::Not(rule) => {
                let (holds, evidence) = rule.decide(regs);
                (!holds, evidence)
            }
            Rule::Custom { name, test } => {
                let result = test(regs);
                (result, Evidence::Custom { name, result })
            }
        }
    }
}

/// Evaluates `rules` until one has the result `settles`. If no rule has it, returns `!settles` with
/// the evidence of the first rule.
fn first(rules: &[Rule], settles: bool, regs: &IdRegs) -> (bool, Evidence) {
    let mut outcomes = rules.iter().map(|rule| rule.decide(regs));
    let default = outcomes.next().unwrap_or((!settles, Evidence::Always));
    if default.0 == settles {
        return default;
    }
    outcomes
        .find(|outcome| outcome.0 == settles)
        .unwrap_or(default)
}

/// The register values that decided whether a cpucap is present. Its text is for the log, such as
/// `ID_AA64ISAR0_EL1.Atomic=2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Nothing: the rule has the same result on every CPU.
    Always,
    /// The value of a field.
    Field {
        /// The field.
        field: &'static Field,
        /// Its value.
        value: i64,
    },
    /// The model of the CPU: it is in one of the ranges, or in none.
    Midr {
        /// `MIDR_EL1`.
        midr: u64,
    },
    /// The model of the CPU: it is in one of the ranges, but the erratum is fixed.
    Fixed {
        /// `MIDR_EL1`.
        midr: u64,
        /// `REVIDR_EL1`.
        revidr: u64,
    },
    /// The result of a function of the kernel.
    Custom {
        /// Its name.
        name: &'static str,
        /// Its result.
        result: bool,
    },
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Evidence::Always => f.pad("always"),
            Evidence::Field { field, value } => write!(f, "{field}={value}"),
            Evidence::Midr { midr } => write!(f, "MIDR_EL1={midr:#x}"),
            Evidence::Fixed { midr, revidr } => {
                write!(f, "MIDR_EL1={midr:#x} fixed by REVIDR_EL1={revidr:#x}")
            }
            Evidence::Custom { name, result } => write!(f, "{name}()={result}"),
        }
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Evidence {
    fn format(&self, f: defmt::Formatter<'_>) {
        match *self {
            Evidence::Always => defmt::write!(f, "always"),
            Evidence::Field { field, value } => {
                defmt::write!(
                    f,
                    "{=str}.{=str}={=i64}",
                    field.register.name(),
                    field.name,
                    value
                );
            }
            Evidence::Midr { midr } => defmt::write!(f, "MIDR_EL1={=u64:#x}", midr),
            Evidence::Fixed { midr, revidr } => defmt::write!(
                f,
                "MIDR_EL1={=u64:#x} fixed by REVIDR_EL1={=u64:#x}",
                midr,
                revidr
            ),
            Evidence::Custom { name, result } => defmt::write!(f, "{=str}()={=bool}", name, result),
        }
    }
}
