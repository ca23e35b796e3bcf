//! CPUs by maker, part and revision.

use core::fmt;

use alt_cpu::{Register, fields::MIDR_EL1};

use super::IdRegs;

/// A revision of a CPU, such as r3p1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Revision {
    /// Major: `MIDR_EL1.Variant`, 0 to 15.
    pub variant: u8,
    /// Minor: `MIDR_EL1.Revision`, 0 to 15.
    pub revision: u8,
}

impl Revision {
    /// `r<variant>p<revision>`.
    pub const fn new(variant: u8, revision: u8) -> Self {
        Self { variant, revision }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}p{}", self.variant, self.revision)
    }
}

/// The revisions of one CPU that are affected by something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MidrRange {
    /// `MIDR_EL1.Implementer`: 0x41 is Arm.
    pub implementer: u8,
    /// `MIDR_EL1.PartNum`, 12 bits: 0xd03 is Cortex-A53.
    pub part: u16,
    /// The first affected revision.
    pub from: Revision,
    /// The last affected revision.
    pub to: Revision,
    /// Chips of a revision in the range that have been mended nevertheless.
    pub fixed: Option<RevidrFix>,
}

/// A bit of `REVIDR_EL1` that says, in one revision, that an erratum is fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevidrFix {
    /// The revision in which the bit has this meaning.
    pub revision: Revision,
    /// The number of the bit, 0 to 63.
    pub bit: u8,
}

impl MidrRange {
    /// Whether the CPU is in the range, by `MIDR_EL1` alone.
    pub fn covers(&self, regs: &IdRegs) -> bool {
        regs.field(&MIDR_EL1::Implementer) == self.implementer.into()
            && regs.field(&MIDR_EL1::PartNum) == self.part.into()
            && (self.from..=self.to).contains(&revision(regs))
    }

    /// Whether the CPU is in the range and says in `REVIDR_EL1` that it has been mended.
    pub fn is_fixed(&self, regs: &IdRegs) -> bool {
        self.covers(regs)
            && self.fixed.is_some_and(|fix| {
                fix.revision == revision(regs)
                    && regs
                        .get(Register::REVIDR_EL1)
                        .checked_shr(fix.bit.into())
                        .unwrap_or(0)
                        & 1
                        != 0
            })
    }

    /// Whether the CPU is affected.
    pub fn matches(&self, regs: &IdRegs) -> bool {
        self.covers(regs) && !self.is_fixed(regs)
    }
}

fn revision(regs: &IdRegs) -> Revision {
    // Both fields are four bits wide.
    Revision::new(
        regs.field(&MIDR_EL1::Variant) as u8,
        regs.field(&MIDR_EL1::Revision) as u8,
    )
}
