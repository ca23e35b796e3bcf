//! Instructions that are known only when the kernel runs, computed by callbacks.
//!
//! What the callbacks need is set in [`prepare`], before the pass.

use core::arch::asm;
use core::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};

use alt_runtime::{CallbackError, Insn, Site, alternative_cb, callback};
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::cpucaps::ALWAYS_SYSTEM;
use crate::hyp::callbacks::{HYP_ADDRESS, constant};
use crate::{cmdline, hyp};

/// What boot finds out.
static FIRMWARE_BY_SMC: AtomicBool = AtomicBool::new(false);
static LOOPS: AtomicU16 = AtomicU16::new(0);
static IMAGE_OFFSET: AtomicU64 = AtomicU64::new(0);
static MITIGATE: AtomicBool = AtomicBool::new(false);

/// Faults that the command line asks for, to see the pass refuse them.
static FAIL: AtomicBool = AtomicBool::new(false);
static UNKNOWN_WORD: AtomicBool = AtomicBool::new(false);
static UNENCODABLE: AtomicBool = AtomicBool::new(false);

/// Finds out what the callbacks need. To be called once, before the pass.
pub fn prepare() {
    FAIL.store(cmdline::has_word("demo.callback=fails"), Ordering::Relaxed);
    UNKNOWN_WORD.store(
        cmdline::has_word("demo.callback=unknown-word"),
        Ordering::Relaxed,
    );
    UNENCODABLE.store(
        cmdline::has_word("demo.callback=unencodable"),
        Ordering::Relaxed,
    );
    FIRMWARE_BY_SMC.store(cmdline::firmware_by_smc(), Ordering::Relaxed);
    LOOPS.store(24, Ordering::Relaxed);
    IMAGE_OFFSET.store(
        0xffff_8000_1234_0000u64.wrapping_sub(0x4020_0000),
        Ordering::Relaxed,
    );
    MITIGATE.store(true, Ordering::Relaxed);
}

callback! {
    /// The way to the firmware: HVC or SMC, as the device tree says.
    static CONDUIT = conduit;
    /// How often the branch history is overwritten.
    static LOOP_COUNT = loop_count;
    /// The distance between two mappings of the image, in four instructions.
    static OFFSET = offset;
    /// Skips a mitigation, or does not.
    static SKIP = skip;
}

fn conduit(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    let by_smc = FIRMWARE_BY_SMC.load(Ordering::Relaxed);
    words.fill(if by_smc { Insn::smc(0) } else { Insn::hvc(0) });
    Ok(())
}

fn loop_count(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    let [word] = words else {
        return Err(CallbackError::Failed("the site is one MOVZ"));
    };
    *word = Insn::movz(word.rd(), LOOPS.load(Ordering::Relaxed), 0)?;
    Ok(())
}

fn offset(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    constant(words, IMAGE_OFFSET.load(Ordering::Relaxed))
}

fn skip(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    if FAIL.load(Ordering::Relaxed) {
        return Err(CallbackError::Failed("as the command line asks"));
    }
    if UNENCODABLE.load(Ordering::Relaxed) {
        words.fill(Insn::movz(0, 1, 8)?);
    }
    if UNKNOWN_WORD.load(Ordering::Relaxed) {
        // Unallocated, in the space of the PC-relative branches.
        words.fill(Insn(0x5600_0000));
        return Ok(());
    }
    if MITIGATE.load(Ordering::Relaxed) {
        words.fill(Insn::NOP);
    }
    Ok(())
}

/// The version of PSCI, or the number of the function if nobody was called.
fn psci_version() -> u64 {
    const PSCI_VERSION: u64 = 0x8400_0000;
    let version;
    // SAFETY: the call has no effect; SMCCC clobbers what the C ABI does.
    unsafe {
        alternative_cb!(
            "nop",
            ALWAYS_SYSTEM => CONDUIT,
            inout("x0") PSCI_VERSION => version,
            clobber_abi("C"),
        );
    }
    version
}

/// Overwrites the branch history; says how often.
fn overwrite_history() -> u64 {
    let count: u64;
    // SAFETY: the instruction sets the register.
    unsafe {
        alternative_cb!(
            "mov {count}, #8",
            ALWAYS_SYSTEM => LOOP_COUNT,
            count = out(reg) count,
            options(nomem, nostack, preserves_flags),
        );
    }
    let mut done = 0;
    for _ in 0..count {
        // SAFETY: the branch goes to the next instruction.
        unsafe { asm!("b 2f", "2:", options(nomem, nostack, preserves_flags)) };
        done += 1;
    }
    done
}

/// The hypervisor's address of what the kernel has at `address`.
fn to_hyp(address: u64) -> u64 {
    let hyp;
    // SAFETY: the instructions compute one register.
    unsafe {
        alternative_cb!(
            "and {address}, {address}, #1",
            "ror {address}, {address}, #1",
            "add {address}, {address}, #0",
            "add {address}, {address}, #0, lsl #12",
            "ror {address}, {address}, #63",
            ALWAYS_SYSTEM => HYP_ADDRESS,
            address = inout(reg) address => hyp,
            options(nomem, nostack, preserves_flags),
        );
    }
    hyp
}

fn image_offset() -> u64 {
    let offset;
    // SAFETY: the instructions set one register.
    unsafe {
        alternative_cb!(
            "movz {offset}, #0",
            "movk {offset}, #0, lsl #16",
            "movk {offset}, #0, lsl #32",
            "movk {offset}, #0, lsl #48",
            ALWAYS_SYSTEM => OFFSET,
            offset = out(reg) offset,
            options(nomem, nostack, preserves_flags),
        );
    }
    offset
}

/// Whether the mitigation was run.
fn mitigated() -> bool {
    // SAFETY: the instruction goes to the label, or on.
    unsafe {
        alternative_cb!(
            "b {skip}",
            ALWAYS_SYSTEM => SKIP,
            skip = label { return false },
            options(nomem, nostack, preserves_flags),
        );
    }
    true
}

#[distributed_slice(CHECKS)]
static CHECK: Check = Check {
    name: "callbacks",
    run,
};

fn run(context: &Context<'_>) -> Result<(), Mismatch> {
    let patched = context.has(ALWAYS_SYSTEM);
    // QEMU speaks PSCI 1.1 since 7.2, and 1.0 before.
    equal(
        "PSCI 1.x answers",
        psci_version() >> 16,
        if patched { 1 } else { 0x8400 },
    )?;
    equal("loops", overwrite_history(), if patched { 24 } else { 8 })?;
    for address in [0, 0x4020_1234, 0xffff_8000_0840_5678, u64::MAX] {
        let model = if patched {
            hyp::to_hyp(address)
        } else {
            address & 1
        };
        equal("the hypervisor's address", to_hyp(address), model)?;
    }
    let offset = IMAGE_OFFSET.load(Ordering::Relaxed);
    equal(
        "the image's offset",
        image_offset(),
        if patched { offset } else { 0 },
    )?;
    equal("the mitigation runs", mitigated().into(), patched.into())
}
