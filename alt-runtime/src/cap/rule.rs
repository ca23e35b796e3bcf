//! Rules over ID registers.

use alt_cpu::{Field, Register};

use super::{Evidence, IdRegs, MidrRange};

/// How a cpucap shows in the ID registers.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// Present on every CPU.
    Always,
    /// A field has a value from `min` to `max`, both included.
    Field {
        /// The field; its sign is honoured.
        field: &'static Field,
        /// The least value that will do.
        min: i64,
        /// The greatest value that will do.
        max: i64,
    },
    /// The CPU is one of these.
    Midr(&'static [MidrRange]),
    /// One of these holds.
    Any(&'static [Rule]),
    /// All of these hold.
    All(&'static [Rule]),
    /// This does not hold.
    Not(&'static Rule),
    /// A function of the kernel decides.
    Custom {
        /// The function's name, for the report.
        name: &'static str,
        /// The function. It must depend on its argument alone. For a cpucap of system scope it
        /// is asked about the sanitised registers, where `MIDR_EL1` is zero if the models
        /// differ, and about those of each CPU.
        test: fn(&IdRegs) -> bool,
    },
}

impl Rule {
    /// Whether the rule holds.
    pub fn matches(&self, regs: &IdRegs) -> bool {
        self.decide(regs).0
    }

    /// The field and value that decided: of several rules, the first that settled the matter.
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

    /// Whether the rule may read the CPU model. The sanitised registers of a system with two models
    /// have none.
    pub(super) fn reads_model(&self) -> bool {
        let mut reads = false;
        self.for_each_leaf(&mut |leaf| {
            reads |= match leaf {
                Self::Midr(_) | Self::Custom { .. } => true,
                Self::Field { field, .. } => field.register == Register::MIDR_EL1,
                _ => false,
            };
        });
        reads
    }

    /// Whether the rule tests `field`.
    pub(super) fn tests(&self, field: &Field) -> bool {
        let mut tests = false;
        self.for_each_leaf(&mut |leaf| {
            tests |= matches!(leaf, Self::Field { field: tested, .. } if *tested == field);
        });
        tests
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
                let matches = ranges.iter().any(|range| range.matches(midr, revidr));
                let is_fixed = |range: &MidrRange| range.is_fixed(midr, revidr);
                let evidence = if !matches && ranges.iter().any(is_fixed) {
                    Evidence::Fixed { midr, revidr }
                } else {
                    Evidence::Midr { midr }
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

/// The first outcome that equals `settles`; if there is none, `!settles` by the first rule.
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
