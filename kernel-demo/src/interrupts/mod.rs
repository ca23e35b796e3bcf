//! Interrupts: a GICv3 and software-generated interrupts.

pub mod mask;
pub mod superpriority;

use core::arch::asm;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};

use aarch64_cpu::registers::{DAIF, Writeable};
use alt_runtime::cap::IdRegs;
use alt_runtime::cap::idregs::fields::ID_AA64PFR0_EL1;
use arm_gic::gicv3::registers::{Gicd, GicrSgi};
use arm_gic::gicv3::{GicCpuInterface, GicRedistributorIterator, GicV3, SgiTarget, SgiTargetGroup};
use arm_gic::{IntId, InterruptGroup, UniqueMmioPointer};
use spin::Once;
use spin::mutex::SpinMutex;

/// Distributor and redistributors on QEMU's `virt`.
pub const DISTRIBUTOR: usize = 0x0800_0000;
/// The redistributors end where the UART begins.
pub const REDISTRIBUTORS: usize = 0x080a_0000;

/// Wakes a CPU, so that it comes by the rendezvous.
pub const WAKE: IntId = IntId::sgi(1);
/// An interrupt as any other.
pub const ORDINARY: IntId = IntId::sgi(2);
/// One that pseudo-NMI lets through where others are masked.
pub const URGENT: IntId = IntId::sgi(3);

/// Priorities: the smaller the more urgent. `mask` tells which pass.
const ORDINARY_PRIORITY: u8 = 0xa0;
const URGENT_PRIORITY: u8 = 0x20;

static GIC: Once<SpinMutex<GicV3<'static>>> = Once::new();
/// Deliveries of each SGI, on all CPUs.
static DELIVERED: [AtomicU32; 16] = [const { AtomicU32::new(0) }; 16];

/// The CPU's registers `ids`, without the GIC's system registers if firmware or a hypervisor has
/// disabled them: ICC_SRE_EL1.SRE does not stick then (Arm GIC architecture, IHI 0069).
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

/// Sets the controller up for the boot CPU and says how many CPUs it serves.
///
/// # Safety
/// To be called once, with the controller mapped as device memory, on a machine
/// that has a GICv3.
pub unsafe fn init() -> usize {
    let distributor = NonNull::new(DISTRIBUTOR as *mut Gicd).expect("not null");
    let redistributors = NonNull::new(REDISTRIBUTORS as *mut GicrSgi).expect("not null");
    // SAFETY: the registers are mapped, and this is their only user: the iterator
    // is gone before the driver exists.
    let (cpus, mut gic) = unsafe {
        let cpus = GicRedistributorIterator::new(redistributors).map_or(1, Iterator::count);
        let distributor = UniqueMmioPointer::new(distributor);
        (
            cpus,
            GicV3::new(distributor, redistributors, cpus).expect("a GICv3"),
        )
    };
    gic.setup(0);
    GIC.call_once(|| SpinMutex::new(gic));
    init_cpu(0);
    cpus
}

/// Lets the calling CPU, number `cpu`, take interrupts.
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
    superpriority::init_cpu(&mut gic, cpu);
    drop(gic);
    GicCpuInterface::enable_group1(true);
    GicCpuInterface::set_priority_mask(mask::ALL);
    DAIF.write(DAIF::D::Masked + DAIF::A::Masked + DAIF::F::Masked + DAIF::I::Unmasked);
}

/// Whether there is a controller that this kernel drives.
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

/// How often an SGI has been delivered.
pub fn delivered(interrupt: IntId) -> u32 {
    DELIVERED[u32::from(interrupt) as usize % 16].load(Ordering::Relaxed)
}

/// The interrupt handler. It holds no decision about text: a CPU that is to attend
/// the rendezvous does so when it comes by, not in here, where it may have
/// interrupted a site half-way.
pub fn handle() {
    // One with superpriority comes alone: it may have come while others are masked.
    while !superpriority::handle()
        && GicCpuInterface::handle_interrupt(InterruptGroup::Group1, |interrupt| {
            DELIVERED[u32::from(interrupt) as usize % 16].fetch_add(1, Ordering::Relaxed);
        })
    {}
}
