//! A node: a test or a group of tests in 8 bytes.

use alt_cpu::{CapKind, Field, LatePolicy, MidrRange, Register, RevidrFix, Revision, Scope};

use crate::cap::IdRegs;

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
pub struct Node(pub(super) u64);

/// The test of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cap) enum Kind {
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

pub(super) const NEGATED: u64 = 1 << 3;
pub(super) const ERRATUM: u64 = 1 << 4;
pub(super) const LATE: u32 = 5;
pub(super) const SCOPE: u32 = 28;
const SPAN: u32 = 45;
const BIAS: u32 = 57;
/// Above every value of a field.
const NEVER: u64 = 1 << 12;
/// The range has a bit of REVIDR_EL1 that is set if the erratum is fixed.
const HAS_FIX: u64 = 1 << 62;

impl Node {
    pub(super) const fn new(kind: Kind, payload: u64) -> Self {
        Self(kind as u64 | payload << 32)
    }

    pub(super) const fn field(field: &Field, min: i64, max: i64) -> Self {
        // 0, half of the values, or 1: the distance of the smallest value from 0.
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

    pub(super) const fn range(range: &MidrRange) -> Self {
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
    pub(in crate::cap) fn is_field(self) -> bool {
        self.0 & 7 == Kind::Field as u64
    }

    #[inline(always)]
    pub(super) fn is_group(self) -> bool {
        matches!(self.kind(), Kind::Any | Kind::All)
    }

    #[inline(always)]
    pub(in crate::cap) fn kind(self) -> Kind {
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
    pub(in crate::cap) fn is_negated(self) -> bool {
        self.0 & NEGATED != 0
    }

    /// The number of nodes that belong to this one, or the index of a function.
    #[inline(always)]
    pub(super) fn payload(self) -> usize {
        (self.0 >> 32) as usize
    }

    /// The number of nodes of the rule or part that begins with this one.
    #[inline(always)]
    pub(in crate::cap) fn size(self) -> usize {
        match self.kind() {
            Kind::Midr | Kind::Any | Kind::All => 1 + self.payload(),
            _ => 1,
        }
    }

    pub(in crate::cap) fn scope(self) -> Scope {
        match self.0 >> SCOPE & 3 {
            0 => Scope::Boot,
            1 => Scope::System,
            _ => Scope::Local,
        }
    }

    pub(in crate::cap) fn cap_kind(self) -> CapKind {
        match self.0 & ERRATUM {
            0 => CapKind::Feature,
            _ => CapKind::Erratum,
        }
    }

    pub(in crate::cap) fn late(self) -> LatePolicy {
        let policy = LatePolicy::ALL.get((self.0 >> LATE & 7) as usize);
        policy.copied().unwrap_or(LatePolicy::SystemFeature)
    }

    fn register(self) -> usize {
        (self.0 >> 8 & 0xff) as usize
    }

    /// The field that it tests, and the smallest and largest value.
    pub(in crate::cap) fn tested(self) -> Option<(&'static Field, i64, i64)> {
        let register = Register::ALL.get(self.register())?;
        let (lsb, width) = ((self.0 >> 16 & 63) as u8, (self.0 >> 22 & 15) as u8);
        let mut fields = register.fields().iter();
        let field = fields.find(|field| field.lsb == lsb && field.width == width)?;
        let (low, span) = (self.low() as i64, self.span() as i64);
        let min = low + field.min_value();
        Some((field, min, min + span))
    }

    /// Whether it tests a field of `register`.
    pub(in crate::cap) fn reads(self, register: Register) -> bool {
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
    pub(in crate::cap) fn field_matches(self, cpu: &Cpu<'_>) -> bool {
        let word = cpu.regs.word(self.register());
        let (lsb, width) = (self.0 >> 16 & 63, self.0 >> 22 & 15);
        let value = ((word >> lsb) + (self.0 >> BIAS)) & ((1 << width) - 1);
        value.wrapping_sub(self.low()) <= self.span()
    }

    /// The range of CPU models of a `Range`.
    pub(in crate::cap) fn to_range(self) -> MidrRange {
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
    pub(super) fn covers(self, cpu: &Cpu<'_>) -> bool {
        let (from, to) = (self.0 >> 32 & 0xff, self.0 >> 40 & 0xff);
        self.0 as u32 >> 8 == cpu.model && from <= cpu.revision && cpu.revision <= to
    }

    #[inline(always)]
    pub(super) fn is_fixed(self, cpu: &Cpu<'_>) -> bool {
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
pub(in crate::cap) struct Cpu<'a> {
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
