//! The table of a kernel's cpucaps, their detection on one CPU, and their hooks.

use core::fmt;

use alt_cpu::{CapKind, LatePolicy, MAX_CAPS, Scope};

use super::{Cap, CapSet, IdRegs, Rule};

/// A cpucap, as defined in the kernel's TOML file.
#[derive(Clone, Copy, Debug)]
pub struct CapInfo {
    /// The cap.
    pub cap: Cap,
    /// Its name, such as `LSE`.
    pub name: &'static str,
    /// Its description.
    pub doc: &'static str,
    /// The CPUs whose ID registers decide.
    pub scope: Scope,
    /// Feature or erratum.
    pub kind: CapKind,
    /// The condition on the ID registers.
    pub rule: Rule,
    /// What to do with a late CPU that differs.
    pub late: LatePolicy,
    /// Caps that must be present for this one to be present.
    pub requires: &'static [Cap],
    /// Caps that must not be present together with this one.
    pub conflicts: &'static [Cap],
}

/// The cpucaps of a kernel. The index of each is its number.
#[derive(Clone, Copy, Debug)]
pub struct CapTable {
    entries: &'static [CapInfo],
}

impl CapTable {
    /// The table of these cpucaps.
    ///
    /// # Panics
    ///
    /// If there are more than [`MAX_CAPS`], or the number of one is not its index. Tables are
    /// constants, so this fails the build.
    pub const fn new(entries: &'static [CapInfo]) -> Self {
        assert!(entries.len() <= MAX_CAPS, "too many cpucaps");
        let mut place = 0;
        while place < entries.len() {
            let number = entries[place].cap.number();
            assert!(
                number as usize == place,
                "the number of a cpucap is not its index"
            );
            place += 1;
        }
        Self { entries }
    }

    /// The number of cpucaps, whether possible or not.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the table is empty.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The cpucap with this number.
    pub fn get(&self, number: u16) -> Option<&'static CapInfo> {
        self.entries.get(usize::from(number))
    }

    /// The name of the cpucap with this number.
    pub fn name(&self, number: u16) -> Option<&'static str> {
        self.get(number).map(|info| info.name)
    }

    /// All cpucaps, by number.
    pub fn iter(&self) -> core::slice::Iter<'static, CapInfo> {
        self.entries.iter()
    }

    /// The possible caps of a scope, whether present or not.
    pub fn of_scope(&self, scope: Scope) -> CapSet {
        self.iter()
            .filter(|info| info.scope == scope)
            .map(|info| info.cap)
            .collect()
    }

    /// Detects the cpucaps of a CPU with the ID registers `regs`, in every scope.
    ///
    /// A cap that [requires](CapInfo::requires) an absent one is absent, too.
    ///
    /// # Errors
    ///
    /// [`DetectError::Conflict`] if two caps are present that exclude each other.
    pub fn detect(&self, regs: &IdRegs) -> Result<CapSet, DetectError> {
        let present = self.of_cpu(regs);
        self.check_conflicts(&present)?;
        Ok(present)
    }

    /// Whether a CPU with the registers `regs` has `cap`. For the [hook](Enable) of a local cap,
    /// which also runs on CPUs that lack it.
    pub fn cpu_has(&self, cap: Cap, regs: &IdRegs) -> bool {
        self.of_cpu(regs).contains(cap)
    }

    /// The caps of a CPU with the registers `regs`, without a check for conflicts.
    pub(super) fn of_cpu(&self, regs: &IdRegs) -> CapSet {
        let mut present = self.matching(regs);
        self.drop_unsupported(&mut present);
        present
    }

    /// The caps whose rule is true, whether or not what they require is present.
    pub(super) fn matching(&self, regs: &IdRegs) -> CapSet {
        self.iter()
            .filter(|info| info.rule.matches(regs))
            .map(|info| info.cap)
            .collect()
    }

    /// Removes the caps that require an absent one, until nothing changes.
    pub(super) fn drop_unsupported(&self, present: &mut CapSet) {
        loop {
            let before = *present;
            for info in self.entries {
                if !info.requires.iter().all(|&cap| present.contains(cap)) {
                    present.remove(info.cap);
                }
            }
            if *present == before {
                return;
            }
        }
    }

    pub(super) fn check_conflicts(&self, present: &CapSet) -> Result<(), DetectError> {
        for info in self.iter().filter(|info| present.contains(info.cap)) {
            if let Some(&other) = info
                .conflicts
                .iter()
                .find(|&&other| present.contains(other))
            {
                return Err(DetectError::Conflict {
                    cap: info.cap,
                    name: info.name,
                    other,
                    other_name: self.name(other.number()).unwrap_or("?"),
                });
            }
        }
        Ok(())
    }
}

/// Why the cpucaps could not be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DetectError {
    /// Two caps are present that exclude each other.
    Conflict {
        /// The cap whose entry states the conflict.
        cap: Cap,
        /// Its name.
        name: &'static str,
        /// The other cap.
        other: Cap,
        /// Its name.
        other_name: &'static str,
    },
}

impl fmt::Display for DetectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DetectError::Conflict {
                name, other_name, ..
            } => {
                write!(
                    f,
                    "cpucaps {name} and {other_name} are both present and exclude each other"
                )
            }
        }
    }
}

impl core::error::Error for DetectError {}

/// A hook: what each CPU does when a cpucap has been decided to be present, such as setting a control
/// bit.
#[derive(Clone, Copy, Debug)]
pub struct Enable {
    /// The cap.
    pub cap: Cap,
    /// The function. It runs on every CPU, including those that lack a local cap. Its argument is
    /// the registers of the CPU, with the overrides applied, by which it can check this:
    /// [`CapTable::cpu_has`].
    pub run: fn(&IdRegs),
}

/// Runs the hooks of the caps in `caps`, in the order of the list.
///
/// The kernel calls this on each CPU, with its own registers, for the caps that were decided since
/// the last call:
///
/// | when | where | `caps` |
/// |------|-------|--------|
/// | after the boot-scope pass | the boot CPU | [`SystemView::boot_caps`](super::SystemView::boot_caps) |
/// | the CPU comes online, verdict `Ok` | each early secondary | [`SystemView::boot_caps`](super::SystemView::boot_caps) |
/// | the cpucaps are final | every CPU | [`FinalCaps::later_caps`](super::FinalCaps::later_caps) |
/// | the CPU comes online, verdict `Ok` | each late CPU | [`FinalCaps::caps`](super::FinalCaps::caps) |
pub fn run_hooks(hooks: &[Enable], caps: &CapSet, regs: &IdRegs) {
    for hook in hooks.iter().filter(|hook| caps.contains(hook.cap)) {
        (hook.run)(regs);
    }
}
