//! The condition of a record, and the fields that both kinds of records have.

use core::fmt;

use crate::cap::{Cap, MAX_CAPS};

/// One term of the condition under which a record applies.
///
/// | bits  | meaning |
/// |-------|---------|
/// | 0–12  | number of the cpucap |
/// | 13    | AND: the record applies only if the next one does too |
/// | 14    | NOT: the term holds when the cpucap is absent |
/// | 15    | in a [`BranchRecord`](super::BranchRecord): the site is of the `likely` form; in an [`AlternativeRecord`](super::AlternativeRecord): the replacement is a callback, or NOPs |
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Condition(pub(crate) u16);

impl Condition {
    /// The bits of the cpucap's number.
    pub const CAP: u16 = 0x1fff;
    /// The record applies only if the next one does too.
    pub const AND: u16 = 1 << 13;
    /// The term holds when the cpucap is absent.
    pub const NOT: u16 = 1 << 14;
    /// Of a [`BranchRecord`](super::BranchRecord): the site is of the `likely` form.
    pub const LIKELY: u16 = 1 << 15;
    /// Of an [`AlternativeRecord`](super::AlternativeRecord): the replacement is a callback, or NOPs.
    pub const CALLBACK: u16 = 1 << 15;

    /// The word that encodes one term. The macros use it as a `const` operand.
    #[doc(hidden)]
    pub const fn bits(cap: Cap, negated: bool, and_next: bool, kind: bool) -> u16 {
        (cap.number() & Self::CAP)
            | if negated { Self::NOT } else { 0 }
            | if and_next { Self::AND } else { 0 }
            | if kind { Self::LIKELY } else { 0 }
    }

    /// The term that this word of a record means.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// Number of the cpucap that the term tests.
    #[inline]
    pub const fn cap(self) -> u16 {
        self.0 & Self::CAP
    }

    /// The term holds when the cpucap is absent.
    #[inline]
    pub const fn is_negated(self) -> bool {
        self.0 & Self::NOT != 0
    }

    /// The next record, of the same site, must hold too.
    #[inline]
    pub const fn and_next(self) -> bool {
        self.0 & Self::AND != 0
    }

    /// Number of the cpucap, if the term has no AND and the number fits in a byte, as every number
    /// of a table does.
    #[inline(always)]
    pub(crate) const fn single_cap(self) -> Option<u8> {
        const _: () = assert!(MAX_CAPS == 256);
        match self.0 & (Self::AND | Self::CAP & !0xff) {
            0 => Some(self.0 as u8),
            _ => None,
        }
    }

    /// In a [`BranchRecord`](super::BranchRecord): the site is a `B` that becomes a `NOP`, not the other way round.
    #[inline]
    pub const fn is_likely(self) -> bool {
        self.0 & Self::LIKELY != 0
    }

    /// In an [`AlternativeRecord`](super::AlternativeRecord): the replacement is not instructions.
    #[inline]
    pub const fn is_callback(self) -> bool {
        self.0 & Self::CALLBACK != 0
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = if self.is_negated() { "!" } else { "" };
        write!(f, "{not}cap {}", self.cap())
    }
}

/// The common fields of both kinds of records.
pub(crate) trait Record: Copy + 'static {
    /// Address of the site, of a record at `at`.
    fn site_address(&self, at: u64) -> u64;
    /// When the record applies.
    fn condition(&self) -> Condition;
    /// Length of the site in instructions.
    fn site_len(&self) -> u8;
}
