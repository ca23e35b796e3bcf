//! What keeps interrupts out of the two routines that run while words change.

use alt_cpu::fields::ID_AA64PFR1_EL1;

/// The bits of ID_AA64PFR1_EL1.NMI. Where they are 0, no interrupt has superpriority (FEAT_NMI),
/// and ALLINT is not implemented.
pub const NMI: u64 = ID_AA64PFR1_EL1::NMI.insert(0, -1);

/// `msr allint, #1`, as a word: assemblers know the name only for CPUs with FEAT_NMI.
pub const MASK_ALL_INTERRUPTS: u32 = 0xd501_411f;
