//! What a valid file says.

use alt_cpu::Field;

/// The cpucaps, in the order of the file: the place of each is its number.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// 256 at most.
    pub caps: Vec<Cap>,
}

/// One cpucap.
#[derive(Clone, Debug)]
pub struct Cap {
    /// In UPPER_SNAKE_CASE, since it becomes a constant.
    pub name: String,
    /// What it is; not empty.
    pub doc: String,
    /// Whose ID registers decide.
    pub scope: Scope,
    /// Feature or erratum.
    pub kind: Kind,
    /// How it shows in the ID registers.
    pub rule: Rule,
    /// What becomes of a CPU that comes too late and differs, where the file says it.
    pub late: Option<Late>,
    /// Numbers of other caps, without which this one is not present either.
    pub requires: Vec<usize>,
    /// Numbers of other caps that must not be present together with this one.
    pub conflicts: Vec<usize>,
    /// A Rust cfg predicate, as it stands within `#[cfg(...)]`: the cap is impossible in a
    /// build where it is false.
    pub cfg: Option<String>,
}

/// How a cpucap shows in the ID registers.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// On every CPU.
    Always,
    /// A field has a value from `min` to `max`, both included and both values that it can hold.
    Field {
        /// The field.
        field: &'static Field,
        /// The least value that will do.
        min: i64,
        /// The greatest value that will do.
        max: i64,
    },
    /// The CPU is one of these.
    Midr(Vec<MidrRange>),
    /// One of these holds.
    Any(Vec<Rule>),
    /// All of these hold.
    All(Vec<Rule>),
    /// This does not hold.
    Not(Box<Rule>),
    /// A function of the kernel decides: its path, as the file has it.
    Custom(String),
}

/// Some revisions of one CPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MidrRange {
    /// `MIDR_EL1.Implementer`.
    pub implementer: u8,
    /// `MIDR_EL1.PartNum`, 12 bits.
    pub part: u16,
    /// The first of the revisions.
    pub from: Revision,
    /// The last of the revisions.
    pub to: Revision,
    /// Chips of a revision in the range that have been mended nevertheless.
    pub fixed: Option<Fixed>,
}

/// A bit of `REVIDR_EL1` that says, in one revision, that an erratum is fixed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The revision in which the bit has this meaning.
    pub revision: Revision,
    /// The number of the bit, 0 to 63.
    pub bit: u8,
}

/// `r<variant>p<revision>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision {
    /// `MIDR_EL1.Variant`, 0 to 15.
    pub variant: u8,
    /// `MIDR_EL1.Revision`, 0 to 15.
    pub revision: u8,
}

/// A word of the file that stands for a variant of an enum in `alt_runtime::cap`.
pub trait Word: Copy + 'static {
    /// Each word with its value.
    const WORDS: &'static [(&'static str, Self)];
}

/// Whose ID registers decide about a cpucap, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The boot CPU's, before any other runs.
    Boot,
    /// The sanitised view of all CPUs.
    System,
    /// Each CPU's own.
    Local,
}

impl Word for Scope {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("boot", Self::Boot),
        ("system", Self::System),
        ("local", Self::Local),
    ];
}

/// What a cpucap stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something that may be used.
    Feature,
    /// Something that must be worked around.
    Erratum,
}

impl Word for Kind {
    const WORDS: &'static [(&'static str, Self)] =
        &[("feature", Self::Feature), ("erratum", Self::Erratum)];
}

/// What becomes of a CPU that comes online after the patch and differs; the variants are
/// those of `alt_runtime::cap::LatePolicy`, which says what they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// `local-erratum`
    LocalErratum,
    /// `system-feature`
    SystemFeature,
    /// `weak-local-feature`
    WeakLocalFeature,
    /// `early-local-feature`
    EarlyLocalFeature,
    /// `boot-restricted-local-feature`
    BootRestrictedLocalFeature,
    /// `strict-boot-feature`
    StrictBootFeature,
    /// `boot-feature`
    BootFeature,
}

impl Word for Late {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("local-erratum", Self::LocalErratum),
        ("system-feature", Self::SystemFeature),
        ("weak-local-feature", Self::WeakLocalFeature),
        ("early-local-feature", Self::EarlyLocalFeature),
        (
            "boot-restricted-local-feature",
            Self::BootRestrictedLocalFeature,
        ),
        ("strict-boot-feature", Self::StrictBootFeature),
        ("boot-feature", Self::BootFeature),
    ];
}

impl Late {
    /// The scope of the cpucaps it makes sense for.
    pub fn scope(self) -> Scope {
        match self {
            Self::SystemFeature => Scope::System,
            Self::StrictBootFeature | Self::BootFeature => Scope::Boot,
            Self::LocalErratum
            | Self::WeakLocalFeature
            | Self::EarlyLocalFeature
            | Self::BootRestrictedLocalFeature => Scope::Local,
        }
    }
}

/// The word for a value.
pub fn word<W: Word + PartialEq>(value: W) -> &'static str {
    W::WORDS
        .iter()
        .find(|(_, other)| *other == value)
        .map_or("", |(word, _)| word)
}
