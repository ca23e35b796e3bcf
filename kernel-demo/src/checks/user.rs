//! Reading memory of a user: only inside a window that PAN otherwise keeps shut,
//! and, with UAO, by loads that have the user's rights.

use alt_runtime::alternative;
use alt_runtime::cap::IdRegs;
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::cpucaps::{PAN, UAO};
use crate::{exceptions, memory};

/// Sets PSTATE.PAN, which is to be set wherever the kernel runs: a CPU starts
/// without it. The hook of the cpucap.
pub fn enable(_: &IdRegs) {
    close();
}

#[inline]
fn open() {
    // SAFETY: the bit only forbids accesses.
    unsafe {
        alternative!(
            "nop",
            PAN => ".arch_extension pan", "msr pan, #0",
            options(nostack, preserves_flags),
        );
    }
}

#[inline]
fn close() {
    // SAFETY: the bit only forbids accesses.
    unsafe {
        alternative!(
            "nop",
            PAN => ".arch_extension pan", "msr pan, #1",
            options(nostack, preserves_flags),
        );
    }
}

/// One load: with the kernel's rights, or the user's where UAO is there to
/// switch that off.
#[inline]
fn load(word: *const u32) -> u32 {
    let value;
    // SAFETY: one load; it faults, or reads memory that a check has prepared.
    unsafe {
        alternative!(
            "ldr {value:w}, [{word}]",
            UAO => "ldtr {value:w}, [{word}]",
            word = in(reg) word,
            value = inout(reg) 0 => value,
            options(nostack, preserves_flags, readonly),
        );
    }
    value
}

/// Reads a word of user memory; `None` if the user may not.
pub fn read_user(word: *const u32) -> Option<u32> {
    open();
    let value = exceptions::try_load(|| load(word)).ok();
    close();
    value
}

#[distributed_slice(CHECKS)]
static CHECK: Check = Check {
    name: "user-access",
    run,
};

fn run(context: &Context<'_>) -> Result<(), Mismatch> {
    let user = memory::user_page(0x600d_f00d);
    equal(
        "the user's word",
        read_user(user).unwrap_or(0).into(),
        0x600d_f00d,
    )?;

    // Outside the window the kernel cannot touch it by mistake.
    let by_mistake = exceptions::try_load(|| {
        let value;
        // SAFETY: one load of readable memory, which may fault.
        unsafe {
            core::arch::asm!("ldr {:w}, [{}]", inout(reg) 0 => value, in(reg) user, options(nostack));
        }
        value
    });
    equal(
        "faults outside the window",
        by_mistake.is_err().into(),
        context.has(PAN).into(),
    )?;

    // A user who passes a pointer to the kernel's own memory gets nothing.
    let own = 0x005e_c2e7_u32;
    let stolen = read_user(&raw const own);
    equal(
        "the kernel's word is refused",
        stolen.is_none().into(),
        context.has(UAO).into(),
    )
}
