//! The interface of the kernel and the hypervisor.
//!
//! A call is `hvc #0` at EL1, with the number of a service in x0 and its arguments in x1 and x2. The
//! answer is a [`status`] in x0 and values in x1 and x2. A call preserves x18 to x30, the stack
//! pointer and the FP registers; it clobbers x3 to x17 and the flags.

/// The services, by their numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Service {
    /// Answers a [`Question`].
    Identity,
    /// One bit for each cpucap of [`CAPS`], in this order: whether the text was patched for it.
    Caps,
    /// Adds x1 to a counter in the hypervisor's data; returns the old value.
    Count,
    /// Converts the kernel address x1 to the hypervisor's.
    Address,
    /// Distance from the kernel's addresses to the hypervisor's.
    Offset,
    /// CTR_EL0, sanitised over all CPUs.
    CacheType,
    /// Writes x1 to the data shared for writing; returns the data shared for reading.
    Exchange,
    /// Element x1 of an array of [`ELEMENTS`]; panics if the index is out of bounds.
    Element,
    /// The 64-bit word at the hypervisor address x1; faults if nothing is mapped there.
    Read,
    /// Overwrites every register that a call preserves, before they are restored; returns x1.
    Clobber,
    /// The value of register x1 of [`REGISTERS`].
    Register,
}

impl Service {
    /// All services, each at the index of its number.
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

/// The questions that [`Service::Identity`] answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Question {
    /// The address of the vectors at EL2, relative to the PC.
    Vectors,
    /// CurrentEL.EL.
    Level,
    /// HCR_EL2.E2H.
    E2h,
    /// 0 for the variant `nvhe`, 1 for `vhe`.
    Variant,
    /// The kernel's SCTLR_EL1, whose name at EL2 depends on E2H.
    Sctlr,
}

/// The names of the cpucaps that [`Service::Caps`] reports.
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

/// The system registers of EL2 that the kernel or the hypervisor writes and that every CPU has.
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

/// The first value of the counter of [`Service::Count`].
pub const COUNT_FROM: u64 = 0x1000;

/// Length of the array of [`Service::Element`].
pub const ELEMENTS: usize = 16;

/// The element of that array at `index`.
pub const fn element(index: usize) -> u64 {
    (index as u64 + 1) * 0x0101_0101
}

/// The status of a call.
pub mod status {
    /// Success; the value is in x1.
    pub const OK: u64 = 0;
    /// There is no service with this number, which is in x1.
    pub const UNKNOWN: u64 = 1;
    /// The service panicked; the line is in x1 and the column in x2.
    pub const PANIC: u64 = 2;
    /// The service faulted; ESR_EL2 is in x1 and FAR_EL2 in x2.
    pub const FAULT: u64 = 3;
    /// No hypervisor is installed: the kernel's stub vectors have answered.
    pub const ABSENT: u64 = 4;
}
