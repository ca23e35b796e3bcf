//! The cache maintenance that a write to text needs.

use alt_cpu::Field;
use alt_cpu::fields::{CTR_EL0, MIDR_EL1};

use crate::cap::IdRegs;

/// How to make written words visible to instruction fetch, by CTR_EL0 (Arm ARM D24.2.34; the sequence
/// is in B2.4.4) and by errata.
///
/// If the CPUs of a system differ, combine their values with [`also_for`](Self::also_for).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Maintenance {
    /// Smallest data cache line in bytes.
    pub data_line: u32,
    /// Smallest instruction cache line in bytes.
    pub instruction_line: u32,
    /// CTR_EL0.IDC: written data need not be cleaned. Used by [`sync`](Self::sync): only CPUs that
    /// this value covers execute loaded code.
    ///
    /// A pass always cleans: a late CPU without IDC executes kernel text before it is judged and
    /// parked. If the early CPUs have IDC, a clean to the point of unification may be a NOP (Arm ARM
    /// D7.5.9.2), so the pass cleans lines to the point of coherency.
    pub no_clean: bool,
    /// CTR_EL0.DIC: the instruction cache need not be invalidated.
    pub no_invalidate: bool,
    /// CTR_EL0.L1Ip is not PIPT: the whole instruction cache is invalidated. IC IVAU is guaranteed to
    /// find the lines of one virtual address only, and the same text may be executed at others (Arm
    /// ARM, "VIPT instruction caches").
    pub invalidate_all: bool,
    /// Clean *and invalidate* data lines, to the point of coherency: required by Cortex-A53 errata
    /// 819472, 824069, 826319 and 827319.
    pub clean_to_coherency: bool,
}

/// CTR_EL0.L1Ip of an instruction cache that is indexed and tagged by physical address.
const PIPT: i64 = 0b11;

// Implementer and part number, as in MIDR_EL1.
const CORTEX_A53: (i64, i64) = (0x41, 0xd03);
const NEOVERSE_N1: (i64, i64) = (0x41, 0xd0c);

impl Maintenance {
    /// The maintenance that the CPU with these registers requires.
    pub fn new(ids: &IdRegs) -> Self {
        let line = |log2_words: &Field| 4 << ids.field(log2_words);
        let part = (
            ids.field(&MIDR_EL1::Implementer),
            ids.field(&MIDR_EL1::PartNum),
        );
        let release = (
            ids.field(&MIDR_EL1::Variant),
            ids.field(&MIDR_EL1::Revision),
        );
        Self {
            data_line: line(&CTR_EL0::DminLine),
            instruction_line: line(&CTR_EL0::IminLine),
            no_clean: ids.field(&CTR_EL0::IDC) != 0,
            // Neoverse N1 erratum 1542419 (r3p0 to r4p0): a CPU may fetch a
            // stale instruction although DIC says that it cannot.
            no_invalidate: ids.field(&CTR_EL0::DIC) != 0
                && !(part == NEOVERSE_N1 && ((3, 0)..=(4, 0)).contains(&release)),
            invalidate_all: ids.field(&CTR_EL0::L1Ip) != PIPT,
            // Up to r0p2, the last release that one of the four errata names.
            clean_to_coherency: part == CORTEX_A53 && release <= (0, 2),
        }
    }

    /// The maintenance that suits the CPU with these registers as well: the smaller lines, and each
    /// step that one of the two requires.
    #[must_use]
    pub fn also_for(self, ids: &IdRegs) -> Self {
        let other = Self::new(ids);
        Self {
            data_line: self.data_line.min(other.data_line),
            instruction_line: self.instruction_line.min(other.instruction_line),
            no_clean: self.no_clean && other.no_clean,
            no_invalidate: self.no_invalidate && other.no_invalidate,
            invalidate_all: self.invalidate_all || other.invalidate_all,
            clean_to_coherency: self.clean_to_coherency || other.clean_to_coherency,
        }
    }

    /// Makes everything that was written to `text` visible to instruction fetch on all CPUs,
    /// whichever mapping it was written through. A loader calls this for code that it has copied,
    /// before it makes the code executable.
    ///
    /// Follows the sequence of Arm ARM B2.4.4. Available for the target `aarch64` with
    /// `target_os = "none"`.
    ///
    /// # Safety
    /// `text` is mapped readable, and no CPU executes it during the call. The caller does not move
    /// to another CPU during the call: a DSB waits for the maintenance of its own CPU only.
    #[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
    pub unsafe fn sync(&self, text: core::ops::Range<u64>) {
        if !self.no_clean {
            for line in lines(&text, self.data_line) {
                // SAFETY: cleaning a line that is mapped changes no memory.
                unsafe {
                    if self.clean_to_coherency {
                        core::arch::asm!("dc civac, {}", in(reg) line, options(nostack, preserves_flags));
                    } else {
                        core::arch::asm!("dc cvau, {}", in(reg) line, options(nostack, preserves_flags));
                    }
                }
            }
        }
        // SAFETY: barriers do not change memory, and invalidated instructions are fetched again.
        unsafe {
            core::arch::asm!("dsb ish", options(nostack, preserves_flags));
            if !self.no_invalidate {
                if self.invalidate_all {
                    core::arch::asm!("ic ialluis", options(nostack, preserves_flags));
                } else {
                    for line in lines(&text, self.instruction_line) {
                        core::arch::asm!("ic ivau, {}", in(reg) line, options(nostack, preserves_flags));
                    }
                }
                core::arch::asm!("dsb ish", options(nostack, preserves_flags));
            }
            core::arch::asm!("isb", options(nostack, preserves_flags));
        }
    }
}

/// The addresses of the cache lines of `text`. `size`, in bytes, is a power of two.
#[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
fn lines(text: &core::ops::Range<u64>, size: u32) -> impl Iterator<Item = u64> + use<> {
    // CTR_EL0.DminLine and IminLine count words, so a real CPU has no shorter line.
    let size = size.max(4);
    let first = text.start & !(u64::from(size) - 1);
    (first..text.end).step_by(size as usize)
}

/// Invalidates the instruction cache of this CPU and discards prefetched instructions.
///
/// A CPU that starts after a pass calls this after its MMU is on and before it executes a site. With
/// the MMU off, it fetches from the point of coherency, to which a pass need not clean, and may keep
/// stale instructions (Arm ARM D7.5.7).
///
/// Available for the target `aarch64` with `target_os = "none"`.
#[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
pub fn invalidate_icache() {
    // SAFETY: invalidated instructions are fetched again from memory.
    unsafe {
        core::arch::asm!(
            "ic iallu",
            "dsb nsh",
            "isb",
            options(nostack, preserves_flags)
        )
    };
}
