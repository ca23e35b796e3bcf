//! The records of a distribution's kernel, counted once: `vmlinux` of Debian's
//! `linux-image-6.12.118+deb13-arm64-dbg`, 27,364 records.
//!
//! A B that becomes NOP is one of its callbacks that write NOPs. A NOP that becomes a B counts as a branch
//! too, although some of them are written in assembly. Of the 1,500 words of distinct arms of several
//! instructions, 991 are NOPs at the end: nearly all arms of four and more instead of other code are one atomic
//! instruction.

use SiteKind::{Callback, CodeToCode, LikelyBranch, NopsToCode, UnlikelyBranch};

/// The instructions of a site before and after patching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SiteKind {
    /// A B that becomes NOP.
    LikelyBranch,
    /// A NOP that becomes B.
    UnlikelyBranch,
    /// NOPs that become instructions. In words.
    NopsToCode(u8),
    /// Instructions that become others. In words.
    CodeToCode(u8),
    /// Instructions that a callback computes, up to five. In words.
    Callback(u8),
}

impl SiteKind {
    /// Length of the site in words.
    pub(crate) fn words(self) -> u8 {
        match self {
            Self::LikelyBranch | Self::UnlikelyBranch => 1,
            Self::NopsToCode(words) | Self::CodeToCode(words) | Self::Callback(words) => words,
        }
    }
}

/// Sites of one kind and cpucap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) cap: u16,
    pub(crate) kind: SiteKind,
    pub(crate) sites: usize,
    /// In how many ways they change: the number of constants whose exclusive OR with the old word is the
    /// new one, or that of distinct arms. Not for branches and callbacks.
    pub(crate) words: usize,
}

/// The rows, sorted by cpucap.
#[rustfmt::skip]
pub(crate) const LINUX: [Row; 110] = [
    row(0, LikelyBranch, 141, 1),
    row(1, LikelyBranch, 1_014, 1),
    row(1, Callback(1), 137, 1),
    row(1, Callback(2), 32, 1),
    row(1, Callback(4), 69, 1),
    row(1, Callback(5), 58, 1),
    row(2, UnlikelyBranch, 5, 1),
    row(4, UnlikelyBranch, 2, 1),
    row(5, LikelyBranch, 7, 1),
    row(5, UnlikelyBranch, 27, 1),
    row(5, NopsToCode(1), 8, 1),
    row(5, NopsToCode(4), 1, 1),
    row(5, NopsToCode(5), 1, 1),
    row(5, NopsToCode(6), 1, 1),
    row(5, NopsToCode(10), 9, 2),
    row(10, UnlikelyBranch, 47, 1),
    row(11, UnlikelyBranch, 6, 1),
    row(11, NopsToCode(2), 4, 2),
    row(12, NopsToCode(2), 3, 2),
    row(13, UnlikelyBranch, 17, 1),
    row(13, NopsToCode(1), 2, 2),
    row(14, LikelyBranch, 3, 1),
    row(16, LikelyBranch, 1, 1),
    row(17, UnlikelyBranch, 2, 1),
    row(17, NopsToCode(1), 8, 1),
    row(19, UnlikelyBranch, 1, 1),
    row(19, CodeToCode(2), 10, 4),
    row(20, UnlikelyBranch, 4, 1),
    row(21, UnlikelyBranch, 1, 1),
    row(22, UnlikelyBranch, 1, 1),
    row(23, UnlikelyBranch, 21, 1),
    row(24, UnlikelyBranch, 4, 1),
    row(25, LikelyBranch, 35, 1),
    row(26, UnlikelyBranch, 21, 1),
    row(33, UnlikelyBranch, 29, 1),
    row(34, UnlikelyBranch, 5, 1),
    row(36, UnlikelyBranch, 58, 1),
    row(37, LikelyBranch, 15_050, 1),
    row(37, CodeToCode(3), 43, 11),
    row(37, CodeToCode(4), 1_284, 171),
    row(37, CodeToCode(5), 301, 124),
    row(39, UnlikelyBranch, 610, 1),
    row(40, UnlikelyBranch, 1, 1),
    row(40, NopsToCode(1), 19, 2),
    row(41, UnlikelyBranch, 3, 1),
    row(42, UnlikelyBranch, 54, 1),
    row(43, UnlikelyBranch, 10, 1),
    row(43, NopsToCode(1), 1, 1),
    row(43, CodeToCode(6), 2, 1),
    row(43, NopsToCode(2), 2, 1),
    row(44, UnlikelyBranch, 3, 1),
    row(45, CodeToCode(2), 59, 1),
    row(46, UnlikelyBranch, 8, 1),
    row(47, UnlikelyBranch, 3, 1),
    row(47, NopsToCode(2), 2, 2),
    row(49, UnlikelyBranch, 39, 1),
    row(50, LikelyBranch, 1, 1),
    row(50, UnlikelyBranch, 122, 1),
    row(50, CodeToCode(1), 1, 1),
    row(50, NopsToCode(1), 1, 1),
    row(50, NopsToCode(2), 1, 1),
    row(51, UnlikelyBranch, 45, 1),
    row(51, CodeToCode(1), 3_577, 3),
    row(52, UnlikelyBranch, 3, 1),
    row(54, UnlikelyBranch, 21, 1),
    row(54, CodeToCode(1), 134, 2),
    row(55, UnlikelyBranch, 42, 1),
    row(55, CodeToCode(1), 2, 1),
    row(55, NopsToCode(5), 1, 1),
    row(55, NopsToCode(16), 1, 1),
    row(55, NopsToCode(37), 1, 1),
    row(56, UnlikelyBranch, 1, 1),
    row(56, CodeToCode(2), 10, 2),
    row(57, LikelyBranch, 12, 1),
    row(57, UnlikelyBranch, 132, 1),
    row(57, NopsToCode(2), 8, 1),
    row(57, NopsToCode(3), 1, 1),
    row(59, NopsToCode(2), 2, 2),
    row(62, UnlikelyBranch, 6, 1),
    row(63, UnlikelyBranch, 2, 1),
    row(66, UnlikelyBranch, 1, 1),
    row(67, UnlikelyBranch, 74, 1),
    row(68, LikelyBranch, 1, 1),
    row(68, UnlikelyBranch, 76, 1),
    row(68, CodeToCode(6), 1, 1),
    row(69, UnlikelyBranch, 3, 1),
    row(70, UnlikelyBranch, 5, 1),
    row(71, NopsToCode(2), 1, 1),
    row(75, UnlikelyBranch, 1, 1),
    row(75, NopsToCode(1), 31, 1),
    row(76, UnlikelyBranch, 2, 1),
    row(81, UnlikelyBranch, 2, 1),
    row(82, UnlikelyBranch, 2, 1),
    row(84, UnlikelyBranch, 8, 1),
    row(86, UnlikelyBranch, 1, 1),
    row(88, UnlikelyBranch, 1, 1),
    row(89, NopsToCode(3), 1, 1),
    row(90, UnlikelyBranch, 1, 1),
    row(91, CodeToCode(1), 32, 1),
    row(92, UnlikelyBranch, 4, 1),
    row(93, CodeToCode(1), 5, 2),
    row(94, UnlikelyBranch, 1, 1),
    row(94, CodeToCode(1), 3_499, 1),
    row(96, CodeToCode(1), 32, 1),
    row(96, NopsToCode(6), 33, 2),
    row(97, UnlikelyBranch, 105, 1),
    row(98, UnlikelyBranch, 8, 1),
    row(98, CodeToCode(1), 2, 1),
    row(98, NopsToCode(1), 14, 1),
    row(100, NopsToCode(2), 1, 1),
];

/// The cpucaps with sites that Linux detects on a cortex-a76 that it enters at EL1.
pub(crate) const ON_A76: [u16; 12] = [0, 1, 4, 13, 14, 16, 25, HAS_LSE_ATOMICS, 40, 43, 62, 66];

/// The cpucap of the most records.
pub(crate) const HAS_LSE_ATOMICS: u16 = 37;

/// The cpucap that is also present if the kernel is entered at EL2.
pub(crate) const HAS_VIRT_HOST_EXTN: u16 = 51;

/// Two records that follow each other in the text have one cpucap with this probability, in percent.
#[cfg(test)]
pub(crate) const SAME_CAP: u64 = 69;

/// Two such records share a cache line of 64 bytes with these probabilities, in percent: with one cpucap, and
/// with two.
pub(crate) const SAME_LINE: [u64; 2] = [12, 39];

const fn row(cap: u16, kind: SiteKind, sites: usize, words: usize) -> Row {
    Row {
        cap,
        kind,
        sites,
        words,
    }
}
