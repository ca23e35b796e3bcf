//! Interrupts with superpriority (FEAT_NMI), which DAIF does not mask: the virtual timer of each CPU
//! fires continuously if the command line has the word `demo.nmi`.
//!
//! They fire while the kernel is patched, too, and must be masked there (PSTATE.ALLINT). The handler
//! only counts and contains no site.

use core::arch::asm;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use alt_runtime::cap::IdRegs;
use alt_runtime::cap::idregs::fields::ID_AA64PFR1_EL1;
use arm_gic::IntId;
use arm_gic::gicv3::GicV3;
use defmt::info;

use super::URGENT_PRIORITY;
use crate::platform::board::{
    GIC_DISTRIBUTOR, GIC_REDISTRIBUTOR_SIZE, GIC_REDISTRIBUTORS, MAX_CPUS,
};
use crate::platform::{device_tree, timer};

/// The interrupt of the virtual timer.
const TIMER: IntId = IntId::ppi(11);
/// Upper bound of interrupts per second: the timer is set again at the end of the handler.
const RATE: u64 = 20_000;

// Registers of the controller, by their offsets (Arm IHI 0069, 12.9 and 12.11).
const GICD_TYPER: usize = 0x4;
const GICR_INMIR0: usize = 0x1_0f80;
/// GICD_TYPER.NMI: the controller supports superpriority.
const TYPER_NMI: u32 = 1 << 9;
/// SCTLR_EL1.NMI
const SCTLR_NMI: u64 = 1 << 61;

static ENABLED: AtomicBool = AtomicBool::new(false);
/// Number of NMIs taken, by CPU.
static TAKEN: [AtomicU32; MAX_CPUS] = [const { AtomicU32::new(0) }; MAX_CPUS];

/// Enables NMIs on the calling CPU, number `cpu`, if the command line asks for them and the machine
/// has them.
pub fn init_cpu(gic: &mut GicV3<'_>, cpu: usize) {
    let has_nmi = IdRegs::read().field(&ID_AA64PFR1_EL1::NMI) != 0;
    // SAFETY: the controller is mapped.
    let type_register = unsafe { ((GIC_DISTRIBUTOR + GICD_TYPER) as *const u32).read_volatile() };
    if !device_tree::has_word("demo.nmi") || !has_nmi || type_register & TYPER_NMI == 0 {
        return;
    }
    gic.set_interrupt_priority(TIMER, Some(cpu), URGENT_PRIORITY)
        .expect("a PPI");
    gic.enable_interrupt(TIMER, Some(cpu), true).expect("a PPI");
    let inmir = GIC_REDISTRIBUTORS + cpu * GIC_REDISTRIBUTOR_SIZE + GICR_INMIR0;
    // SAFETY: the controller is mapped, and QEMU numbers redistributors like CPUs.
    unsafe { (inmir as *mut u32).write_volatile(1 << u32::from(TIMER)) };
    ENABLED.store(true, Ordering::Relaxed);
    arm();
    // SAFETY: the handler is ready, and the registers exist, by ID_AA64PFR1_EL1.
    unsafe {
        asm!(
            "mrs {sctlr}, sctlr_el1",
            "orr {sctlr}, {sctlr}, {nmi}",
            "msr sctlr_el1, {sctlr}",
            "mov {timer}, #1",
            "msr cntv_ctl_el0, {timer}",
            // ALLINT
            "msr S3_0_C4_C3_0, xzr",
            "isb",
            sctlr = out(reg) _,
            timer = out(reg) _,
            nmi = in(reg) SCTLR_NMI,
            options(nostack),
        );
    }
}

/// Sets the timer to fire again after one period.
fn arm() {
    // SAFETY: nothing else uses the timer.
    unsafe {
        asm!(
            "msr cntv_tval_el0, {}",
            "isb",
            in(reg) timer::frequency() / RATE,
            options(nostack, preserves_flags),
        );
    }
}

/// Handles one pending NMI; `false` if there was none.
pub fn handle() -> bool {
    if !ENABLED.load(Ordering::Relaxed) {
        return false;
    }
    let (interrupt, affinity): (u64, usize);
    // SAFETY: ICC_NMIAR1_EL1 exists where the kernel has turned these interrupts on.
    unsafe {
        asm!(
            "mrs {interrupt}, S3_0_C12_C9_5",
            "mrs {affinity}, mpidr_el1",
            interrupt = out(reg) interrupt,
            affinity = out(reg) affinity,
            options(nostack, preserves_flags),
        );
    }
    if interrupt != u64::from(u32::from(TIMER)) {
        return false;
    }
    TAKEN[affinity % MAX_CPUS].fetch_add(1, Ordering::Relaxed);
    arm();
    // SAFETY: ends the interrupt that was acknowledged (ICC_EOIR1_EL1).
    unsafe { asm!("msr S3_0_C12_C12_1, {}", in(reg) interrupt, options(nostack)) };
    true
}

/// Logs the number of NMIs that each CPU has taken.
pub fn log() {
    for (cpu, taken) in TAKEN.iter().enumerate() {
        match taken.load(Ordering::Relaxed) {
            0 => {}
            taken => info!(
                "CPU {=usize} took {=u32} interrupts with superpriority",
                cpu, taken
            ),
        }
    }
}
