//! The kinds of finding of the branch-range lint.

use std::fmt;

/// Kinds of finding. The name of a kind is the rule of its [`Diagnostic`](alt_diagnostic::Diagnostic)s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The target is not in the section of the instruction: the distance depends on the linker.
    OtherSection,
    /// The target is in the same section, and out of range.
    TooFar,
    /// A keep-together group is larger than the range of an instruction in it.
    GroupTooLarge,
    /// A table of records belongs to one section, and has records of others.
    JoinedTables,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [
        Self::OtherSection,
        Self::TooFar,
        Self::GroupTooLarge,
        Self::JoinedTables,
    ];

    /// Its name, as in `--allow other-section`.
    pub fn name(self) -> &'static str {
        match self {
            Self::OtherSection => "other-section",
            Self::TooFar => "too-far",
            Self::GroupTooLarge => "group-too-large",
            Self::JoinedTables => "joined-tables",
        }
    }

    /// The kind of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
