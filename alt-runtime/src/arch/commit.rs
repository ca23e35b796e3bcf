//! Commit and verify: the part of a pass that must not depend on the text that it changes.
//!
//! One assembly routine in a section of its own. It contains no site, calls nothing and uses no
//! stack, in every build profile. A Rust loop would not do: the compiler may replace it by a call of
//! `memcpy`, which may have a site itself. On a host, where no text is executed, a Rust loop does the
//! same without the maintenance, so that the code before a commit can be tested there.

#[cfg(all(target_arch = "aarch64", target_os = "none"))]
use core::arch::naked_asm;
#[cfg(not(all(target_arch = "aarch64", target_os = "none")))]
use core::sync::atomic::{AtomicU32, Ordering};

use bitflags::bitflags;

use super::Maintenance;
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
use super::{MASK_ALL_INTERRUPTS, NMI};
use crate::room::PlannedWrite;

/// The arguments and results of the routine.
#[repr(C)]
pub struct Job {
    /// 0: the writes. In address order, each line is cleaned once.
    pub writes: *mut PlannedWrite,
    /// 8: one past the last of them.
    pub end: *mut PlannedWrite,
    /// 16: the writable address of the first word of the text.
    pub alias: *mut u32,
    /// 24: the address at which it is executed.
    pub text: *const u32,
    /// 32: data cache line in bytes.
    pub data_line: u64,
    /// 40: instruction cache line in bytes.
    pub instruction_line: u64,
    /// 48: options.
    pub flags: Flags,
    /// 56, out: data cache lines cleaned.
    pub lines: u64,
}

bitflags! {
    /// Options of the maintenance.
    #[derive(Clone, Copy)]
    #[repr(transparent)]
    pub struct Flags: u64 {
        /// The instruction cache need not be invalidated.
        const NO_INVALIDATE = 1 << 0;
        /// Lines are cleaned and invalidated to the point of coherency.
        const TO_COHERENCY = 1 << 1;
        /// The instruction cache is invalidated as a whole.
        const ALL_AT_ONCE = 1 << 2;
    }
}

/// Above this number of words, the whole instruction cache is invalidated at once: each `IC IVAU` is a
/// broadcast that every CPU must acknowledge.
const MAX_LINE_INVALIDATIONS: usize = 256;

impl Job {
    /// The job of committing `writes`.
    pub fn new(
        writes: &mut [PlannedWrite],
        alias: *mut u32,
        text: *const u32,
        how: &Maintenance,
    ) -> Self {
        let mut flags = Flags::empty();
        flags.set(Flags::NO_INVALIDATE, how.no_invalidate);
        // On CPUs with IDC, a clean to the point of unification may have no effect, and a late CPU
        // without IDC requires the clean: see `Maintenance::no_clean`.
        flags.set(Flags::TO_COHERENCY, how.clean_to_coherency || how.no_clean);
        let is_many = writes.len() > MAX_LINE_INVALIDATIONS;
        flags.set(Flags::ALL_AT_ONCE, how.invalidate_all || is_many);
        let range = writes.as_mut_ptr_range();
        Self {
            writes: range.start,
            end: range.end,
            alias,
            text,
            // CTR_EL0.DminLine and IminLine count words, so a real CPU has no shorter line.
            data_line: how.data_line.max(4).into(),
            instruction_line: how.instruction_line.max(4).into(),
            flags,
            lines: 0,
        }
    }
}

/// Writes the new words through the alias, reads each one back at the address at which it is executed,
/// and makes them visible to instruction fetch. If one differs, restores the old words, and makes
/// those visible.
///
/// Returns null, or the write whose word did not read back. In the latter case, the old and the new
/// words of all writes are exchanged.
///
/// # Safety
/// The fields of `job` must describe writable and readable memory as documented, and no other CPU may
/// execute the text during the call.
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
#[unsafe(naked)]
#[unsafe(link_section = ".text.alt_patcher.commit")]
pub unsafe extern "C" fn commit(job: &mut Job) -> *const PlannedWrite {
    naked_asm!(
        // A linker's veneer branches here by BR, and the compiler puts no landing pad into a
        // naked function.
        "bti c",
        "ldp x1, x2, [x0]",        // writes, end
        "ldp x3, x4, [x0, #16]",   // alias, text
        "ldp x5, x6, [x0, #32]",   // lines in bytes
        "ldr x7, [x0, #48]",       // flags
        "sub x3, x3, x4",          // from the text to its alias
        "sub x5, x5, #1",
        "sub x6, x6, #1",
        "mov x9, xzr",             // the result
        "mov x14, xzr",            // lines
        // An interrupt handler may contain sites. Mask interrupts until all words are written.
        "mrs x17, daif",
        "msr daifset, #0xf",
        // DAIF does not mask interrupts with superpriority (Arm ARM C5.2, ALLINT). The
        // register exists only with FEAT_NMI.
        "mov x8, #-1",             // no ALLINT to restore
        "mrs x16, S3_0_C0_C4_1",   // ID_AA64PFR1_EL1
        "tst x16, #{nmi}",
        "b.eq 2f",
        "mrs x8, S3_0_C4_C3_0",    // ALLINT
        ".inst {mask_all}",

        // Commit and verify. The words of a line are adjacent, if they are in address order: the
        // line is cleaned once, when another line begins. Reading back needs no maintenance, since
        // all mappings of a word read the same data.
        "2: cmp x1, x2",
        "b.hs 26f",
        "ldr w11, [x1]",
        "add x11, x4, x11",
        "orr x13, x11, x5",        // last byte of the current line
        "mov x14, #1",
        "mov x10, x1",
        "sub x16, x2, x1",
        // The point to which lines are cleaned is tested once: there are two copies of the loop.
        "tbnz x7, #{to_coherency}, 2f",
        ".irp dc, cvau, civac",
        // Four writes in each iteration, the remainder first. The distance to the end is 12 * n
        // bytes for n writes. Its bits 2 and 3 are 3 * n modulo 4, which is -n modulo 4: the number
        // of writes that the first iteration skips.
        "tbz x16, #3, 3f",
        "tbz x16, #2, 22f",
        "b 23f",
        "3: tbnz x16, #2, 21f",
        ".irp word, 20, 21, 22, 23",
        "\\word: ldp w11, w12, [x10], #{size}",
        "add x11, x4, x11",
        "str w12, [x3, x11]",
        "ldr w16, [x11]",
        "cmp w16, w12",
        // In the current line, the bits in which the address differs from the last byte's are below
        // the size of a line. If the word differs, sets the flags to "higher and negative", which
        // the comparison with another line never gives: a text spans 4 GiB at most.
        "eor x16, x11, x13",
        "ccmp x16, x5, #0b1010, eq",
        "b.ls 4f",
        "b.mi 30f",
        "add x14, x14, #1",
        "dc \\dc, x13",
        "orr x13, x11, x5",
        "4:",
        ".endr",
        "cmp x10, x2",
        "b.lo 20b",
        "dc \\dc, x13",
        "b 26f",
        "2:",
        ".endr",

        // A word did not read back: restore the old words, and exchange the words of each write.
        // To clean a line more than once, or beyond the required point, is harmless.
        "30: sub x9, x10, #{size}",
        "mov x10, x1",
        "2: ldp w11, w12, [x10, #{after}]",
        "stp w12, w11, [x10, #{after}]",
        "ldr w11, [x10], #{size}",
        "add x11, x4, x11",
        "str w12, [x3, x11]",
        "dc civac, x11",
        "cmp x10, x2",
        "b.lo 2b",

        // The stores and cleans are complete before anything is invalidated
        // (Arm ARM B2.4.4).
        "26: dsb ish",

        // Invalidate nothing, everything, or by line.
        "tbnz x7, #{no_invalidate}, 29f",
        "tbz x7, #{all_at_once}, 27f",
        "ic ialluis",
        "b 28f",
        "27: mov x10, x1",
        "mov x13, #-1",            // no line has this address
        "2: cmp x10, x2",
        "b.hs 28f",
        "ldr w11, [x10], #{size}",
        "add x11, x4, x11",
        "bic x11, x11, x6",
        "cmp x11, x13",
        "b.eq 2b",
        "mov x13, x11",
        "ic ivau, x11",
        "b 2b",
        // Wait until the invalidation is complete on all CPUs, then discard prefetched instructions.
        "28: dsb ish",
        "29: isb",

        "str x14, [x0, #56]",
        "tbnz x8, #63, 2f",
        "msr S3_0_C4_C3_0, x8",
        "2: msr daif, x17",
        "mov x0, x9",
        "ret",
        no_invalidate = const Flags::NO_INVALIDATE.bits().trailing_zeros(),
        to_coherency = const Flags::TO_COHERENCY.bits().trailing_zeros(),
        all_at_once = const Flags::ALL_AT_ONCE.bits().trailing_zeros(),
        nmi = const NMI,
        mask_all = const MASK_ALL_INTERRUPTS,
        size = const size_of::<PlannedWrite>(),
        after = const core::mem::offset_of!(PlannedWrite, after),
    )
}

/// The same steps for the host, without the maintenance.
///
/// # Safety
/// As on the target; only whole words of the text are accessed by others meanwhile, as atomics.
#[cfg(not(all(target_arch = "aarch64", target_os = "none")))]
pub unsafe fn commit(job: &mut Job) -> *const PlannedWrite {
    // SAFETY: the range is that of the writes, which the job borrows exclusively.
    let writes = unsafe {
        let len = job.end.offset_from_unsigned(job.writes);
        core::slice::from_raw_parts_mut(job.writes, len)
    };
    let word = |start: *const u32, write: &PlannedWrite| {
        let place = start.wrapping_byte_add(write.offset as usize);
        // SAFETY: the word is one of the text or of its alias, by the caller's promise.
        unsafe { AtomicU32::from_ptr(place.cast_mut()) }
    };
    let line_of = |write: &PlannedWrite| u64::from(write.offset) / job.data_line;
    let (mut line, mut failed) = (None, None);
    for (index, write) in writes.iter().enumerate() {
        word(job.alias, write).store(write.after, Ordering::Relaxed);
        if word(job.text, write).load(Ordering::Relaxed) != write.after {
            failed = Some(index);
            break;
        }
        if line.replace(line_of(write)) != Some(line_of(write)) {
            job.lines += 1;
        }
    }
    let Some(failed) = failed else {
        return core::ptr::null();
    };
    for write in writes.iter_mut() {
        core::mem::swap(&mut write.before, &mut write.after);
        word(job.alias, write).store(write.after, Ordering::Relaxed);
    }
    &raw const writes[failed]
}

// The routine uses these offsets as numbers.
const _: () = {
    assert!(core::mem::offset_of!(Job, end) == 8);
    assert!(core::mem::offset_of!(Job, alias) == 16);
    assert!(core::mem::offset_of!(Job, text) == 24);
    assert!(core::mem::offset_of!(Job, data_line) == 32);
    assert!(core::mem::offset_of!(Job, instruction_line) == 40);
    assert!(core::mem::offset_of!(Job, flags) == 48);
    assert!(core::mem::offset_of!(Job, lines) == 56);
    assert!(core::mem::offset_of!(PlannedWrite, offset) == 0);
    assert!(core::mem::offset_of!(PlannedWrite, after) == 4);
    assert!(core::mem::offset_of!(PlannedWrite, before) == 8);
    assert!(size_of::<PlannedWrite>() == 12);
};
