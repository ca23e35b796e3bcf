//! Why a CPU does not fit the system.

use core::fmt;

use alt_cpu::Field;

use super::{Cap, Evidence, Verdict};

/// What becomes of a CPU that comes online.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a CPU that does not fit must not go on"]
pub enum CpuVerdict {
    /// It fits and may go on.
    Ok,
    /// It must be kept out; the others go on.
    ParkCpu(Conflict),
    /// The kernel must stop.
    Panic(Conflict),
}

impl CpuVerdict {
    /// Whether the CPU may go on.
    pub const fn is_ok(&self) -> bool {
        matches!(self, Self::Ok)
    }

    /// What is wrong with the CPU.
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
            Self::Panic(conflict) => write!(f, "the system cannot go on: {conflict}"),
        }
    }
}

/// In what a CPU differs from what was decided for the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conflict {
    /// The system relies on a cpucap that the CPU lacks.
    Lacks {
        /// The cap.
        cap: Cap,
        /// Its name.
        name: &'static str,
        /// What the CPU says; if the cap is absent for want of another one, about that one.
        evidence: Evidence,
    },
    /// The CPU has a cpucap that the system was not prepared for.
    Has {
        /// The cap.
        cap: Cap,
        /// Its name.
        name: &'static str,
        /// What the CPU says.
        evidence: Evidence,
    },
    /// Both have a cpucap, by different values of a field that has no order, such as the
    /// algorithm that signs pointers.
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
    /// The CPU's caches need more maintenance than the system does after it has written code.
    Caches {
        /// The field of `CTR_EL0`.
        field: &'static Field,
        /// Its value for the system.
        system: i64,
        /// The CPU's own, lower value.
        cpu: i64,
    },
    /// The kernel has built on the value that the system has in a field, and the CPU cannot do
    /// with it: fewer bits of ASID, say.
    BuiltOn {
        /// The field.
        field: &'static Field,
        /// Its value for the system.
        system: i64,
        /// The CPU's own.
        cpu: i64,
    },
    /// The CPU needs other cache maintenance than the system does after it has written
    /// code, although its `CTR_EL0` does not say so: an erratum.
    Maintenance,
}

impl Conflict {
    /// The cpucap that it is about, if it is about one.
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
                "this CPU has cpucap {name} of another kind: {field}={cpu}, the system has {system}"
            ),
            Self::Caches { field, system, cpu } => write!(
                f,
                "new code would not reach this CPU's caches: {field}={cpu}, the system goes by {system}"
            ),
            Self::BuiltOn { field, system, cpu } => write!(
                f,
                "the kernel has built on {field}={system}, and this CPU has {cpu}"
            ),
            Self::Maintenance => f.write_str(
                "an erratum of this CPU asks for cache maintenance that the system does not do",
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
