//! Interrupts: the GICv3, software-generated interrupts (SGIs), and masking.

pub mod nmi;

use core::arch::asm;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};

use aarch64_cpu::registers::{DAIF, Writeable};
use alt_runtime::alternative;
use alt_runtime::cap::IdRegs;
use alt_runtime::cap::idregs::fields::ID_AA64PFR0_EL1;
use arm_gic::gicv3::registers::{Gicd, GicrSgi};
use arm_gic::gicv3::{GicCpuInterface, GicRedistributorIterator, GicV3};
use arm_gic::gicv3::{InterruptGroup, SgiTarget, SgiTargetGroup};
use arm_gic::{IntId, UniqueMmioPointer};
use spin::Once;
use spin::mutex::SpinMutex;

use super::board::{GIC_DISTRIBUTOR, GIC_REDISTRIBUTORS};
use crate::cpucaps::PSEUDO_NMI;

/// Wakes a CPU so that it enters the rendezvous.
pub const WAKE: IntId = IntId::sgi(1);
/// An SGI of ordinary priority.
pub const ORDINARY: IntId = IntId::sgi(2);
/// An SGI that is delivered where pseudo-NMI masks ordinary ones.
pub const URGENT: IntId = IntId::sgi(3);

/// Priorities of interrupts; a smaller number is more urgent.
const ORDINARY_PRIORITY: u8 = 0xa0;
const URGENT_PRIORITY: u8 = 0x20;
/// Priority masks (ICC_PMR_EL1), which let interrupts of smaller numbers through: all of them, or
/// urgent ones only.
const MASK_NONE: u8 = 0xf0;
const MASK_ORDINARY: u8 = 0x60;

/// Whether redistributors of the machine may have the pages of a GICv4: QEMU's `gic-version=3` has none.
const IS_GICV4: bool = false;

static GIC: Once<SpinMutex<GicV3<'static>>> = Once::new();
/// Deliveries of each SGI, summed over all CPUs.
static DELIVERED: [AtomicU32; 16] = [const { AtomicU32::new(0) }; 16];

/// Clears ID_AA64PFR0_EL1.GIC in `ids` if firmware or a hypervisor has disabled the GIC's system
/// registers: a write of ICC_SRE_EL1.SRE has no effect then (Arm IHI 0069, ICC_SRE_EL1).
pub fn without_disabled_registers(mut ids: IdRegs) -> IdRegs {
    if ids.field(&ID_AA64PFR0_EL1::GIC) == 0 {
        return ids;
    }
    let sre: u64;
    // SAFETY: the CPU has the register, and nothing uses the controller yet.
    unsafe {
        asm!(
            "mrs {sre}, S3_0_C12_C12_5",
            "orr {sre}, {sre}, #1",
            "msr S3_0_C12_C12_5, {sre}",
            "isb",
            "mrs {sre}, S3_0_C12_C12_5",
            sre = out(reg) sre,
            options(nomem, nostack, preserves_flags),
        );
    }
    if sre & 1 == 0 {
        ids.set_field(&ID_AA64PFR0_EL1::GIC, 0);
    }
    ids
}

/// Sets the controller up for the boot CPU and returns the number of CPUs that it serves.
///
/// # Safety
/// Must be called once, with the controller mapped as device memory, on a machine that has a GICv3.
pub unsafe fn init() -> usize {
    let distributor = NonNull::new(GIC_DISTRIBUTOR as *mut Gicd).expect("not null");
    let redistributors = NonNull::new(GIC_REDISTRIBUTORS as *mut GicrSgi).expect("not null");
    // SAFETY: the registers are mapped, and this is their only user: the iterator
    // is gone before the driver exists.
    let (cpus, mut gic) = unsafe {
        let cpus = GicRedistributorIterator::new(redistributors, IS_GICV4).count();
        let distributor = UniqueMmioPointer::new(distributor);
        let gic = GicV3::new(distributor, redistributors, cpus, IS_GICV4);
        (cpus, gic)
    };
    gic.setup(0);
    GIC.call_once(|| SpinMutex::new(gic));
    init_cpu(0);
    cpus
}

/// Enables interrupts on the calling CPU, number `cpu`. Without a controller there is nothing to do.
pub fn init_cpu(cpu: usize) {
    let Some(gic) = GIC.get() else { return };
    let mut gic = gic.lock();
    gic.init_cpu(cpu);
    for (interrupt, priority) in [
        (WAKE, ORDINARY_PRIORITY),
        (ORDINARY, ORDINARY_PRIORITY),
        (URGENT, URGENT_PRIORITY),
    ] {
        gic.set_interrupt_priority(interrupt, Some(cpu), priority)
            .expect("an SGI");
        gic.enable_interrupt(interrupt, Some(cpu), true)
            .expect("an SGI");
    }
    nmi::init_cpu(&mut gic, cpu);
    drop(gic);
    GicCpuInterface::enable_group1(true);
    GicCpuInterface::set_priority_mask(MASK_NONE);
    DAIF.write(DAIF::D::Masked + DAIF::A::Masked + DAIF::F::Masked + DAIF::I::Unmasked);
}

/// Whether the machine has a controller that this kernel drives.
pub fn is_ready() -> bool {
    GIC.get().is_some()
}

/// Sends an SGI to CPU number `cpu`.
pub fn send(interrupt: IntId, cpu: usize) {
    let target = SgiTarget::List {
        affinity3: 0,
        affinity2: 0,
        affinity1: 0,
        target_list: 1 << cpu,
    };
    GicCpuInterface::send_sgi(interrupt, target, SgiTargetGroup::CurrentGroup1).expect("an SGI");
}

/// Number of deliveries of an SGI so far.
pub fn delivered(interrupt: IntId) -> u32 {
    DELIVERED[u32::from(interrupt) as usize % 16].load(Ordering::Relaxed)
}

/// The interrupt handler. It does not enter the rendezvous: it may have interrupted a CPU inside a
/// site. The interrupted code enters it after the handler has returned.
pub fn handle() {
    // An NMI is acknowledged on its own; it may have arrived while other interrupts are masked.
    while !nmi::handle() {
        let group = InterruptGroup::Group1;
        let Some(interrupt) = GicCpuInterface::get_and_acknowledge_interrupt(group) else {
            return;
        };
        DELIVERED[u32::from(interrupt) as usize % 16].fetch_add(1, Ordering::Relaxed);
        GicCpuInterface::end_interrupt(interrupt, group);
    }
}

/// The mask before [`mask`], for [`unmask`].
#[must_use]
pub struct SavedMask(u64);

/// Masks ordinary interrupts on this CPU: by PSTATE.I, or by priority, which lets urgent ones
/// through ("pseudo-NMI").
///
/// The value that one variant of this function saves is meaningless to the other variant of [`unmask`], so the
/// cpucap is of boot scope: both sites change in one step, while no interrupts are masked by them.
#[inline]
pub fn mask() -> SavedMask {
    let saved;
    // SAFETY: both variants mask ordinary interrupts and change nothing else.
    unsafe {
        alternative!(
            "mrs {saved}, daif",
            "msr daifset, #2",
            // ICC_PMR_EL1; the write takes effect in program order.
            PSEUDO_NMI => "mrs {saved}, S3_0_C4_C6_0", "msr S3_0_C4_C6_0, {mask}",
            saved = out(reg) saved,
            mask = in(reg) u64::from(MASK_ORDINARY),
            options(nostack, preserves_flags),
        );
    }
    SavedMask(saved)
}

/// Restores the mask from before [`mask`].
#[inline]
pub fn unmask(saved: SavedMask) {
    // SAFETY: the same variant of `mask` has read the value.
    unsafe {
        alternative!(
            "msr daif, {saved}",
            "nop",
            // The barrier makes the write visible to the controller (Arm IHI 0069, 4.8.6).
            PSEUDO_NMI => "msr S3_0_C4_C6_0, {saved}", "dsb sy",
            saved = in(reg) saved.0,
            options(nostack, preserves_flags),
        );
    }
}
