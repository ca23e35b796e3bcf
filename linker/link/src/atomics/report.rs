//! The report about the calls of outline atomics.

use std::collections::BTreeMap;
use std::fmt;

use alt_runtime::atomics::Helper;
use object::elf::{R_AARCH64_CALL26, R_AARCH64_JUMP26, RelocationType};

/// A use of a helper that stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The object, as in messages of a linker.
    pub object: String,
    /// Its section.
    pub section: String,
    /// The offset in the section in bytes.
    pub offset: u64,
    /// The helper.
    pub helper: Helper,
    /// Why it stays.
    pub reason: Reason,
}

/// Why a use of a helper stays. It runs by way of the helper, which is a site itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// A branch without link: after the instruction, there is no room for the RET.
    TailCall,
    /// It is inside an alternative's default.
    InsideSite,
    /// It is in a replacement, which is moved.
    InReplacement,
    /// It is in the section of the code that rewrites text, which must not change.
    InPatcher,
    /// The section is in a COMDAT group, and the linker may keep another copy of the group.
    Comdat,
    /// No local symbol is in the section.
    NoSymbol,
    /// The helper is not that of alt-runtime, so an instruction may have another effect.
    Overridden(String),
    /// The link has helpers of alt-runtime, but not this one.
    NoHelper,
    /// The relocation has an addend: the call is not to the start of the helper.
    Addend(i64),
    /// A relocation of another type: the address is used otherwise.
    Relocation(u32),
    /// The relocation is for a call, but the word is not a BL.
    NoCall,
    /// The object has relocations in the compact form, to which none can be added.
    CompactRelocations,
}

/// BL (Arm ARM C6.2.36), with the displacement masked.
const BL: u32 = 0x9400_0000;
const BL_MASK: u32 = 0xfc00_0000;

impl Reason {
    /// Why a use of a helper, with a relocation of this type (`R_AARCH64_…`) and addend, is not a call
    /// that an instruction can replace. `word` is the relocated instruction, if it is one.
    pub fn of_form(kind: u32, addend: i64, word: Option<u32>) -> Option<Self> {
        match RelocationType(kind) {
            R_AARCH64_CALL26 => {}
            R_AARCH64_JUMP26 => return Some(Self::TailCall),
            _ => return Some(Self::Relocation(kind)),
        }
        match (addend, word) {
            (..=-1 | 1.., _) => Some(Self::Addend(addend)),
            (0, Some(word)) if word & BL_MASK == BL => None,
            (0, _) => Some(Self::NoCall),
        }
    }

    /// Whether this is expected in sound input.
    pub fn is_expected(&self) -> bool {
        matches!(
            self,
            Self::TailCall
                | Self::InsideSite
                | Self::InReplacement
                | Self::InPatcher
                | Self::Comdat
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TailCall => f.write_str("a tail call, which has no room for a return"),
            Self::InsideSite => f.write_str("inside another site"),
            Self::InReplacement => f.write_str("in a replacement"),
            Self::InPatcher => f.write_str("in the code that rewrites text"),
            Self::Comdat => f.write_str("in a COMDAT group"),
            Self::NoSymbol => f.write_str(
                "its section has no local symbol: do not strip the object before the link",
            ),
            Self::Overridden(object) => write!(
                f,
                "the helper is defined by {object}, not by alt-runtime: remove that definition, or \
                 accept the calls"
            ),
            Self::NoHelper => f.write_str(
                "its replacement is not in the link: build all objects with one alt-runtime",
            ),
            Self::Addend(addend) => write!(
                f,
                "the relocation has the addend {addend}: call the helper's symbol itself"
            ),
            Self::Relocation(kind) => write!(
                f,
                "the relocation is of type {kind}, not R_AARCH64_CALL26 (283): only a call by BL \
                 becomes an instruction"
            ),
            Self::CompactRelocations => f.write_str(
                "the relocations of the object are in CREL form: compile without --crel",
            ),
            Self::NoCall => {
                f.write_str("the word is no BL: is the object damaged, or written by hand?")
            }
        }
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            object,
            section,
            offset,
            helper,
            reason,
        } = self;
        write!(
            f,
            "{object}({section}+{offset:#x}): __aarch64_{helper}: {reason}"
        )
    }
}

/// The results for the calls of all inputs.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The number of calls that are sites now.
    pub sites: usize,
    /// The uses that stay.
    pub left: Vec<Left>,
    /// The number of calls in inputs without helpers of alt-runtime.
    pub without_helpers: usize,
    /// The names of inputs that are LLVM bitcode, in which calls do not exist yet.
    pub not_checked: Vec<String>,
}

impl Report {
    /// The lines to print: a summary, each use that stays for a reason that needs attention, and
    /// what to do.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.without_helpers != 0 {
            lines.push(format!(
                "{} calls of outline atomics, and no helpers that can be patched: enable the \
                 feature `atomics` of alt-runtime",
                self.without_helpers
            ));
        }
        let unusual = self.left.iter().filter(|left| !left.reason.is_expected());
        lines.extend(unusual.map(|left| format!("left alone: {left}")));
        let mut counts: BTreeMap<&Reason, usize> = BTreeMap::new();
        for left in &self.left {
            if left.reason.is_expected() {
                *counts.entry(&left.reason).or_default() += 1;
            }
        }
        let counts = counts.into_iter();
        lines.extend(counts.map(|(reason, count)| format!("{count} left alone: {reason}")));
        lines.extend(self.not_checked.iter().map(|name| {
            format!("not checked: {name} is LLVM bitcode; its atomics stay calls of helpers")
        }));
        lines
    }
}
