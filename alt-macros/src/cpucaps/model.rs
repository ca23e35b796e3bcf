//! What a valid file says.

use alt_idregs::Field;

/// The cpucaps, in the order of the file.
#[derive(Default)]
pub struct Table {
    pub caps: Vec<Cap>,
}

pub struct Cap {
    pub name: String,
    pub doc: String,
    pub scope: Scope,
    pub kind: Kind,
    pub rule: Rule,
    pub late: Option<Late>,
    /// Numbers of other caps.
    pub requires: Vec<usize>,
    /// Numbers of other caps.
    pub conflicts: Vec<usize>,
    pub cfg: Option<syn::Meta>,
}

pub enum Rule {
    Always,
    Field {
        field: &'static Field,
        min: i64,
        max: i64,
    },
    Midr(Vec<MidrRange>),
    Any(Vec<Rule>),
    All(Vec<Rule>),
    Not(Box<Rule>),
    Custom(syn::Path),
}

pub struct MidrRange {
    pub implementer: u8,
    pub part: u16,
    pub from: Revision,
    pub to: Revision,
    pub fixed: Option<Fixed>,
}

pub struct Fixed {
    pub revision: Revision,
    pub bit: u8,
}

/// `r<variant>p<revision>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision {
    pub variant: u8,
    pub revision: u8,
}

/// A word of the file that stands for a variant of an enum in `alt_runtime::cap`.
pub trait Word: Copy + 'static {
    /// Each word with its value.
    const WORDS: &'static [(&'static str, Self)];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Boot,
    System,
    Local,
}

impl Word for Scope {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("boot", Self::Boot),
        ("system", Self::System),
        ("local", Self::Local),
    ];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Feature,
    Erratum,
}

impl Word for Kind {
    const WORDS: &'static [(&'static str, Self)] =
        &[("feature", Self::Feature), ("erratum", Self::Erratum)];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    LocalErratum,
    SystemFeature,
    WeakLocalFeature,
    EarlyLocalFeature,
    BootRestrictedLocalFeature,
    StrictBootFeature,
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
