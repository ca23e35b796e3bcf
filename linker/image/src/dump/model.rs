//! The model of a dump. `docs/alt.md` describes its JSON.

use serde::Serialize;

use crate::records::Kind;

/// Sites of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dump {
    /// The version of the format; incremented when a field is removed or changes its meaning.
    pub version: u32,
    /// `alt` or `linux`.
    pub format: String,
    /// The counts.
    pub summary: Summary,
    /// The selected sites, by address.
    pub sites: Vec<SiteDump>,
}

/// Counts of sites and records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Sites in the image.
    pub sites_in_image: usize,
    /// Records in the image.
    pub records_in_image: usize,
    /// Sites in the dump.
    pub sites: usize,
    /// Records in the dump.
    pub records: usize,
    /// Records of them that replace one instruction with a branch or a NOP.
    pub branches: usize,
    /// Records with instructions.
    pub code: usize,
    /// Records with callbacks.
    pub callbacks: usize,
    /// Records that write NOPs.
    pub nops: usize,
    /// Arms that the patcher would refuse.
    pub refused: usize,
}

/// A site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SiteDump {
    /// Its address.
    #[serde(with = "crate::hex::address")]
    pub address: u64,
    /// The function, or the nearest symbol, and the offset: `memcpy+0x10`.
    pub place: Option<String>,
    /// The section.
    pub section: Option<String>,
    /// Its kind.
    pub kind: SiteKind,
    /// The helper of an outline atomic: `ldadd8_relax`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The instructions in the image.
    pub original: Vec<Instruction>,
    /// Its arms. The first one that holds wins, for both formats.
    pub arms: Vec<Arm>,
}

/// The kind of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SiteKind {
    /// `cpu_has_cap!(likely …)`: a B, patched to a NOP.
    BranchLikely,
    /// `cpu_has_cap!(unlikely …)`: a NOP, patched to a B.
    BranchUnlikely,
    /// A call of an outline atomic, patched to its instruction.
    Atomic,
    /// Other sites.
    Alternative,
}

/// An arm of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Arm {
    /// The condition: `LSE`, `PAN & !UAO`, `A | B`.
    pub condition: String,
    /// The condition for programs: it holds if all terms of one of these lists hold.
    pub terms: Vec<Vec<Term>>,
    /// The source of the instructions.
    pub kind: ArmKind,
    /// Their address in the image; `None` unless the arm has instructions.
    #[serde(with = "crate::hex::some_address")]
    pub replacement: Option<u64>,
    /// The callback that computes them.
    pub callback: Option<Callback>,
    /// The instructions of the site after patching, including padding. `None` if a callback
    /// computes them, or if the patcher refuses the arm.
    pub words: Option<Vec<Instruction>>,
    /// The reason for which the patcher refuses it.
    pub refused: Option<String>,
}

/// The source of the instructions of an arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ArmKind {
    /// The record itself: NOP or B.
    Branch,
    /// The image.
    Code,
    /// A callback.
    Callback,
    /// NOPs.
    Nops,
}

impl ArmKind {
    /// The kind of the arm of a record.
    pub(super) fn of(kind: Kind) -> Self {
        match kind {
            Kind::Branch { .. } => Self::Branch,
            Kind::Code { .. } => Self::Code,
            Kind::Callback { .. } => Self::Callback,
            Kind::Nops => Self::Nops,
        }
    }

    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Code => "code",
            Self::Callback => "callback",
            Self::Nops => "nops",
        }
    }
}

/// One term of a condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Term {
    /// The number of the cpucap.
    pub cap: u16,
    /// Its name, if it is known.
    pub name: Option<String>,
    /// The cpucap must be absent.
    pub negated: bool,
    /// It always holds: a callback of Linux before 6.1, or of Xen.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub always: bool,
}

/// A callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Callback {
    /// The address in the record: that of a static in our format, of the function in that of Linux.
    #[serde(with = "crate::hex::address")]
    pub address: u64,
    /// Its name.
    pub name: String,
    /// The address of the function, if the image has it.
    pub function: Option<String>,
}

/// An instruction at a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Instruction {
    /// The word.
    #[serde(with = "crate::hex::word")]
    pub word: u32,
    /// Its text; targets are addresses.
    pub text: String,
    /// The place to which its last operand refers: `memcpy+0x10`.
    pub target: Option<String>,
}
