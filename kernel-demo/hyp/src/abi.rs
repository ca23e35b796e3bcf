//! What the kernel and the hypervisor agree on.
//!
//! A call is `hvc #0` at EL1: the number of a service in x0, its arguments in x1 and x2. The answer
//! is a [`status`] in x0 and its values in x1 and x2. x3 to x17 and the flags are lost, and FP
//! registers, x18 to x30 and the stack pointer are kept.

/// A service, by its place in the hypervisor's table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Service {
    /// Answers a [`Question`].
    Identity,
    /// The cpucaps of [`CAPS`] that the text was patched for, one bit each, in this order.
    Caps,
    /// Adds x1 to a counter in the hypervisor's data; returns the value before.
    Count,
    /// The hypervisor's address of what the kernel has at x1.
    Address,
    /// What the addresses of the hypervisor are higher by than those of the kernel.
    Offset,
    /// CTR_EL0 as sanitised over all CPUs.
    CacheType,
    /// Writes x1 to the data that both share for writing; returns what both share for reading.
    Exchange,
    /// Element x1 of an array of [`ELEMENTS`]; a panic where there is none.
    Element,
    /// The 64-bit word at x1, an address as it is; a fault where nothing is mapped.
    Read,
    /// Leaves a mark in every register that the boundary has to restore; returns x1.
    Clobber,
    /// The value of number x1 of [`REGISTERS`].
    Register,
}

impl Service {
    /// All of them; each stands at its number.
    pub const ALL: [Self; 11] = [
        Self::Identity,
        Self::Caps,
        Self::Count,
        Self::Address,
        Self::Offset,
        Self::CacheType,
        Self::Exchange,
        Self::Element,
        Self::Read,
        Self::Clobber,
        Self::Register,
    ];
}

/// What [`Service::Identity`] answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Question {
    /// The address that the vectors run at, as ADR has it.
    Vectors,
    /// CurrentEL.EL.
    Level,
    /// HCR_EL2.E2H.
    E2h,
    /// 0 for the variant without E2H, 1 for the other.
    Variant,
    /// SCTLR_EL1 of the kernel, which has another name in each variant.
    Sctlr,
}

/// The cpucaps that [`Service::Caps`] answers for, by name.
pub const CAPS: [&str; 8] = [
    "ALWAYS_BOOT",
    "ALWAYS_SYSTEM",
    "HVHE",
    "LSE",
    "SB",
    "CRC32",
    "PAN",
    "IDC",
];

/// The system registers that decide what EL2 is, and what EL1 may do: those that the kernel or the
/// hypervisor writes, where every CPU has them.
pub const REGISTERS: [&str; 12] = [
    "HCR_EL2",
    "SCTLR_EL2",
    "TCR_EL2",
    "MAIR_EL2",
    "CPTR_EL2",
    "CNTHCTL_EL2",
    "MDCR_EL2",
    "HSTR_EL2",
    "VTTBR_EL2",
    "CNTVOFF_EL2",
    "VPIDR_EL2",
    "VMPIDR_EL2",
];

/// What [`Service::Count`] counts from.
pub const COUNT_FROM: u64 = 0x1000;

/// How many elements the array of [`Service::Element`] has; element n is [`element`] of n.
pub const ELEMENTS: usize = 16;

/// An element of that array.
pub const fn element(index: usize) -> u64 {
    (index as u64 + 1) * 0x0101_0101
}

/// How a call ended.
pub mod status {
    /// It is done; the value is in x1.
    pub const OK: u64 = 0;
    /// There is no service of this number.
    pub const UNKNOWN: u64 = 1;
    /// The service panicked, in the line in x1 and the column in x2 of its source.
    pub const PANIC: u64 = 2;
    /// The service faulted: ESR_EL2 is in x1, FAR_EL2 in x2.
    pub const FAULT: u64 = 3;
    /// There is no hypervisor: the stub vectors of the kernel have answered.
    pub const ABSENT: u64 = 4;
}
