//! The rules of a table as it is in the image: 8 bytes for each test.
//!
//! The constants of a kernel's cpucaps ([`CapInfo`]) have 150 to 300 bytes each, with names,
//! descriptions and pointers. [`Packed`] is made of them at compile time, and nothing else gets into
//! the image. The rule of a cpucap is its tree in prefix order; `Not` is a bit of the node that it
//! negates. `tests/cap/packed.rs` compares the evaluation with that of the tree, [`Rule::matches`].

use alt_cpu::{
    CapKind, Field, LatePolicy, MAX_CAPS, MAX_NESTING, MidrRange, Register, RevidrFix, Revision,
    Scope,
};

use super::{Cap, CapInfo, CapSet, IdRegs, Rule};

/// A test or a group of tests.
///
/// | bits | all nodes | `Field` | `Range` | lists |
/// |---|---|---|---|---|
/// | 0..3 | the kind | | | |
/// | 3 | the result is negated | | | |
/// | 4..8 | of the first node of a rule: erratum, late policy | | | |
/// | 8..32 | | register, lowest bit, width, scheme | implementer, part | |
/// | 28..30 | | scope, of the first node of a rule | | scope |
/// | 32..64 | | smallest value, span, bias | first and last revision, fix | number of nodes, or index |
///
/// The value of a field is compared after the bias is added to its bits: so signed values are in
/// order, without a test of the scheme.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Node(u64);

/// What a node tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Always,
    Field,
    /// One of the ranges of a `Midr`.
    Range,
    /// So many ranges follow.
    Midr,
    /// The function with this index.
    Custom,
    /// So many nodes follow, which belong to it.
    Any,
    All,
}

const NEGATED: u64 = 1 << 3;
const ERRATUM: u64 = 1 << 4;
const LATE: u32 = 5;
const SCOPE: u32 = 28;
const SPAN: u32 = 45;
const BIAS: u32 = 57;
/// Above every value of a field.
const NEVER: u64 = 1 << 12;
/// The range has a bit of REVIDR_EL1 that says that the erratum is fixed.
const HAS_FIX: u64 = 1 << 62;

impl Node {
    const fn new(kind: Kind, payload: u64) -> Self {
        Self(kind as u64 | payload << 32)
    }

    const fn field(field: &Field, min: i64, max: i64) -> Self {
        // 0, half of the values, or 1: what the smallest value lacks to 0.
        let bias = -field.min_value();
        assert!(field.width <= 12 && bias < 128, "the field is too wide");
        let min = clamp(min, field.min_value(), field.max_value() + 1) + bias;
        let max = clamp(max, field.min_value() - 1, field.max_value()) + bias;
        let (low, span) = match min <= max {
            true => (min as u64, (max - min) as u64),
            false => (NEVER, 0),
        };
        Self(
            Kind::Field as u64
                | (field.register as u64) << 8
                | (field.lsb as u64) << 16
                | (field.width as u64) << 22
                | low << 32
                | span << SPAN
                | (bias as u64) << BIAS,
        )
    }

    const fn range(range: &MidrRange) -> Self {
        let (from, to) = (range.from, range.to);
        assert!(range.part < 1 << 12, "the part number is too large");
        let fix = match range.fixed {
            Some(fix) if fix.bit < 64 => {
                HAS_FIX | revision(fix.revision) << 48 | (fix.bit as u64) << 56
            }
            _ => 0,
        };
        Self(
            Kind::Range as u64
                | (range.implementer as u64) << 8
                | (range.part as u64) << 16
                | revision(from) << 32
                | revision(to) << 40
                | fix,
        )
    }

    #[inline(always)]
    pub(super) fn is_field(self) -> bool {
        self.0 & 7 == Kind::Field as u64
    }

    #[inline(always)]
    fn is_group(self) -> bool {
        matches!(self.kind(), Kind::Any | Kind::All)
    }

    #[inline(always)]
    pub(super) fn kind(self) -> Kind {
        match self.0 & 7 {
            1 => Kind::Field,
            2 => Kind::Range,
            3 => Kind::Midr,
            4 => Kind::Custom,
            5 => Kind::Any,
            6 => Kind::All,
            _ => Kind::Always,
        }
    }

    #[inline(always)]
    pub(super) fn is_negated(self) -> bool {
        self.0 & NEGATED != 0
    }

    /// The number of nodes that belong to this one, or the index of a function.
    #[inline(always)]
    fn payload(self) -> usize {
        (self.0 >> 32) as usize
    }

    /// The number of nodes of the rule or part that begins with this one.
    #[inline(always)]
    pub(super) fn size(self) -> usize {
        match self.kind() {
            Kind::Midr | Kind::Any | Kind::All => 1 + self.payload(),
            _ => 1,
        }
    }

    pub(super) fn scope(self) -> Scope {
        match self.0 >> SCOPE & 3 {
            0 => Scope::Boot,
            1 => Scope::System,
            _ => Scope::Local,
        }
    }

    pub(super) fn cap_kind(self) -> CapKind {
        match self.0 & ERRATUM {
            0 => CapKind::Feature,
            _ => CapKind::Erratum,
        }
    }

    pub(super) fn late(self) -> LatePolicy {
        let policy = LatePolicy::ALL.get((self.0 >> LATE & 7) as usize);
        policy.copied().unwrap_or(LatePolicy::SystemFeature)
    }

    fn register(self) -> usize {
        (self.0 >> 8 & 0xff) as usize
    }

    /// The field that it tests, and the smallest and largest value.
    pub(super) fn tested(self) -> Option<(&'static Field, i64, i64)> {
        let register = Register::ALL.get(self.register())?;
        let (lsb, width) = ((self.0 >> 16 & 63) as u8, (self.0 >> 22 & 15) as u8);
        let mut fields = register.fields().iter();
        let field = fields.find(|field| field.lsb == lsb && field.width == width)?;
        let (low, span) = (self.low() as i64, self.span() as i64);
        let min = low + field.min_value();
        Some((field, min, min + span))
    }

    /// Whether it tests a field of `register`.
    pub(super) fn reads(self, register: Register) -> bool {
        self.register() == register as usize
    }

    #[inline(always)]
    fn low(self) -> u64 {
        self.0 >> 32 & 0x1fff
    }

    #[inline(always)]
    fn span(self) -> u64 {
        self.0 >> SPAN & 0xfff
    }

    /// Whether the field has a value from `min` to `max`.
    #[inline(always)]
    pub(super) fn field_matches(self, cpu: &Cpu<'_>) -> bool {
        let word = cpu.regs.word(self.register());
        let (lsb, width) = (self.0 >> 16 & 63, self.0 >> 22 & 15);
        let value = ((word >> lsb) + (self.0 >> BIAS)) & ((1 << width) - 1);
        value.wrapping_sub(self.low()) <= self.span()
    }

    /// The range of CPU models of a `Range`.
    pub(super) fn to_range(self) -> MidrRange {
        let byte = |lowest: u32| (self.0 >> lowest) as u8;
        let revision = |byte: u8| Revision::new(byte >> 4, byte & 15);
        MidrRange {
            implementer: byte(8),
            part: (self.0 >> 16 & 0xfff) as u16,
            from: revision(byte(32)),
            to: revision(byte(40)),
            fixed: (self.0 & HAS_FIX != 0).then(|| RevidrFix {
                revision: revision(byte(48)),
                bit: byte(56) & 63,
            }),
        }
    }

    #[inline(always)]
    fn covers(self, cpu: &Cpu<'_>) -> bool {
        let (from, to) = (self.0 >> 32 & 0xff, self.0 >> 40 & 0xff);
        self.0 as u32 >> 8 == cpu.model && from <= cpu.revision && cpu.revision <= to
    }

    #[inline(always)]
    fn is_fixed(self, cpu: &Cpu<'_>) -> bool {
        self.0 & HAS_FIX != 0
            && self.0 >> 48 & 0xff == cpu.revision
            && cpu.revidr() >> (self.0 >> 56 & 63) & 1 != 0
    }
}

const fn clamp(value: i64, least: i64, most: i64) -> i64 {
    match value {
        _ if value < least => least,
        _ if value > most => most,
        _ => value,
    }
}

const fn revision(Revision { variant, revision }: Revision) -> u64 {
    assert!(variant < 16 && revision < 16, "no CPU has such a revision");
    (variant as u64) << 4 | revision as u64
}

/// The registers of a CPU, with the model as `Range` nodes have it.
pub(super) struct Cpu<'a> {
    pub regs: &'a IdRegs,
    /// Implementer and part.
    model: u32,
    /// Variant and revision.
    revision: u64,
}

impl<'a> Cpu<'a> {
    pub fn new(regs: &'a IdRegs) -> Self {
        // Arm ARM D24.2.122: Implementer [31:24], Variant [23:20], PartNum [15:4], Revision [3:0].
        let midr = regs.get(Register::MIDR_EL1);
        Self {
            regs,
            model: (midr >> 24 & 0xff | (midr >> 4 & 0xfff) << 8) as u32,
            revision: midr >> 16 & 0xf0 | midr & 0xf,
        }
    }

    #[inline(always)]
    fn revidr(&self) -> u64 {
        self.regs.get(Register::REVIDR_EL1)
    }
}

/// A group that is being evaluated.
#[derive(Clone, Copy)]
struct Open {
    node: Node,
    /// The first node after it.
    end: u32,
    /// The leaf that decided the first part; [`UNKNOWN`] before that.
    first: u32,
}

const UNKNOWN: u32 = u32::MAX;

/// Evaluates the rule `nodes`. Returns the result, and the index of the leaf that decided it.
///
/// Without recursion, so that the stack that it uses is known.
#[inline]
pub(super) fn decide(nodes: &[Node], custom: &[Custom], cpu: &Cpu<'_>) -> (bool, usize) {
    match nodes.split_first() {
        Some((root, rest)) if !root.is_group() => (holds(*root, rest, custom, cpu), 0),
        _ => decide_group(nodes, custom, cpu),
    }
}

/// Evaluates a rule with several parts.
#[inline(never)]
fn decide_group(nodes: &[Node], custom: &[Custom], cpu: &Cpu<'_>) -> (bool, usize) {
    const NONE: Open = Open {
        node: Node(0),
        end: 0,
        first: UNKNOWN,
    };
    let mut open = [NONE; MAX_NESTING];
    let (mut depth, mut at) = (0, 0);
    while let Some(&node) = nodes.get(at) {
        let size = node.size();
        if node.is_group()
            && size > 1
            && let Some(group) = open.get_mut(depth)
        {
            *group = Open {
                node,
                end: (at + size) as u32,
                first: UNKNOWN,
            };
            (depth, at) = (depth + 1, at + 1);
            continue;
        }
        let mut leaf = at;
        let mut holds = holds(node, nodes.get(at + 1..).unwrap_or(&[]), custom, cpu);
        at += size;
        loop {
            let Some(group) = depth.checked_sub(1).and_then(|last| open.get_mut(last)) else {
                return (holds, leaf);
            };
            let settles = group.node.kind() == Kind::Any;
            if group.first == UNKNOWN {
                group.first = leaf as u32;
            }
            if holds != settles {
                if at < group.end as usize {
                    break;
                }
                // No part decided.
                leaf = group.first as usize;
            }
            at = group.end as usize;
            holds ^= group.node.is_negated();
            depth -= 1;
        }
    }
    (true, 0)
}

/// Whether the leaf `node` is true. `rest` are the nodes after it.
#[inline(always)]
pub(super) fn holds(node: Node, rest: &[Node], custom: &[Custom], cpu: &Cpu<'_>) -> bool {
    let holds = match node.kind() {
        Kind::Field => node.field_matches(cpu),
        Kind::Midr => {
            let ranges = rest.iter().take(node.payload());
            let mut matching = ranges.filter(|range| range.covers(cpu));
            matching.any(|range| !range.is_fixed(cpu))
        }
        Kind::Custom => match custom.get(node.payload()) {
            Some(custom) => (custom.test)(cpu.regs),
            None => false,
        },
        // An empty list: no part of it is false.
        Kind::Always | Kind::All => true,
        // No part of it is true.
        Kind::Any | Kind::Range => false,
    };
    holds != node.is_negated()
}

/// Whether one of the ranges covers the CPU: the rule of these is false since the erratum is fixed.
pub(super) fn is_covered(ranges: &[Node], cpu: &Cpu<'_>) -> bool {
    ranges.iter().any(|range| range.covers(cpu))
}

/// The function that `node` names.
pub(super) fn custom_of(node: Node, custom: &'static [Custom]) -> Option<&'static Custom> {
    custom.get(node.payload())
}

/// Whether the part that begins with `node` is true if the parts of the group are.
pub(super) fn is_conjunction(node: Node) -> bool {
    node.kind() == Kind::All && !node.is_negated()
}

/// Whether the node is the test of a field that must hold.
pub(super) fn is_plain_field(node: Node) -> bool {
    node.is_field() && !node.is_negated()
}

/// A function of a kernel that decides.
#[derive(Clone, Copy, Debug)]
pub struct Custom {
    pub(super) name: &'static str,
    pub(super) test: fn(&IdRegs) -> bool,
}

/// A cpucap requires another one, or excludes it.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    from: u8,
    to: u8,
}

const _: () = assert!(MAX_CAPS <= 256, "a link has a byte for a number");

impl Link {
    /// The number of the cap that requires or excludes the other.
    pub(super) const fn from(self) -> u16 {
        self.from as u16
    }

    /// The number of the other cap.
    pub(super) const fn to(self) -> u16 {
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
pub(super) struct Parts<'p> {
    pub nodes: &'p mut [Node],
    pub requires: &'p mut [Link],
    pub conflicts: &'p mut [Link],
    pub custom: &'p mut [Custom],
    pub names: &'p mut [u8],
}

pub(super) const EMPTY_NODE: Node = Node(0);
pub(super) const EMPTY_LINK: Link = Link { from: 0, to: 0 };
const EMPTY_SETS: Sets = Sets {
    boot: CapSet::EMPTY,
    possible: CapSet::EMPTY,
    len: 0,
};
pub(super) const EMPTY_CUSTOM: Custom = Custom {
    name: "",
    test: never,
};

fn never(_: &IdRegs) -> bool {
    false
}

/// The number of caps, those of boot scope, and the possible ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sets {
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
pub(super) const fn pack(infos: &[CapInfo], parts: Parts<'_>) -> Sets {
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
    pub(super) nodes: [Node; NODES],
    pub(super) requires: [Link; REQUIRES],
    pub(super) conflicts: [Link; CONFLICTS],
    pub(super) custom: [Custom; CUSTOM],
    pub(super) names: [u8; NAMES],
    pub(super) sets: Sets,
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
