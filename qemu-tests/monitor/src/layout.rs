//! The configuration by the host and the report to the host, in memory.
//!
//! Both sides use these types; all numbers are little-endian, as is the guest.

use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

/// The guest physical address of the [`Config`], below the monitor itself.
pub const CONFIG: u64 = 0x4df0_0000;
/// First bytes of a [`Config`]; other bytes mean that the host has not written one.
pub const MAGIC: u64 = 0x3155_5047_464e_4f43;
/// The largest number of CPUs: the state of a word has one bit for each.
pub const MAX_CPUS: usize = 8;
/// The largest number of ranges of text.
pub const MAX_TEXTS: usize = 32;
/// The largest number of ID registers that differ from the CPU's own, over all CPUs.
pub const MAX_OVERRIDES: usize = 256;
/// The largest number of violations that are listed.
pub const MAX_VIOLATIONS: usize = 64;

/// The configuration of the monitor.
#[repr(C)]
#[derive(Clone, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct Config {
    /// [`MAGIC`].
    pub magic: u64,
    /// The entry of the guest at EL1.
    pub entry: u64,
    /// Its X0.
    pub argument: u64,
    /// Number of `texts`.
    pub text_count: u64,
    /// Executable memory that the loader has filled: physical start and end.
    pub texts: [[u64; 2]; MAX_TEXTS],
    /// Number of `overrides`.
    pub override_count: u64,
    /// ID registers.
    pub overrides: [Override; MAX_OVERRIDES],
}

/// An ID register of a CPU as the guest sees it.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct Override {
    /// Number of the CPU.
    pub cpu: u32,
    /// Its number, by [`register`].
    pub register: u32,
    /// Its value.
    pub value: u64,
}

/// The number of a system register: its encoding as in MRS, bits \[20:5\].
pub const fn register(op0: u32, op1: u32, crn: u32, crm: u32, op2: u32) -> u32 {
    op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2
}

/// Main ID register.
pub const MIDR_EL1: u32 = register(3, 0, 0, 0, 0);
/// Revision ID register.
pub const REVIDR_EL1: u32 = register(3, 0, 0, 0, 6);
/// Cache type register.
pub const CTR_EL0: u32 = register(3, 3, 0, 0, 1);

/// Kinds of cache maintenance, as counted: index into [`Report::operations`].
#[repr(usize)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// DC CVAU
    CleanToUnification,
    /// DC CVAC, CVAP, CVADP
    Clean,
    /// DC CIVAC
    CleanInvalidate,
    /// DC IVAC
    Invalidate,
    /// DC ISW, CSW, CISW
    SetWay,
    /// IC IVAU
    InstructionLine,
    /// IC IALLU
    InstructionAll,
    /// IC IALLUIS
    InstructionAllShared,
}

/// Number of kinds of cache maintenance.
pub const OPERATIONS: usize = 8;

/// The monitor runs, or the run was not ended by the guest.
pub const RUNNING: u64 = 0;
/// The guest has switched off.
pub const ENDED: u64 = 1;
/// The monitor gave up; see [`Report::fatal`].
pub const GAVE_UP: u64 = 2;

/// The report of the monitor.
#[repr(C)]
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct Report {
    /// [`RUNNING`], [`ENDED`] or [`GAVE_UP`].
    pub status: u64,
    /// Why the monitor gave up.
    pub fatal: Fatal,
    /// Number of violations, listed or not.
    pub found: u64,
    /// The first of them.
    pub list: [Listed; MAX_VIOLATIONS],
    /// Cache maintenance by CPU and [`Operation`].
    pub operations: [[u64; OPERATIONS]; MAX_CPUS],
    /// Stores to watched pages, by CPU.
    pub stores: [u64; MAX_CPUS],
    /// Instructions executed one by one, by CPU.
    pub steps: [u64; MAX_CPUS],
}

/// An event that the monitor cannot handle.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct Fatal {
    /// A [`Reason`] as a number.
    pub reason: u64,
    /// Number of the CPU.
    pub cpu: u64,
    /// ESR_EL2.
    pub syndrome: u64,
    /// ELR_EL2.
    pub pc: u64,
    /// FAR_EL2.
    pub address: u64,
}

/// Why the monitor gives up.
#[repr(u64)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A missing or invalid [`Config`].
    Config = 1,
    /// An exception that the monitor does not expect.
    Exception = 2,
    /// The guest accessed memory that it does not have, such as the monitor's own.
    Memory = 3,
    /// More pages of text than the monitor can watch.
    Pages = 4,
    /// The monitor itself failed.
    Panic = 5,
}

/// A violation as the monitor notes it.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct Listed {
    /// A [`ViolationKind`] as a number.
    pub kind: u32,
    /// Number of the CPU.
    pub cpu: u32,
    /// The [`State`](crate::words::State) as a number.
    pub state: u32,
    /// Size of the line in bytes, from the CTR_EL0 that the CPU shows.
    pub line: u32,
    /// Virtual address of the instruction.
    pub pc: u64,
    /// Physical address of the word; for [`ViolationKind::Unmapped`] the virtual address.
    pub address: u64,
}

/// The kind of a violation.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViolationKind {
    /// An instruction was executed that may be stale.
    Executed = 1,
    /// Text was left in a state in which it may be stale, and not executed so far.
    Left = 2,
    /// The operand of a DC or IC is not mapped: a real CPU takes an abort.
    Unmapped = 3,
}

impl Report {
    /// An empty report.
    pub const EMPTY: Self = Self {
        status: RUNNING,
        fatal: Fatal {
            reason: 0,
            cpu: 0,
            syndrome: 0,
            pc: 0,
            address: 0,
        },
        found: 0,
        list: [Listed {
            kind: 0,
            cpu: 0,
            state: 0,
            line: 0,
            pc: 0,
            address: 0,
        }; MAX_VIOLATIONS],
        operations: [[0; OPERATIONS]; MAX_CPUS],
        stores: [0; MAX_CPUS],
        steps: [0; MAX_CPUS],
    };

    /// Counts a violation, and lists it if there is room.
    pub fn note(&mut self, violation: Listed) {
        let next = usize::try_from(self.found).unwrap_or(usize::MAX);
        if let Some(entry) = self.list.get_mut(next) {
            *entry = violation;
        }
        self.found += 1;
    }
}

impl Config {
    /// A configuration without text and overrides.
    pub fn new(entry: u64, argument: u64) -> Self {
        let mut config = Self::new_zeroed();
        config.magic = MAGIC;
        config.entry = entry;
        config.argument = argument;
        config
    }
}
