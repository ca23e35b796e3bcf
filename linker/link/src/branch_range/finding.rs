//! Findings of the branch-range lint.

use std::fmt;

/// Kinds of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The target is not in the section of the instruction: the distance depends on the linker.
    OtherSection,
    /// The target is in the same section, and out of range.
    TooFar,
    /// A keep-together group is larger than the range of an instruction in it.
    GroupTooLarge,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::OtherSection, Self::TooFar, Self::GroupTooLarge];

    /// Its name, as in `--allow other-section`.
    pub fn name(self) -> &'static str {
        match self {
            Self::OtherSection => "other-section",
            Self::TooFar => "too-far",
            Self::GroupTooLarge => "group-too-large",
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

/// An instruction whose target may be out of range.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// The kind.
    pub kind: Kind,
    /// The input file of the linker, or the member of an archive. Never the file symbol of an
    /// object, which after `ld -r` may be that of another source file.
    pub file: String,
    /// The input section of the instruction.
    pub section: String,
    /// The offset in that section, in bytes.
    pub offset: u64,
    /// The function, demangled, and the offset in it; `None` if no symbol precedes it.
    pub function: Option<String>,
    /// The instruction.
    pub instruction: String,
    /// The symbol that it refers to, demangled.
    pub symbol: String,
    /// Its definition: input file and section.
    pub defined: Option<String>,
    /// The distance to the target in bytes, if it is known before the link.
    pub distance: Option<i64>,
    /// The problem, in a sentence.
    pub explanation: String,
    /// How to fix it.
    pub advice: String,
}

impl Finding {
    /// `file: section+0x10 (function+0x4)`.
    pub fn place(&self) -> String {
        let place = format!("{}: {}+{:#x}", self.file, self.section, self.offset);
        match &self.function {
            Some(function) => format!("{place} ({function})"),
            None => place,
        }
    }
}

impl fmt::Display for Finding {
    /// Several lines, in the form of a compiler error.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error[{}]: {}", self.kind, self.explanation)?;
        writeln!(f, "  at: {}", self.place())?;
        if let Some(defined) = &self.defined {
            writeln!(f, "  {} is in: {defined}", self.symbol)?;
        }
        write!(f, "  help: {}", self.advice)
    }
}
