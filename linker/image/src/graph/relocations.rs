//! What a relocation says about the place that it stands at.

use super::EdgeKind;

/// How a relocation of this type refers; `None` where it adds nothing to another one or to the
/// words themselves. Numbers are those of "ELF for the Arm 64-bit Architecture", 5.7.
pub(super) fn kind(relocation: u32) -> Option<EdgeKind> {
    match relocation {
        // ABS64 to PREL16, PLT32, GOTPCREL32
        257..=262 | 314 | 315 => Some(EdgeKind::Pointer),
        // MOVW of absolute addresses
        263..=272 => Some(EdgeKind::Address),
        // LD_PREL_LO19, ADR_PREL_LO21
        273 | 274 => Some(EdgeKind::Address),
        // The low part of an address: ADD_ABS_LO12_NC, LDST8, LDST16, LDST32, LDST64, LDST128
        277 | 278 | 284..=286 | 299 => Some(EdgeKind::Address),
        // MOVW_PREL
        287..=293 => Some(EdgeKind::Address),
        // By way of the GOT: GOT_LD_PREL19, LD64_GOTOFF_LO15, LD64_GOT_LO12_NC, LD64_GOTPAGE_LO15
        309 | 310 | 312 | 313 => Some(EdgeKind::Address),
        // A page (ADRP) comes with a low part; branches are read from the words, which also
        // know of veneers; the rest is thread-local or for a loader.
        _ => None,
    }
}
