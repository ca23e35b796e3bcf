//! The sites of an image, in words. `docs/alt.md` describes the JSON that these make.

use serde::Serialize;

/// Sites of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dump {
    /// Version of the form of this document: counts up when a field changes its meaning or goes.
    pub version: u32,
    /// `alt` or `linux`.
    pub format: String,
    /// What is there.
    pub summary: Summary,
    /// The sites that were asked for, by address.
    pub sites: Vec<SiteDump>,
}

/// How much there is.
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
    /// Records of them that make a branch or a NOP of one instruction.
    pub branches: usize,
    /// Records with instructions.
    pub code: usize,
    /// Records with callbacks.
    pub callbacks: usize,
    /// Records that make NOPs.
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
    /// The function, or what else is nearest, and the bytes from its start: `memcpy+0x10`.
    pub place: Option<String>,
    /// The section.
    pub section: Option<String>,
    /// What made it.
    pub kind: SiteKind,
    /// What the image holds.
    pub original: Vec<Instruction>,
    /// What it can become: the first one that holds wins, whichever format the image has.
    pub arms: Vec<Arm>,
}

/// What made a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SiteKind {
    /// `cpu_has_cap!(likely …)`: a B that becomes a NOP.
    BranchLikely,
    /// `cpu_has_cap!(unlikely …)`: a NOP that becomes a B.
    BranchUnlikely,
    /// Everything else.
    Alternative,
}

/// One thing that a site can become.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Arm {
    /// When: `LSE`, `PAN & !UAO`, `A | B`.
    pub condition: String,
    /// The same for programs: it holds when all terms of one of these lists do.
    pub terms: Vec<Vec<Term>>,
    /// Where the instructions come from.
    pub kind: ArmKind,
    /// Where they are in the image; `None` unless the arm has instructions of its own.
    #[serde(with = "crate::hex::some_address")]
    pub replacement: Option<u64>,
    /// What computes them.
    pub callback: Option<Callback>,
    /// What the site holds then, padding included. `None` where a callback computes it, or
    /// where the patcher refuses.
    pub words: Option<Vec<Instruction>>,
    /// Why the patcher refuses it.
    pub refused: Option<String>,
}

/// Where the instructions of an arm come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ArmKind {
    /// The record itself: NOP or B.
    Branch,
    /// The image.
    Code,
    /// A callback.
    Callback,
    /// They are NOPs.
    Nops,
}

/// One term of a condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Term {
    /// Number of the cpucap.
    pub cap: u16,
    /// Its name, where it is known.
    pub name: Option<String>,
    /// It must be absent.
    pub negated: bool,
}

/// A callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Callback {
    /// What the record refers to: in our format a static, in Linux's the function.
    #[serde(with = "crate::hex::address")]
    pub address: u64,
    /// Its name.
    pub name: String,
    /// The function that is called, where the image tells.
    pub function: Option<String>,
}

/// An instruction at a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Instruction {
    /// The word.
    #[serde(with = "crate::hex::word")]
    pub word: u32,
    /// What it says; targets are addresses.
    pub text: String,
    /// The place that its last operand is the address of: `memcpy+0x10`.
    pub target: Option<String>,
}
