//! A cpucap of a table, as read from the packed form.

use alt_cpu::{CapKind, Field, LatePolicy, MidrRange, Register, Scope};

use super::{
    Cap, Evidence, IdRegs,
    packed::{
        Cpu, Custom, Kind, Link, Node, Sets, custom_of, decide, holds, is_conjunction, is_covered,
        is_plain_field,
    },
};

/// A cpucap of a [`CapTable`](super::CapTable).
///
/// Its description is not in the memory of a kernel: it is in the section `.alt_cpucaps` of the
/// image file, which is not loaded.
#[derive(Clone, Copy, Debug)]
pub struct CapEntry {
    /// The cap.
    pub cap: Cap,
    /// Its name, such as `LSE`; empty without the feature `messages`.
    pub name: &'static str,
    /// The CPUs whose ID registers decide.
    pub scope: Scope,
    /// Feature or erratum.
    pub kind: CapKind,
    /// The condition on the ID registers.
    pub rule: CapRule,
    /// What to do with a late CPU that differs.
    pub late: LatePolicy,
    /// Caps that must be present for this one to be present.
    pub requires: CapLinks,
    /// Caps that must not be present together with this one.
    pub conflicts: CapLinks,
}

/// The caps that a cap requires or excludes.
#[derive(Clone, Copy, Debug)]
pub struct CapLinks {
    pub(super) number: u16,
    /// Those of all caps.
    pub(super) links: &'static [Link],
    pub(super) sets: &'static Sets,
}

impl CapLinks {
    /// The caps, in the order of the definition.
    pub fn iter(&self) -> impl Iterator<Item = Cap> + use<> {
        let Self {
            number,
            links,
            sets,
        } = *self;
        let own = links.iter().filter(move |link| link.from() == number);
        own.map(|link| sets.cap(link.to()))
    }
}

/// The condition on the ID registers under which a cpucap is present, in the packed form.
#[derive(Clone, Copy, Debug)]
pub struct CapRule {
    pub(super) nodes: &'static [Node],
    pub(super) custom: &'static [Custom],
}

/// A test that a rule is composed of.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Leaf {
    /// True on every CPU.
    Always,
    /// The field has a value from `min` to `max`, both included.
    Field {
        /// The field.
        field: &'static Field,
        /// The smallest matching value.
        min: i64,
        /// The largest matching value.
        max: i64,
    },
    /// The CPU is of this model, or of another one that follows.
    Range(MidrRange),
    /// A function of the kernel decides.
    Custom {
        /// The name of the function, for the log.
        name: &'static str,
    },
}

impl CapRule {
    /// Whether the rule is true for a CPU with the registers `regs`.
    pub fn matches(&self, regs: &IdRegs) -> bool {
        decide(self.nodes, self.custom, &Cpu::new(regs)).0
    }

    /// The field and value that decided the result. In `Any` and `All` it is that of the first rule
    /// that decided, or of the first rule if all of them had to be evaluated.
    pub fn evidence(&self, regs: &IdRegs) -> Evidence {
        let cpu = Cpu::new(regs);
        let (_, leaf) = decide(self.nodes, self.custom, &cpu);
        let Some((&node, rest)) = self.nodes.get(leaf..).and_then(|nodes| nodes.split_first())
        else {
            return Evidence::Always;
        };
        match node.kind() {
            Kind::Field => match node.tested() {
                Some((field, ..)) => Evidence::Field {
                    field,
                    value: regs.field(field),
                },
                None => Evidence::Always,
            },
            Kind::Midr => {
                let midr = regs.get(Register::MIDR_EL1);
                let ranges = rest.get(..node.size() - 1).unwrap_or(&[]);
                let matches = holds(node, rest, self.custom, &cpu) != node.is_negated();
                match is_covered(ranges, &cpu) && !matches {
                    true => Evidence::Fixed {
                        midr,
                        revidr: regs.get(Register::REVIDR_EL1),
                    },
                    false => Evidence::Midr { midr },
                }
            }
            Kind::Custom => match custom_of(node, self.custom) {
                Some(custom) => Evidence::Custom {
                    name: custom.name,
                    result: (custom.test)(regs),
                },
                None => Evidence::Always,
            },
            Kind::Always | Kind::Range | Kind::Any | Kind::All => Evidence::Always,
        }
    }

    /// Calls `visit` with each test that the rule is composed of, from left to right.
    pub fn for_each_leaf(&self, visit: &mut impl FnMut(Leaf)) {
        for &node in self.nodes {
            match node.kind() {
                Kind::Always => visit(Leaf::Always),
                Kind::Field => {
                    if let Some((field, min, max)) = node.tested() {
                        visit(Leaf::Field { field, min, max });
                    }
                }
                Kind::Range => visit(Leaf::Range(node.to_range())),
                Kind::Custom => {
                    let name = custom_of(node, self.custom).map_or("", |custom| custom.name);
                    visit(Leaf::Custom { name });
                }
                Kind::Midr | Kind::Any | Kind::All => (),
            }
        }
    }

    /// Whether the rule may read the CPU model. The sanitised registers of a system with two models
    /// have none.
    pub(super) fn reads_model(&self) -> bool {
        self.nodes.iter().any(|node| match node.kind() {
            Kind::Midr | Kind::Custom => true,
            Kind::Field => node.reads(Register::MIDR_EL1),
            _ => false,
        })
    }

    /// Whether the rule tests `field`.
    pub(super) fn tests(&self, field: &Field) -> bool {
        let mut fields = self
            .nodes
            .iter()
            .filter(|node| node.kind() == Kind::Field)
            .filter_map(|node| node.tested());
        fields.any(|(tested, ..)| tested == field)
    }

    /// The first field, with its range, for which `find` has a result, and without which the rule
    /// is false: the rule is a field, or an `All` with it.
    pub(super) fn find_required<T>(
        &self,
        mut find: impl FnMut(&'static Field, i64, i64) -> Option<T>,
    ) -> Option<T> {
        let mut at = 0;
        while let Some(&node) = self.nodes.get(at) {
            if is_conjunction(node) {
                at += 1;
                continue;
            }
            if is_plain_field(node)
                && let Some((field, min, max)) = node.tested()
                && let Some(found) = find(field, min, max)
            {
                return Some(found);
            }
            at += node.size();
        }
        None
    }
}
