//! A kernel's cpucaps and how they are detected.

use core::fmt;

use super::{Cap, CapKind, CapSet, IdRegs, LatePolicy, MAX_CAPS, Rule, Scope};

/// One cpucap, as the kernel's TOML file describes it.
#[derive(Clone, Copy, Debug)]
pub struct CapInfo {
    /// The cap.
    pub cap: Cap,
    /// Its name, such as `LSE`.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub doc: &'static str,
    /// Whose ID registers decide.
    pub scope: Scope,
    /// Feature or erratum.
    pub kind: CapKind,
    /// How it shows in the ID registers.
    pub rule: Rule,
    /// What becomes of a CPU that comes too late and differs.
    pub late: LatePolicy,
    /// Caps without which this one is not present either.
    pub requires: &'static [Cap],
    /// Caps that must not be present together with this one.
    pub conflicts: &'static [Cap],
}

/// A kernel's cpucaps, each at the place of its number.
#[derive(Clone, Copy, Debug)]
pub struct CapTable {
    entries: &'static [CapInfo],
}

impl CapTable {
    /// The table of these cpucaps.
    ///
    /// # Panics
    ///
    /// If there are more than [`MAX_CAPS`], or one is not at the place of its number. Tables are
    /// constants, so that this fails the build.
    pub const fn new(entries: &'static [CapInfo]) -> Self {
        assert!(entries.len() <= MAX_CAPS, "too many cpucaps");
        let mut place = 0;
        while place < entries.len() {
            let number = entries[place].cap.number();
            assert!(
                number as usize == place,
                "a cpucap is not at the place of its number"
            );
            place += 1;
        }
        Self { entries }
    }

    /// How many cpucaps there are, possible or not.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
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

    /// All of them, by number.
    pub fn iter(&self) -> core::slice::Iter<'static, CapInfo> {
        self.entries.iter()
    }

    /// The possible caps of one scope, whether detected or not.
    pub fn of_scope(&self, scope: Scope) -> CapSet {
        self.iter()
            .filter(|info| info.scope == scope)
            .map(|info| info.cap)
            .collect()
    }

    /// The cpucaps that show in `regs`.
    ///
    /// A cap that [requires](CapInfo::requires) an absent one is absent too, and so on until
    /// nothing changes.
    ///
    /// # Errors
    ///
    /// [`DetectError::Conflict`] if two caps are present that must not be together.
    pub fn detect(&self, regs: &IdRegs) -> Result<CapSet, DetectError> {
        let present = self.of_cpu(regs);
        self.check_conflicts(&present)?;
        Ok(present)
    }

    /// Whether the CPU with the registers `regs` has `cap` by itself: for a
    /// [hook](super::Enable) of a local cap, which runs on CPUs without it as well.
    pub fn cpu_has(&self, cap: Cap, regs: &IdRegs) -> bool {
        self.of_cpu(regs).contains(cap)
    }

    /// What one CPU has by its own registers, requirements included.
    pub(super) fn of_cpu(&self, regs: &IdRegs) -> CapSet {
        let mut present = self.matching(regs);
        self.drop_unsupported(&mut present);
        present
    }

    /// The caps whose rule holds, whether or not what they require is there.
    pub(super) fn matching(&self, regs: &IdRegs) -> CapSet {
        self.iter()
            .filter(|info| info.rule.matches(regs))
            .map(|info| info.cap)
            .collect()
    }

    /// Takes out what requires an absent cap, until nothing changes.
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

/// Why the cpucaps of a CPU could not be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DetectError {
    /// Two caps are present that must not be together.
    Conflict {
        /// The cap whose entry names the conflict.
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
