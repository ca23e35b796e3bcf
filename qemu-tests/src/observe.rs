//! Configuration and report of the monitor at EL2; `docs/observers.md` describes how it works.

use crate::{Error, Image, Memory, Result};
use alt_cpu::Register;
pub use el2_monitor::layout::Operation;
use el2_monitor::layout::{
    CONFIG, Config, GAVE_UP, Listed, MAX_CPUS, MAX_OVERRIDES, MAX_TEXTS, MAX_VIOLATIONS, Override,
    Report, ViolationKind, register,
};
use el2_monitor::words::State;
use std::{fmt, ops::Range};
use zerocopy::{FromBytes, IntoBytes};

/// Options of the monitor: ID registers that CPUs show to the guest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Monitor {
    registers: Vec<(u32, Register, u64)>,
}

impl Monitor {
    /// The default: all CPUs show their own ID registers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the guest read `value` from an ID register of CPU number `cpu`. The CPU itself is
    /// unchanged: an instruction that it seems to lack still works.
    pub fn register(mut self, cpu: u32, register: Register, value: u64) -> Self {
        self.registers.push((cpu, register, value));
        self
    }

    /// The bytes to be put at [`CONFIG`].
    pub(crate) fn config(&self, image: &Image) -> Result<Vec<u8>> {
        let cannot = |problem: String| Error::Monitor { problem };
        let mut config = Config::new(image.entry(), 0);
        let texts: Vec<_> = image
            .sections()
            .iter()
            .filter(|section| section.executable && !section.range.is_empty())
            .collect();
        if texts.len() > MAX_TEXTS {
            return Err(cannot(format!(
                "the image has {} executable sections, it can watch {MAX_TEXTS}",
                texts.len()
            )));
        }
        for (to, section) in config.texts.iter_mut().zip(&texts) {
            *to = [section.range.start, section.range.end];
        }
        config.text_count = texts.len() as u64;

        if self.registers.len() > MAX_OVERRIDES {
            return Err(cannot(format!(
                "{} registers of CPUs are more than {MAX_OVERRIDES}",
                self.registers.len()
            )));
        }
        for (to, (cpu, of, value)) in config.overrides.iter_mut().zip(&self.registers) {
            if *of == Register::DCZID_EL0 || *cpu as usize >= MAX_CPUS {
                return Err(cannot(format!(
                    "{of} of CPU {cpu} cannot be another: no CPU traps the access to DCZID_EL0, \
                     and CPUs are counted from 0 to {}",
                    MAX_CPUS - 1
                )));
            }
            let at = of.encoding();
            let fields = [at.op0, at.op1, at.crn, at.crm, at.op2].map(u32::from);
            let [op0, op1, crn, crm, op2] = fields;
            *to = Override {
                cpu: *cpu,
                register: register(op0, op1, crn, crm, op2),
                value: *value,
            };
        }
        config.override_count = self.registers.len() as u64;
        Ok(config.as_bytes().to_owned())
    }
}

/// The address of [`Monitor::config`].
pub(crate) const CONFIG_AT: u64 = CONFIG;

/// The monitor's report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The first violations, in the order in which they happened.
    pub violations: Vec<Violation>,
    /// Number of all violations.
    pub found: u64,
    /// Cache maintenance operations of each CPU.
    operations: [[u64; el2_monitor::layout::OPERATIONS]; MAX_CPUS],
    /// Stores to watched pages of each CPU.
    pub stores: [u64; MAX_CPUS],
    /// Single-stepped instructions of each CPU.
    pub steps: [u64; MAX_CPUS],
}

/// A violation: on a CPU with caches, it may execute stale instructions or fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its kind.
    pub fault: Fault,
    /// The CPU.
    pub cpu: u32,
    /// The instruction that it executed; 0 if it was found when the guest was off.
    pub pc: u64,
    /// The physical address of the text; the virtual address if it is not mapped.
    pub address: u64,
    /// The instruction cache line around it, of the size in the CPU's CTR_EL0.
    pub line: Range<u64>,
    /// `address`, by symbol, if it is in the image.
    pub place: Option<String>,
}

/// The kind of a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// A CPU executed an instruction that may have been stale.
    Executed(Missing),
    /// Text may be stale, and this CPU has not executed it.
    Left(Missing),
    /// The address of a DC or IC is not mapped: a CPU with caches takes an abort.
    Unmapped,
}

/// The maintenance that a line lacks. The names are the states of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Missing {
    /// Written: it was neither cleaned nor invalidated.
    CleanAndInvalidate,
    /// Written and invalidated: it was not cleaned.
    Clean,
    /// Written and cleaned: it was not invalidated.
    Invalidate,
    /// Invalidated, then cleaned: it was not invalidated again.
    InvalidateAfterClean,
}

impl Observation {
    /// Number of executions of an operation on this CPU.
    pub fn count(&self, cpu: usize, operation: Operation) -> u64 {
        self.operations
            .get(cpu)
            .map_or(0, |counts| counts[operation as usize])
    }

    /// Number of executions of an operation on all CPUs.
    pub fn total(&self, operation: Operation) -> u64 {
        (0..MAX_CPUS).map(|cpu| self.count(cpu, operation)).sum()
    }

    /// Reads the monitor's report.
    pub(crate) fn read(memory: &Memory, at: u64, image: &Image) -> Result<Self> {
        let broken = |problem: String| Error::Monitor { problem };
        let bytes = memory.bytes(at, size_of::<Report>())?;
        let report = Report::read_from_bytes(bytes)
            .map_err(|_| broken("its report has another size".into()))?;
        if report.status == GAVE_UP {
            let fatal = report.fatal;
            let reason = match fatal.reason {
                1 => "the host gave it no valid configuration",
                2 => "it took an unexpected exception",
                3 => "the guest accessed memory that it does not have",
                4 => "there are more pages of text than it can watch",
                5 => "it failed, at the source line in `pc`",
                _ => "it gives no reason",
            };
            let place = image.place(fatal.pc).map(|place| format!(" {place}"));
            return Err(broken(format!(
                "{reason}: CPU {}, pc={:#x}{}, ESR_EL2={:#x}, FAR_EL2={:#x}",
                fatal.cpu,
                fatal.pc,
                place.unwrap_or_default(),
                fatal.syndrome,
                fatal.address
            )));
        }
        let listed = report
            .list
            .iter()
            .take(report.found.min(MAX_VIOLATIONS as u64) as usize);
        let violations = listed
            .map(|entry| Violation::new(entry, image))
            .collect::<Option<_>>()
            .ok_or_else(|| broken("it lists a violation of an unknown kind".into()))?;
        Ok(Self {
            violations,
            found: report.found,
            operations: report.operations,
            stores: report.stores,
            steps: report.steps,
        })
    }
}

impl Violation {
    fn new(listed: &Listed, image: &Image) -> Option<Self> {
        let missing = match listed.state {
            s if s == State::Dirty as u32 => Some(Missing::CleanAndInvalidate),
            s if s == State::Invalidated as u32 => Some(Missing::Clean),
            s if s == State::Cleaned as u32 => Some(Missing::Invalidate),
            s if s == State::CleanedLate as u32 => Some(Missing::InvalidateAfterClean),
            _ => None,
        };
        let fault = match listed.kind {
            k if k == ViolationKind::Executed as u32 => Fault::Executed(missing?),
            k if k == ViolationKind::Left as u32 => Fault::Left(missing?),
            k if k == ViolationKind::Unmapped as u32 => Fault::Unmapped,
            _ => return None,
        };
        let (start, end) = el2_monitor::words::line(listed.address, listed.line.into());
        Some(Self {
            fault,
            cpu: listed.cpu,
            pc: listed.pc,
            address: listed.address,
            line: start..end,
            place: image.place(listed.address).map(|place| place.to_string()),
        })
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CleanAndInvalidate => "written, and neither cleaned nor invalidated since",
            Self::Clean => "invalidated, but not cleaned since it was written",
            Self::Invalidate => "cleaned, but not invalidated since it was written",
            Self::InvalidateAfterClean => "invalidated before it was cleaned, and not after",
        })
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, address, .. } = self;
        let place = self.place.as_deref().unwrap_or("outside of the image");
        match self.fault {
            Fault::Executed(missing) => {
                write!(f, "CPU {cpu} executed {address:#x} ({place}): ")?;
                write!(f, "its line {:#x?} was {missing}", self.line)
            }
            Fault::Left(missing) => {
                write!(f, "CPU {cpu} would not see {address:#x} ({place}): ")?;
                write!(f, "its line {:#x?} is {missing}", self.line)
            }
            Fault::Unmapped => write!(
                f,
                "CPU {cpu} at {:#x}: cache maintenance of {address:#x}, which is not mapped",
                self.pc
            ),
        }
    }
}
