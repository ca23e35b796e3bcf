//! The loop in which a CPU waits while another one changes text.

#[cfg(all(target_arch = "aarch64", target_os = "none"))]
use core::arch::naked_asm;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

#[cfg(all(target_arch = "aarch64", target_os = "none"))]
use super::{MASK_ALL_INTERRUPTS, NMI};

/// The data that a waiting CPU publishes to the CPU that has stopped it.
#[derive(Debug)]
#[repr(C)]
pub struct Seat {
    /// 0: the generation that the CPU has observed. Stored last, with release: a CPU that loads it
    /// with acquire finds the registers below.
    pub seen: AtomicU32,
    /// 8, 16, 24: x29, x30 and the stack pointer at the call of the routine.
    registers: [AtomicU64; 3],
}

// The routine uses these offsets as numbers.
const _: () = {
    assert!(core::mem::offset_of!(Seat, seen) == 0);
    assert!(core::mem::offset_of!(Seat, registers) == 8);
};

impl Seat {
    /// A seat that no CPU has taken.
    pub const fn new() -> Self {
        Self {
            seen: AtomicU32::new(0),
            registers: [const { AtomicU64::new(0) }; 3],
        }
    }

    /// x29, x30 and the stack pointer of the CPU that waits here.
    pub fn registers(&self) -> [u64; 3] {
        self.registers
            .each_ref()
            .map(|register| register.load(Ordering::Relaxed))
    }
}

/// Publishes x29, x30 and the stack pointer in `seat`. While `generation` is odd, stores it to
/// `seat` and waits. Executes an ISB before it returns.
///
/// The next stop may follow before this CPU has observed the even value in between. It must
/// acknowledge that stop as well before it returns: its caller would take it for stopped while it
/// runs on.
///
/// The routine is in the section of the routine that writes text, for the same reasons: it
/// contains no site and calls nothing.
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
#[unsafe(naked)]
#[unsafe(link_section = ".text.alt_patcher.wait")]
pub extern "C" fn wait_if_requested(generation: &AtomicU32, seat: &Seat) {
    naked_asm!(
        // A linker's veneer branches here by BR, and the compiler puts no landing pad into a
        // naked function.
        "bti c",
        // A handler may contain sites, and must not run while they change.
        "mrs x5, daif",
        "msr daifset, #0xf",
        // DAIF does not mask interrupts with superpriority (Arm ARM C5.2, ALLINT). The
        // register exists only with FEAT_NMI.
        "mov x6, #-1",             // no ALLINT to restore
        "mrs x4, S3_0_C0_C4_1",    // ID_AA64PFR1_EL1
        "tst x4, #{nmi}",
        "b.eq 2f",
        "mrs x6, S3_0_C4_C3_0",    // ALLINT
        ".inst {mask_all}",
        // The stack does not change while this CPU waits, so the registers are published once.
        "2: stp x29, x30, [x1, #8]",
        "mov x7, sp",
        "str x7, [x1, #24]",
        "2: ldar w2, [x0]",
        "tbz w2, #0, 4f",
        "stlr w2, [x1]",
        "3: yield",
        "ldar w3, [x0]",
        "cmp w3, w2",
        "b.eq 3b",
        "b 2b",
        // Discards instructions fetched before the change (Arm ARM B2.4.4).
        "4: isb",
        "tbnz x6, #63, 5f",
        "msr S3_0_C4_C3_0, x6",
        "5: msr daif, x5",
        "ret",
        nmi = const NMI,
        mask_all = const MASK_ALL_INTERRUPTS,
    )
}

/// The same steps for the host, where each thread acts as a CPU.
#[cfg(not(all(target_arch = "aarch64", target_os = "none")))]
pub fn wait_if_requested(generation: &AtomicU32, seat: &Seat) {
    loop {
        let requested = generation.load(Ordering::Acquire);
        if requested.is_multiple_of(2) {
            return;
        }
        seat.seen.store(requested, Ordering::Release);
        while generation.load(Ordering::Acquire) == requested {
            core::hint::spin_loop();
        }
    }
}
