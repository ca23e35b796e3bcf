//! The machines that mutants run on.

use crate::Machine;
use crate::observe::Monitor;
use alt_cpu::Register;

/// Where a mutant matters.
#[derive(Clone, Copy, Debug)]
pub(super) enum System {
    /// On two CPUs whose caches need every step, of lines by address.
    Plain,
    /// CPU 1 says that it needs DC, CPU 0 that it does not. Only the monitor can make them so.
    UnequalCaches,
    /// CPU 1 says that its instruction cache is indexed by virtual address.
    UnequalIndexing,
    /// Where interrupts with superpriority arrive on all of five CPUs; the last one is late.
    Superpriority,
    /// Where a third CPU is started after the last pass.
    LateCpu,
    /// Where the kernel is entered at EL2, and installs its hypervisor there.
    Hypervisor,
}

impl System {
    /// All of which the plugin has something to say.
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
    /// instruction cache is invalidated by line. Not where that has no part: there the CPUs have
    /// LSE, so that the locks and counters that the late one uses have been patched.
    pub(super) fn machine(self) -> Machine {
        let machine = Machine::new("cortex-a57");
        match self {
            Self::Plain | Self::UnequalCaches | Self::UnequalIndexing => machine.smp(2),
            Self::Superpriority => Machine::new("max").smp(5).args(["-append", "demo.nmi"]),
            Self::LateCpu => Machine::new("cortex-a76").smp(3),
            Self::Hypervisor => machine.smp(3).options(EL2),
        }
    }

    /// What the monitor does there.
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

/// CPU 0 with CTR_EL0.IDC, CPU 1 without; else they are a Cortex-A57.
pub fn unequal_caches() -> Monitor {
    const IDC: u64 = 1 << 28;
    Monitor::new()
        .register(0, Register::CTR_EL0, CORTEX_A57_CTR | IDC)
        .register(1, Register::CTR_EL0, CORTEX_A57_CTR)
}
