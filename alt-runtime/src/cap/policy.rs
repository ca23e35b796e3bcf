//! When a cpucap is decided, and what becomes of a CPU that arrives after that.

use core::fmt;

/// Whose ID registers decide about a cpucap, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Scope {
    /// The boot CPU's, before any other CPU runs: for what the kernel must know that early.
    Boot,
    /// The sanitised view of all CPUs, once the secondaries are online: it holds for all.
    System,
    /// Each CPU's own: any one that matches makes the cap present.
    Local,
}

impl fmt::Display for Scope {
    /// As in the TOML file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boot => "boot",
            Self::System => "system",
            Self::Local => "local",
        })
    }
}

/// What a cpucap stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Kind {
    /// Something that may be used.
    Feature,
    /// Something that must be worked around.
    Erratum,
}

/// What to do with a CPU that comes online after the cpucaps are final.
///
/// Patching happens once, so that a late CPU cannot change a decision; it can only fit or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LatePolicy {
    /// A work-around that does no harm where it is not needed, and is fatal to lack.
    LocalErratum,
    /// Used by the kernel on every CPU once present; going unused is fine.
    SystemFeature,
    /// Each CPU may have it or not, and the kernel copes.
    WeakLocalFeature,
    /// Present only if every early CPU has it, though each is asked for its own registers.
    EarlyLocalFeature,
    /// Present if any early CPU has it; no later CPU may be the first.
    BootRestrictedLocalFeature,
    /// Decided by the boot CPU, and a different CPU means that the kernel cannot go on.
    StrictBootFeature,
    /// Decided by the boot CPU; going unused is fine.
    BootFeature,
}

/// What to do with a CPU. The greater is the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Verdict {
    /// It may join.
    Allow,
    /// It must be kept out; the others go on.
    Park,
    /// The kernel must stop.
    Panic,
}

impl LatePolicy {
    /// Every policy.
    pub const ALL: [Self; 7] = [
        Self::LocalErratum,
        Self::SystemFeature,
        Self::WeakLocalFeature,
        Self::EarlyLocalFeature,
        Self::BootRestrictedLocalFeature,
        Self::StrictBootFeature,
        Self::BootFeature,
    ];

    /// The usual policy for a cpucap of this scope and kind.
    pub const fn default_for(scope: Scope, kind: Kind) -> Self {
        match (scope, kind) {
            (Scope::Boot, _) => Self::BootFeature,
            (Scope::System, _) => Self::SystemFeature,
            (Scope::Local, Kind::Erratum) => Self::LocalErratum,
            (Scope::Local, Kind::Feature) => Self::WeakLocalFeature,
        }
    }

    /// The scope of the cpucaps that this policy makes sense for.
    pub const fn scope(self) -> Scope {
        match self {
            Self::SystemFeature => Scope::System,
            Self::StrictBootFeature | Self::BootFeature => Scope::Boot,
            Self::LocalErratum
            | Self::WeakLocalFeature
            | Self::EarlyLocalFeature
            | Self::BootRestrictedLocalFeature => Scope::Local,
        }
    }

    /// The verdict on a late CPU that lacks the cap while the system has it.
    pub const fn if_cpu_lacks(self) -> Verdict {
        match self {
            Self::LocalErratum | Self::WeakLocalFeature | Self::BootRestrictedLocalFeature => {
                Verdict::Allow
            }
            Self::SystemFeature | Self::EarlyLocalFeature | Self::BootFeature => Verdict::Park,
            Self::StrictBootFeature => Verdict::Panic,
        }
    }

    /// The verdict on a late CPU that has the cap while the system does not.
    pub const fn if_cpu_has(self) -> Verdict {
        match self {
            Self::SystemFeature
            | Self::WeakLocalFeature
            | Self::EarlyLocalFeature
            | Self::BootFeature => Verdict::Allow,
            Self::LocalErratum | Self::BootRestrictedLocalFeature => Verdict::Park,
            Self::StrictBootFeature => Verdict::Panic,
        }
    }

    /// The verdict on a late CPU, given what was decided and what the CPU has.
    pub const fn verdict(self, system_has: bool, cpu_has: bool) -> Verdict {
        match (system_has, cpu_has) {
            (true, false) => self.if_cpu_lacks(),
            (false, true) => self.if_cpu_has(),
            (true, true) | (false, false) => Verdict::Allow,
        }
    }

    /// Whether the cap is present only if *every* early CPU has it, rather than any.
    pub const fn needs_all_early_cpus(self) -> bool {
        matches!(self, Self::EarlyLocalFeature)
    }
}
