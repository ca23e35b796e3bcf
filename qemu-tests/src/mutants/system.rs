//! The machines that mutants run on.

use crate::Machine;
use crate::observe::Monitor;
use alt_cpu::Register;

/// A system on which a mutant matters.
#[derive(Clone, Copy, Debug)]
pub(super) enum System {
    /// On two CPUs whose caches need every step, of lines by address.
    Plain,
    /// By its CTR_EL0, CPU 1 needs DC and CPU 0 does not. Only the monitor can emulate that.
    UnequalCaches,
    /// By its CTR_EL0, CPU 1 has an instruction cache that is indexed by virtual address.
    UnequalIndexing,
    /// Interrupts with superpriority arrive on all of five CPUs; the last one is late.
    Superpriority,
    /// A third CPU is started after the last pass.
    LateCpu,
    /// The kernel is entered at EL2 and installs its hypervisor there.
    Hypervisor,
}

impl System {
    /// The systems that the plugin observes.
    pub(super) const FOR_PLUGIN: [Self; 4] = [
        Self::Plain,
        Self::Superpriority,
        Self::LateCpu,
        Self::Hypervisor,
    ];

    /// The systems that the monitor observes.
    pub(super) const FOR_MONITOR: [Self; 3] =
        [Self::Plain, Self::UnequalCaches, Self::UnequalIndexing];

    /// The machine: its caches need every step, are PIPT, and so few words are patched that the
    /// instruction cache is invalidated by line. In systems without that step, the CPUs have LSE,
    /// so that the locks and counters that the late CPU uses are patched.
    pub(super) fn machine(self) -> Machine {
        let machine = Machine::new("cortex-a57");
        match self {
            Self::Plain | Self::UnequalCaches | Self::UnequalIndexing => machine.smp(2),
            Self::Superpriority => Machine::new("max").smp(5).args(["-append", "demo.nmi"]),
            Self::LateCpu => Machine::new("cortex-a76").smp(3),
            Self::Hypervisor => machine.smp(3).options(EL2),
        }
    }

    /// The configuration of the monitor.
    pub(super) fn monitor(self) -> Monitor {
        match self {
            Self::UnequalCaches => unequal_caches(),
            Self::UnequalIndexing => Monitor::new().register(1, Register::CTR_EL0, CORTEX_A53_CTR),
            _ => Monitor::new(),
        }
    }
}

/// QEMU's options of a machine that is entered at EL2.
const EL2: &str = "virt,gic-version=3,virtualization=on";

/// CTR_EL0 of a Cortex-A57, whose instruction cache is PIPT, and of a Cortex-A53, where it is VIPT.
const CORTEX_A57_CTR: u64 = 0x8444_c004;
const CORTEX_A53_CTR: u64 = 0x8444_8004;

/// CPU 0 with CTR_EL0.IDC, CPU 1 without; otherwise they are a Cortex-A57.
pub fn unequal_caches() -> Monitor {
    const IDC: u64 = 1 << 28;
    Monitor::new()
        .register(0, Register::CTR_EL0, CORTEX_A57_CTR | IDC)
        .register(1, Register::CTR_EL0, CORTEX_A57_CTR)
}
