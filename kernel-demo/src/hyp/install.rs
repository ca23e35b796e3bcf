//! Installation of the hypervisor on a CPU, in place of the stub vectors.

use aarch64_cpu::registers::{MPIDR_EL1, Readable, TPIDR_EL1};
use aarch64_rt::DEFAULT_MAIR;
use alt_runtime::cap::IdRegs;
use alt_runtime::cap::idregs::fields::ID_AA64MMFR0_EL1;
use defmt::{error, info};
use demo_hyp::abi::status;

use super::layout::{stacks, tag, to_hyp};
use super::map;
use super::variant::Variant;
use super::{CHOSEN, stub};
use crate::platform::outcome::Failed;

/// Whether this CPU was entered at EL2 and has left stub vectors there: the first instructions store
/// 2 in TPIDR_EL1 then (`platform::entry`).
pub fn is_possible() -> bool {
    TPIDR_EL1.get() == 2
}

/// TCR_EL2 (Arm ARM D24.2): addresses of 48 bits in TTBR0_EL2, pages of 4 KiB, tables in cacheable
/// and inner shareable memory, output addresses as wide as the CPU's.
fn tcr(variant: &Variant) -> u64 {
    /// TxSZ: addresses have 64 - 16 bits.
    const SIZE: u64 = 16;
    const T0SZ: u64 = SIZE;
    /// Write-back, allocate on reads and writes.
    const IRGN0: u64 = 0b01 << 8;
    const ORGN0: u64 = 0b01 << 10;
    /// Inner shareable.
    const SH0: u64 = 0b11 << 12;
    /// 4 KiB.
    const TG0: u64 = 0b00 << 14;
    const COMMON: u64 = T0SZ | IRGN0 | ORGN0 | SH0 | TG0;
    /// 48 bits, the largest size for pages of 4 KiB without FEAT_LPA2.
    const MAX_SIZE: i64 = 0b101;

    let size = IdRegs::read().field(&ID_AA64MMFR0_EL1::PARange);
    let size = size.clamp(0, MAX_SIZE) as u64;
    if variant.e2h {
        // The form of TCR_EL1: no walks by TTBR1_EL2 (EPD1), but its other fields must be valid.
        const T1SZ: u64 = SIZE << 16;
        const EPD1: u64 = 1 << 23;
        const TG1: u64 = 0b10 << 30;
        let ips = size << 32;
        COMMON | T1SZ | EPD1 | TG1 | ips
    } else {
        const RES1: u64 = 1 << 23 | 1 << 31;
        let ps = size << 16;
        COMMON | RES1 | ps
    }
}

/// Logs the addresses at which a variant will run.
pub fn log_address(variant: &Variant) {
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

/// Installs the chosen variant, if there is one, on the calling CPU, number `cpu`. To be called
/// after the last pass.
pub fn install_on_this_cpu(cpu: usize) -> Result<(), Failed> {
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
    // SAFETY: `init` is the entry of a variant whose tables are complete; it gets the values that it
    // requires; each CPU has its own stack.
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
