//! CPU models by implementer, part and revision, as in `MIDR_EL1`.

use core::fmt;

use crate::fields::MIDR_EL1;

/// A revision of a CPU, such as r3p1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Revision {
    /// The major revision: `MIDR_EL1.Variant`, 0 to 15.
    pub variant: u8,
    /// The minor revision: `MIDR_EL1.Revision`, 0 to 15.
    pub revision: u8,
}

impl Revision {
    /// The first revision that there can be, r0p0.
    pub const FIRST: Self = Self::new(0, 0);

    /// The last revision that there can be, r15p15.
    pub const LAST: Self = Self::new(15, 15);

    /// `r<variant>p<revision>`.
    pub const fn new(variant: u8, revision: u8) -> Self {
        Self { variant, revision }
    }

    /// The revision in a value of `MIDR_EL1`.
    pub const fn of(midr: u64) -> Self {
        // Both fields are four bits wide.
        Self::new(
            MIDR_EL1::Variant.extract(midr) as u8,
            MIDR_EL1::Revision.extract(midr) as u8,
        )
    }
}

/// As in Arm's documents: `r3p1`.
impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}p{}", self.variant, self.revision)
    }
}

/// A range of revisions of one CPU model, such as those with an erratum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MidrRange {
    /// `MIDR_EL1.Implementer`, 8 bits: 0x41 is Arm.
    pub implementer: u8,
    /// `MIDR_EL1.PartNum`, 12 bits: 0xd03 is Cortex-A53.
    pub part: u16,
    /// The first revision of the range.
    pub from: Revision,
    /// The last revision of the range, included.
    pub to: Revision,
    /// The chips in the range on which the erratum is fixed, by a bit of `REVIDR_EL1`.
    pub fixed: Option<RevidrFix>,
}

/// A bit of `REVIDR_EL1` that is set where an erratum is fixed without a new revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevidrFix {
    /// The revision in which the bit has this meaning.
    pub revision: Revision,
    /// The number of the bit, 0 to 63.
    pub bit: u8,
}

impl MidrRange {
    /// Whether `midr`, a value of `MIDR_EL1`, is in the range. `REVIDR_EL1` is not considered.
    pub fn covers(&self, midr: u64) -> bool {
        MIDR_EL1::Implementer.extract(midr) == self.implementer.into()
            && MIDR_EL1::PartNum.extract(midr) == self.part.into()
            && (self.from..=self.to).contains(&Revision::of(midr))
    }

    /// Whether a CPU with these values of `MIDR_EL1` and `REVIDR_EL1` is in the range, and has the
    /// bit set that shows that the erratum is fixed.
    pub fn is_fixed(&self, midr: u64, revidr: u64) -> bool {
        self.covers(midr)
            && self.fixed.is_some_and(|fix| {
                let bits = revidr.checked_shr(fix.bit.into()).unwrap_or(0);
                fix.revision == Revision::of(midr) && bits & 1 != 0
            })
    }

    /// Whether a CPU with these values of `MIDR_EL1` and `REVIDR_EL1` is in the range and not
    /// [fixed](Self::is_fixed).
    pub fn matches(&self, midr: u64, revidr: u64) -> bool {
        self.covers(midr) && !self.is_fixed(midr, revidr)
    }
}
