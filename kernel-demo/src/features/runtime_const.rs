//! Constants that only boot knows, as immediates in the text: callbacks compute the instructions.
//!
//! A callback is a pure function of its site and of the values that [`set`] stores before the pass.

use core::arch::asm;
use core::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};

use alt_runtime::{CallbackError, Insn, Site, alternative_cb, callback};

use crate::cpucaps::ALWAYS_SYSTEM;

static PSCI_USES_SMC: AtomicBool = AtomicBool::new(false);
static HISTORY_LOOPS: AtomicU16 = AtomicU16::new(0);
static IMAGE_OFFSET: AtomicU64 = AtomicU64::new(0);

/// The values that the callbacks put into the text.
#[derive(Clone, Copy)]
pub struct Values {
    /// Whether PSCI is called by SMC rather than by HVC.
    pub psci_uses_smc: bool,
    /// Number of branches that overwrite the branch history.
    pub history_loops: u16,
    /// Distance between two mappings of the image.
    pub image_offset: u64,
}

/// Stores the values. To be called once, before the pass.
pub fn set(values: Values) {
    PSCI_USES_SMC.store(values.psci_uses_smc, Ordering::Relaxed);
    HISTORY_LOOPS.store(values.history_loops, Ordering::Relaxed);
    IMAGE_OFFSET.store(values.image_offset, Ordering::Relaxed);
}

callback! {
    /// One NOP becomes HVC or SMC.
    static CONDUIT = conduit;
    /// One MOVZ loads the number of branches.
    static LOOP_COUNT = loop_count;
    /// MOVZ and three MOVK load the distance.
    static OFFSET = offset;
}

fn conduit(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    let by_smc = PSCI_USES_SMC.load(Ordering::Relaxed);
    words.fill(if by_smc { Insn::smc(0) } else { Insn::hvc(0) });
    Ok(())
}

fn loop_count(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    let [word] = words else {
        return Err(CallbackError::Failed("the site is one MOVZ"));
    };
    *word = Insn::movz(word.rd(), HISTORY_LOOPS.load(Ordering::Relaxed), 0)?;
    Ok(())
}

fn offset(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    load_constant(words, IMAGE_OFFSET.load(Ordering::Relaxed))
}

/// Fills a site of MOVZ and three MOVK so that it loads `value` into the register of the MOVZ.
pub fn load_constant(words: &mut [Insn], value: u64) -> Result<(), CallbackError> {
    let rd = words.first().map_or(0, |word| word.rd());
    let constant = Insn::load_constant64(rd, value)?;
    if words.len() != constant.len() {
        return Err(CallbackError::Failed("the site is MOVZ and three MOVK"));
    }
    words.copy_from_slice(&constant);
    Ok(())
}

/// The version of PSCI, or the number of the function before the pass, when the site is a NOP.
pub fn psci_version() -> u64 {
    const PSCI_VERSION: u64 = 0x8400_0000;
    let version;
    // SAFETY: the call has no effect; SMCCC clobbers the registers that the C ABI clobbers.
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

/// Overwrites the branch history; returns the number of branches, 8 before the pass.
pub fn overwrite_history() -> u64 {
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

/// The distance between two mappings of the image; 0 before the pass.
pub fn image_offset() -> u64 {
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
