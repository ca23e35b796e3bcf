//! The properties of a cpucap: its scope, its kind, and its policy for late CPUs.

use core::fmt;

/// The number of cpucaps that a kernel can have. Cpucaps are numbered from 0 to `MAX_CAPS - 1`.
pub const MAX_CAPS: usize = 256;

/// The depth to which the condition of a cpucap can nest `any` and `all`.
pub const MAX_NESTING: usize = 8;

/// The CPUs whose ID registers decide whether a cpucap is present, and when they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Scope {
    /// The boot CPU, before any other CPU runs: for properties that the kernel must know that early.
    Boot,
    /// All early CPUs, by their sanitised registers, once the secondary CPUs are online.
    System,
    /// Each CPU by its own registers: the cap is present if any of them matches.
    Local,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Boot, Self::System, Self::Local];

    /// The word for it in `cpucaps.toml`, such as `boot`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boot => "boot",
            Self::System => "system",
            Self::Local => "local",
        }
    }
}

/// The word in `cpucaps.toml`.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Whether a cpucap is a feature or an erratum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum CapKind {
    /// The kernel may use it.
    Feature,
    /// The kernel must work around it.
    Erratum,
}

impl CapKind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Feature, Self::Erratum];

    /// The word for it in `cpucaps.toml`, such as `feature`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Feature => "feature",
            Self::Erratum => "erratum",
        }
    }
}

/// The word in `cpucaps.toml`.
impl fmt::Display for CapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What to do with a CPU that comes online after the cpucaps are final and differs in one of them.
///
/// The kernel is patched once, so a late CPU cannot change a decision: it fits or it does not. The
/// names are those of Linux's capability types (`arch/arm64/include/asm/cpufeature.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LatePolicy {
    /// A workaround that is harmless on CPUs without the erratum, and fatal to lack.
    LocalErratum,
    /// Used by the kernel on every CPU; a late CPU may have it unused.
    SystemFeature,
    /// Each CPU may have it or lack it.
    WeakLocalFeature,
    /// Present only if every early CPU has it, although each CPU is tested by its own registers.
    EarlyLocalFeature,
    /// Present if any early CPU has it; a late CPU must not be the first.
    BootRestrictedLocalFeature,
    /// Decided by the boot CPU; if another CPU differs, the kernel cannot continue.
    StrictBootFeature,
    /// Decided by the boot CPU; another CPU may have it unused.
    BootFeature,
}

/// What the kernel does with a CPU that comes online. Ordered by severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Verdict {
    /// The CPU may join.
    Allow,
    /// The CPU must be kept out; the others continue.
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

    /// The word for it in `cpucaps.toml`, such as `local-erratum`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LocalErratum => "local-erratum",
            Self::SystemFeature => "system-feature",
            Self::WeakLocalFeature => "weak-local-feature",
            Self::EarlyLocalFeature => "early-local-feature",
            Self::BootRestrictedLocalFeature => "boot-restricted-local-feature",
            Self::StrictBootFeature => "strict-boot-feature",
            Self::BootFeature => "boot-feature",
        }
    }

    /// The default policy of a cpucap with this scope and kind.
    pub const fn default_for(scope: Scope, kind: CapKind) -> Self {
        match (scope, kind) {
            (Scope::Boot, _) => Self::BootFeature,
            (Scope::System, _) => Self::SystemFeature,
            (Scope::Local, CapKind::Erratum) => Self::LocalErratum,
            (Scope::Local, CapKind::Feature) => Self::WeakLocalFeature,
        }
    }

    /// The scope of the cpucaps that can have this policy.
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

    /// The verdict on a late CPU that has the cap while the system lacks it.
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

    /// The verdict on a late CPU, from whether the system and the CPU have the cap.
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

/// The word in `cpucaps.toml`.
impl fmt::Display for LatePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
