//! Whether a CPU may join the system, and why not.

use core::fmt;

use alt_cpu::Field;

use super::{Cap, Evidence, Verdict};

/// What the kernel must do with a CPU that comes online.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a CPU that does not fit must not continue"]
pub enum CpuVerdict {
    /// It fits and may continue.
    Ok,
    /// It must be kept out; the other CPUs continue.
    ParkCpu(Conflict),
    /// The kernel must stop.
    Panic(Conflict),
}

impl CpuVerdict {
    /// Whether the CPU may continue.
    pub const fn is_ok(&self) -> bool {
        matches!(self, Self::Ok)
    }

    /// Why the CPU does not fit.
    pub const fn conflict(&self) -> Option<&Conflict> {
        match self {
            Self::Ok => None,
            Self::ParkCpu(conflict) | Self::Panic(conflict) => Some(conflict),
        }
    }

    pub(super) const fn verdict(&self) -> Verdict {
        match self {
            Self::Ok => Verdict::Allow,
            Self::ParkCpu(_) => Verdict::Park,
            Self::Panic(_) => Verdict::Panic,
        }
    }

    pub(super) const fn new(verdict: Verdict, conflict: Conflict) -> Self {
        match verdict {
            Verdict::Allow => Self::Ok,
            Verdict::Park => Self::ParkCpu(conflict),
            Verdict::Panic => Self::Panic(conflict),
        }
    }
}

impl fmt::Display for CpuVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("this CPU fits the system"),
            Self::ParkCpu(conflict) => write!(f, "this CPU must stay out: {conflict}"),
            Self::Panic(conflict) => write!(f, "the system cannot continue: {conflict}"),
        }
    }
}

/// A difference between a CPU and the decisions for the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conflict {
    /// The CPU lacks a cpucap on which the system relies.
    Lacks {
        /// The cap.
        cap: Cap,
        /// Its name.
        name: &'static str,
        /// The evidence on the CPU. If the cap is absent because it requires another one, this
        /// is about the other one.
        evidence: Evidence,
    },
    /// The CPU has a cpucap for which the system is not prepared.
    Has {
        /// The cap.
        cap: Cap,
        /// Its name.
        name: &'static str,
        /// The evidence on the CPU.
        evidence: Evidence,
    },
    /// The CPU and the system have a cpucap by different values of a field whose values have no
    /// order, such as the algorithm that signs pointers.
    Differs {
        /// The cap.
        cap: Cap,
        /// Its name.
        name: &'static str,
        /// The field.
        field: &'static Field,
        /// Its value for the system.
        system: i64,
        /// The CPU's own.
        cpu: i64,
    },
    /// The caches of the CPU need more maintenance than the system does after writing code.
    Caches {
        /// The field of `CTR_EL0`.
        field: &'static Field,
        /// Its value for the system.
        system: i64,
        /// The CPU's own, lower value.
        cpu: i64,
    },
    /// The kernel relies on the system's value of a field, and the CPU does not support it, such as
    /// the number of ASID bits.
    BuiltOn {
        /// The field.
        field: &'static Field,
        /// Its value for the system.
        system: i64,
        /// The CPU's own.
        cpu: i64,
    },
    /// The CPU has an erratum, not shown in `CTR_EL0`, that requires other cache maintenance than
    /// the system does after writing code.
    Maintenance,
}

impl Conflict {
    /// The cpucap concerned, if it is about a cpucap.
    pub const fn cap(&self) -> Option<Cap> {
        match self {
            Self::Lacks { cap, .. } | Self::Has { cap, .. } | Self::Differs { cap, .. } => {
                Some(*cap)
            }
            Self::Caches { .. } | Self::BuiltOn { .. } | Self::Maintenance => None,
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lacks { name, evidence, .. } => write!(
                f,
                "the system relies on cpucap {name}, which this CPU lacks ({evidence})"
            ),
            Self::Has { name, evidence, .. } => write!(
                f,
                "this CPU has cpucap {name}, for which the system is not prepared ({evidence})"
            ),
            Self::Differs {
                name,
                field,
                system,
                cpu,
                ..
            } => write!(
                f,
                "this CPU has cpucap {name} by another value: {field}={cpu}, the system has {system}"
            ),
            Self::Caches { field, system, cpu } => write!(
                f,
                "cache maintenance after writing code is insufficient for this CPU: {field}={cpu}, the system assumes {system}"
            ),
            Self::BuiltOn { field, system, cpu } => write!(
                f,
                "the kernel relies on {field}={system}, and this CPU has {cpu}"
            ),
            Self::Maintenance => f.write_str(
                "an erratum of this CPU requires cache maintenance that the system does not do",
            ),
        }
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for CpuVerdict {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{}", defmt::Display2Format(self));
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Conflict {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{}", defmt::Display2Format(self));
    }
}
