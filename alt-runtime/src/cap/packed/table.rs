//! The table, which a kernel's constants become at compile time.

use alt_cpu::{CapKind, MAX_CAPS, MAX_NESTING, Scope};

use super::evaluate::Custom;
use super::node::{ERRATUM, Kind, LATE, NEGATED, Node, SCOPE};
use crate::cap::{Cap, CapInfo, CapSet, IdRegs, Rule};

/// A cpucap requires another one, or excludes it.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    from: u8,
    to: u8,
}

const _: () = assert!(MAX_CAPS <= 256, "a link has a byte for a number");

impl Link {
    /// The number of the cap that requires or excludes the other.
    pub(in crate::cap) const fn from(self) -> u16 {
        self.from as u16
    }

    /// The number of the other cap.
    pub(in crate::cap) const fn to(self) -> u16 {
        self.to as u16
    }
}

/// The lengths of the parts of a table.
#[derive(Clone, Copy, Debug, Default)]
#[doc(hidden)]
pub struct Lengths {
    pub nodes: usize,
    pub requires: usize,
    pub conflicts: usize,
    pub custom: usize,
    pub names: usize,
}

impl Lengths {
    /// Those of the table of these cpucaps.
    pub const fn of(infos: &[CapInfo]) -> Self {
        let mut lengths = Self {
            nodes: 0,
            requires: 0,
            conflicts: 0,
            custom: 0,
            names: 0,
        };
        let mut index = 0;
        while index < infos.len() {
            let info = &infos[index];
            lengths.add(&info.rule);
            lengths.requires += info.requires.len();
            lengths.conflicts += info.conflicts.len();
            if cfg!(feature = "messages") {
                lengths.names += 1 + info.name.len();
            }
            index += 1;
        }
        lengths
    }

    const fn add(&mut self, rule: &Rule) {
        match rule {
            Rule::Not(rule) => return self.add(rule),
            Rule::Midr(ranges) => self.nodes += ranges.len(),
            Rule::Any(rules) | Rule::All(rules) => {
                let mut index = 0;
                while index < rules.len() {
                    self.add(&rules[index]);
                    index += 1;
                }
            }
            Rule::Custom { .. } => self.custom += 1,
            Rule::Always | Rule::Field { .. } => (),
        }
        self.nodes += 1;
    }
}

/// Memory of the [`Lengths`], to write a table to.
pub(in crate::cap) struct Parts<'p> {
    pub nodes: &'p mut [Node],
    pub requires: &'p mut [Link],
    pub conflicts: &'p mut [Link],
    pub custom: &'p mut [Custom],
    pub names: &'p mut [u8],
}

pub(in crate::cap) const EMPTY_NODE: Node = Node(0);
pub(in crate::cap) const EMPTY_LINK: Link = Link { from: 0, to: 0 };
const EMPTY_SETS: Sets = Sets {
    boot: CapSet::EMPTY,
    possible: CapSet::EMPTY,
    len: 0,
};
pub(in crate::cap) const EMPTY_CUSTOM: Custom = Custom {
    name: "",
    test: never,
};

fn never(_: &IdRegs) -> bool {
    false
}

/// The number of caps, those of boot scope, and the possible ones.
#[derive(Clone, Copy, Debug)]
pub(in crate::cap) struct Sets {
    pub boot: CapSet,
    pub possible: CapSet,
    pub len: u16,
}

impl Sets {
    /// The cap with this number.
    pub fn cap(&self, number: u16) -> Cap {
        Cap::new(number, self.possible.contains_number(number))
    }
}

/// Writes the table of `infos` to `parts`, which have the right lengths.
pub(in crate::cap) const fn pack(infos: &[CapInfo], parts: Parts<'_>) -> Sets {
    assert!(infos.len() <= MAX_CAPS, "too many cpucaps");
    let mut sets = EMPTY_SETS;
    sets.len = infos.len() as u16;
    let mut writer = Writer {
        nodes: parts.nodes,
        custom: parts.custom,
        node: 0,
        function: 0,
    };
    let (mut required, mut conflicting, mut named) = (0, 0, 0);
    let mut index = 0;
    while index < infos.len() {
        let info = &infos[index];
        assert!(
            info.cap.number() as usize == index,
            "the number of a cpucap is not its index"
        );
        sets.possible.insert(info.cap);
        let scope = match info.scope {
            Scope::Boot => {
                sets.boot.insert(info.cap);
                0
            }
            Scope::System => 1,
            Scope::Local => 2,
        };
        let root = writer.node;
        writer.rule(&info.rule, false, 0);
        writer.nodes[root].0 |= scope << SCOPE | (info.late as u64) << LATE;
        if let CapKind::Erratum = info.kind {
            writer.nodes[root].0 |= ERRATUM;
        }
        required = link(index, info.requires, parts.requires, required);
        conflicting = link(index, info.conflicts, parts.conflicts, conflicting);
        if !parts.names.is_empty() {
            named = name(info.name, parts.names, named);
        }
        index += 1;
    }
    sets
}

const fn link(from: usize, others: &[Cap], links: &mut [Link], mut at: usize) -> usize {
    let mut index = 0;
    while index < others.len() {
        links[at] = Link {
            from: from as u8,
            to: others[index].number() as u8,
        };
        (at, index) = (at + 1, index + 1);
    }
    at
}

/// Writes the length of the name and the name.
const fn name(name: &str, names: &mut [u8], at: usize) -> usize {
    assert!(name.len() < 0x80, "the name of a cpucap is too long");
    names[at] = name.len() as u8;
    let mut index = 0;
    while index < name.len() {
        names[at + 1 + index] = name.as_bytes()[index];
        index += 1;
    }
    at + 1 + name.len()
}

struct Writer<'p> {
    nodes: &'p mut [Node],
    custom: &'p mut [Custom],
    node: usize,
    function: usize,
}

impl Writer<'_> {
    const fn push(&mut self, node: Node) {
        self.nodes[self.node] = node;
        self.node += 1;
    }

    const fn rule(&mut self, rule: &Rule, is_negated: bool, depth: usize) {
        if let Rule::Not(rule) = rule {
            return self.rule(rule, !is_negated, depth);
        }
        let root = self.node;
        match rule {
            Rule::Always | Rule::Not(_) => self.push(Node::new(Kind::Always, 0)),
            Rule::Field { field, min, max } => self.push(Node::field(field, *min, *max)),
            Rule::Midr(ranges) => {
                self.push(Node::new(Kind::Midr, ranges.len() as u64));
                let mut index = 0;
                while index < ranges.len() {
                    self.push(Node::range(&ranges[index]));
                    index += 1;
                }
            }
            Rule::Any(rules) | Rule::All(rules) => {
                assert!(
                    depth < MAX_NESTING,
                    "a rule is nested more than 8 levels deep"
                );
                self.push(Node(0));
                let mut index = 0;
                while index < rules.len() {
                    self.rule(&rules[index], false, depth + 1);
                    index += 1;
                }
                let kind = match rule {
                    Rule::Any(_) => Kind::Any,
                    _ => Kind::All,
                };
                self.nodes[root] = Node::new(kind, (self.node - root - 1) as u64);
            }
            Rule::Custom { name, test } => {
                self.push(Node::new(Kind::Custom, self.function as u64));
                self.custom[self.function] = Custom { name, test: *test };
                self.function += 1;
            }
        }
        if is_negated {
            self.nodes[root].0 |= NEGATED;
        }
    }
}

/// A table of cpucaps in the form in which it is in the image, made by
/// [`cap_table!`](crate::cap_table!).
#[derive(Debug)]
#[doc(hidden)]
pub struct Packed<
    const NODES: usize,
    const REQUIRES: usize,
    const CONFLICTS: usize,
    const CUSTOM: usize,
    const NAMES: usize,
> {
    pub(in crate::cap) nodes: [Node; NODES],
    pub(in crate::cap) requires: [Link; REQUIRES],
    pub(in crate::cap) conflicts: [Link; CONFLICTS],
    pub(in crate::cap) custom: [Custom; CUSTOM],
    pub(in crate::cap) names: [u8; NAMES],
    pub(in crate::cap) sets: Sets,
}

impl<
    const NODES: usize,
    const REQUIRES: usize,
    const CONFLICTS: usize,
    const CUSTOM: usize,
    const NAMES: usize,
> Packed<NODES, REQUIRES, CONFLICTS, CUSTOM, NAMES>
{
    /// Packs the table of these cpucaps, which has these lengths.
    pub const fn new(infos: &[CapInfo]) -> Self {
        let mut packed = Self {
            nodes: [EMPTY_NODE; NODES],
            requires: [EMPTY_LINK; REQUIRES],
            conflicts: [EMPTY_LINK; CONFLICTS],
            custom: [EMPTY_CUSTOM; CUSTOM],
            names: [0; NAMES],
            sets: EMPTY_SETS,
        };
        packed.sets = pack(
            infos,
            Parts {
                nodes: &mut packed.nodes,
                requires: &mut packed.requires,
                conflicts: &mut packed.conflicts,
                custom: &mut packed.custom,
                names: &mut packed.names,
            },
        );
        packed
    }
}
