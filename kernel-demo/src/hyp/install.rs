//! The hypervisor on a CPU, in the place of the stub vectors.

use core::arch::asm;
use core::ops::Range;

use aarch64_cpu::asm::barrier;
use aarch64_cpu::registers::{MPIDR_EL1, Readable, TPIDR_EL1};
use aarch64_rt::DEFAULT_MAIR;
use alt_runtime::cap::IdRegs;
use alt_runtime::cap::idregs::fields::ID_AA64MMFR0_EL1;
use defmt::{error, info};
use demo_hyp::abi::status;

use super::layout::{tag, to_hyp};
use super::map;
use super::variant::Variant;
use super::{CHOSEN, stub};
use crate::kernel::Failed;
use crate::memory::PAGE;
use crate::smp::MAX_CPUS;

/// The size of a stack at EL2, in bytes.
const STACK: usize = 4 * PAGE;

/// A stack, below it a page that is not mapped.
#[repr(C, align(4096))]
struct Stack {
    guard: [u8; PAGE],
    stack: [u8; STACK],
}

static mut STACKS: [Stack; MAX_CPUS] = [const {
    Stack {
        guard: [0; PAGE],
        stack: [0; STACK],
    }
}; MAX_CPUS];

/// The stacks of all CPUs.
pub fn stacks() -> impl Iterator<Item = Range<usize>> {
    let first = &raw const STACKS as usize;
    (0..MAX_CPUS).map(move |cpu| {
        let start = first + cpu * size_of::<Stack>() + PAGE;
        start..start + STACK
    })
}

/// Whether this CPU has come from EL2 and left stub vectors there: the first instructions have put
/// the exception level that it was entered at into TPIDR_EL1.
pub fn is_possible() -> bool {
    TPIDR_EL1.get() == 2
}

/// TCR_EL2: addresses of 48 bits in TTBR0_EL2, pages of 4 KiB, tables in cacheable and inner
/// shareable memory, output addresses as wide as the CPU's.
fn tcr(variant: &Variant) -> u64 {
    const COMMON: u64 = 16 | 1 << 8 | 1 << 10 | 3 << 12;
    let size = IdRegs::read().field(&ID_AA64MMFR0_EL1::PARange) as u64 & 7;
    if variant.e2h {
        // The form of TCR_EL1: nothing by TTBR1_EL2 (EPD1; TG1 4 KiB, T1SZ as T0SZ), IPS.
        COMMON | 1 << 23 | 2 << 30 | 16 << 16 | size << 32
    } else {
        // PS; RES1.
        COMMON | size << 16 | 1 << 31 | 1 << 23
    }
}

/// Logs where a variant is going to run.
pub fn prepare(variant: &Variant) {
    let text = variant.bounds().text.start as u64;
    info!(
        "hyp variant={=str} va={=u64:#x} pa={=u64:#x} tag={=u64:#x} e2h={=u8}",
        variant.name,
        to_hyp(text),
        text,
        tag(),
        variant.e2h.into()
    );
}

/// Installs the chosen variant on the calling CPU, number `cpu`; no variant is fine, too. To be
/// called after the last pass.
pub fn on_this_cpu(cpu: usize) -> Result<(), Failed> {
    let Some(variant) = CHOSEN.get() else {
        return Ok(());
    };
    let stack = stacks().nth(cpu).filter(|_| is_possible());
    let Some(stack) = stack else {
        error!(
            "hyp CPU {=usize} (MPIDR_EL1 {=u64:#x}) was entered at EL1",
            cpu,
            MPIDR_EL1.get()
        );
        return Err(Failed);
    };
    let parts = variant.bounds();
    // An instruction cache that is looked up by virtual address may hold lines of these addresses
    // from before; the patching has invalidated others, the kernel's.
    // SAFETY: instruction caches lose nothing but time.
    unsafe { asm!("dsb ish", "ic ialluis", options(nostack, preserves_flags)) };
    barrier::dsb(barrier::ISH);
    // SAFETY: `init` is the entry of a variant whose tables are made, with the registers that it
    // asks for; each CPU has a stack of its own.
    let answer = unsafe {
        stub::install(
            parts.init,
            map::root(),
            tcr(variant),
            DEFAULT_MAIR,
            to_hyp(parts.vectors as u64),
            to_hyp(stack.end as u64),
        )
    };
    match answer {
        status::OK => Ok(()),
        other => {
            error!(
                "hyp CPU {=usize}: the stub vectors answer {=u64}",
                cpu, other
            );
            Err(Failed)
        }
    }
}
