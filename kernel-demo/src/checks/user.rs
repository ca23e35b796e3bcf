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
/// switch that off. `None` where it faults.
///
/// LDTR takes no index, so the load is at another place in the site than LDR is. Each
/// variant has an entry of its own in the exception table; that of the arm names the
/// instruction as it is at the site, not where the arm is stored.
#[inline]
fn load(words: *const u32, index: usize) -> Option<u32> {
    let value;
    let faulted: u32;
    // SAFETY: one load, of memory that a check has prepared; if it faults the handler goes on
    // behind it, by the table.
    unsafe {
        alternative!(
            "1: ldr {value:w}, [{words}, {index}, lsl #2]",
            "   mov {faulted:w}, #0",
            "   nop",
            "2:",
            ".pushsection ex_table, \"a\"",
            ".balign 4",
            ".long 1b - .",
            ".long 2b - .",
            ".popsection",
            UAO =>
            "   add {value:x}, {words}, {index}, lsl #2",
            "3: ldtr {value:w}, [{value:x}]",
            "   mov {faulted:w}, #0",
            "4:",
            ".pushsection ex_table, \"a\"",
            ".balign 4",
            "alt_at_site_long 3b",
            "alt_at_site_long 4b",
            ".popsection",
            words = in(reg) words,
            index = in(reg) index,
            value = out(reg) value,
            faulted = inout(reg) 1 => faulted,
            options(nostack, preserves_flags, readonly),
        );
    }
    (faulted == 0).then_some(value)
}

/// Reads a word of user memory; `None` if the user may not.
pub fn read_user(words: *const u32, index: usize) -> Option<u32> {
    open();
    let value = load(words, index);
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
        read_user(user, 0).unwrap_or(0).into(),
        0x600d_f00d,
    )?;
    // Nothing is mapped behind the user's page, so this faults in each variant.
    equal(
        "faults behind the user's page",
        read_user(user, memory::PAGE / size_of::<u32>())
            .is_none()
            .into(),
        1,
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
    let stolen = read_user(&raw const own, 0);
    equal(
        "the kernel's word is refused",
        stolen.is_none().into(),
        context.has(UAO).into(),
    )
}
