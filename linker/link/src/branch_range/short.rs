//! The references of short range, by their relocations.

use std::fmt;

use object::elf::{self, RelocationType};

/// A form of reference that no linker extends: if the target is out of range, the link fails (AAELF64,
/// "Relocation operations").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Short {
    /// TBZ, TBNZ: `R_AARCH64_TSTBR14`.
    TestBranch,
    /// B.cond, BC.cond, CBZ, CBNZ: `R_AARCH64_CONDBR19`.
    ConditionalBranch,
    /// ADR: `R_AARCH64_ADR_PREL_LO21`.
    Address,
    /// LDR, LDRSW and PRFM of a literal: `R_AARCH64_LD_PREL_LO19`.
    Literal,
}

impl Short {
    /// The form that a relocation of this type belongs to.
    pub(super) fn of(kind: RelocationType) -> Option<Self> {
        match kind {
            elf::R_AARCH64_TSTBR14 => Some(Self::TestBranch),
            elf::R_AARCH64_CONDBR19 => Some(Self::ConditionalBranch),
            elf::R_AARCH64_ADR_PREL_LO21 => Some(Self::Address),
            elf::R_AARCH64_LD_PREL_LO19 => Some(Self::Literal),
            _ => None,
        }
    }

    /// The largest distance forwards, in bytes.
    pub fn max(self) -> u64 {
        match self {
            Self::TestBranch => (1 << 15) - 4,
            Self::ConditionalBranch | Self::Literal => (1 << 20) - 4,
            Self::Address => (1 << 20) - 1,
        }
    }

    /// The largest distance backwards, in bytes, as a negative number.
    pub fn min(self) -> i64 {
        match self {
            Self::TestBranch => -(1 << 15),
            Self::ConditionalBranch | Self::Literal | Self::Address => -(1 << 20),
        }
    }

    /// Whether a distance in bytes is in range.
    pub(super) fn reaches(self, distance: i64) -> bool {
        let max = i64::try_from(self.max()).unwrap_or(i64::MAX);
        (self.min()..=max).contains(&distance)
    }

    /// Its range in words.
    pub fn range(self) -> &'static str {
        match self {
            Self::TestBranch => "±32 KiB",
            Self::ConditionalBranch | Self::Literal | Self::Address => "±1 MiB",
        }
    }

    /// The advice for a reference to `target` that is out of range.
    pub(super) fn instead(self, target: &str) -> String {
        match self {
            Self::TestBranch | Self::ConditionalBranch => {
                format!("invert the condition and jump over a `b {target}`")
            }
            Self::Address => format!(
                "use `adrp` with `{target}` and `add` with `:lo12:{target}`, which reach ±4 GiB"
            ),
            Self::Literal => format!(
                "use `adrp` with `{target}` and a load or PRFM with `:lo12:{target}`, which reach \
                 ±4 GiB"
            ),
        }
    }
}

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::TestBranch => "tbz",
            Self::ConditionalBranch => "conditional branch",
            Self::Address => "adr",
            Self::Literal => "literal",
        })
    }
}
