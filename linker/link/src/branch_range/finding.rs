//! What is found.

use std::fmt;

/// Kinds of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The target is not in the section of the instruction: the linker may put anything between.
    OtherSection,
    /// Both are in one section, further apart than the instruction reaches.
    TooFar,
    /// A keep-together group is larger than an instruction in it reaches.
    GroupTooLarge,
}

impl Kind {
    /// All of them.
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

/// An instruction that may not reach what it names.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// What is wrong.
    pub kind: Kind,
    /// The input file, or the member of an archive: what the linker was given. Never the file
    /// symbol of an object, which after `ld -r` is that of another source file.
    pub file: String,
    /// The input section of the instruction.
    pub section: String,
    /// Where in that section, in bytes.
    pub offset: u64,
    /// The function, demangled, and the offset in it; `None` where no symbol is before it.
    pub function: Option<String>,
    /// The instruction.
    pub instruction: String,
    /// What it names, demangled.
    pub symbol: String,
    /// Where that is defined: input file and section.
    pub defined: Option<String>,
    /// How far the target is, in bytes, where that is known before the link.
    pub distance: Option<i64>,
    /// What is wrong, in a sentence.
    pub explanation: String,
    /// What to do about it.
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
    /// Several lines, as a compiler would.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error[{}]: {}", self.kind, self.explanation)?;
        writeln!(f, "  at: {}", self.place())?;
        if let Some(defined) = &self.defined {
            writeln!(f, "  {} is in: {defined}", self.symbol)?;
        }
        write!(f, "  help: {}", self.advice)
    }
}
