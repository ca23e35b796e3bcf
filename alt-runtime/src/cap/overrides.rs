//! Field values from the kernel command line, in place of what a CPU says.

use core::fmt;

use alt_cpu::Field;

use super::{IdRegs, sanitise::safer};

/// How many fields can be overridden at once. One word can take up to six.
pub const MAX_OVERRIDES: usize = 32;

/// The overrides of a kernel command line; [`Overrides::parse`] makes them.
///
/// They are to be [applied](Self::apply) to the registers of every CPU before anything is made
/// of these, so that all agree.
#[derive(Clone, Copy, Debug)]
pub struct Overrides {
    entries: [Option<Override>; MAX_OVERRIDES],
}

#[derive(Clone, Copy, Debug)]
struct Override {
    field: &'static Field,
    value: i64,
}

impl Overrides {
    /// No override.
    pub const fn none() -> Self {
        Self {
            entries: [None; MAX_OVERRIDES],
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The fields, in the order in which the line first named them, and their values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Field, i64)> {
        self.entries
            .iter()
            .flatten()
            .map(|entry| (entry.field, entry.value))
    }

    /// Overrides the registers of one CPU, and tells `report` what became of each field.
    ///
    /// An override works like one more CPU in the system that has this value: by the
    /// [`Safe`](alt_cpu::Safe) rule of the field it can take something away from this CPU and
    /// never add to it. It is judged by this CPU's own value, so that one line serves different
    /// CPUs.
    pub fn apply(&self, regs: &mut IdRegs, mut report: impl FnMut(Applied)) {
        for (field, asked) in self.iter() {
            let old = regs.field(field);
            let new = safer(field, old, asked);
            regs.set_field(field, new);
            report(Applied {
                field,
                asked,
                old,
                new,
            });
        }
    }

    /// The value that overrides `field`.
    pub(super) fn get(&self, field: &Field) -> Option<i64> {
        self.iter()
            .find(|(other, _)| *other == field)
            .map(|(_, value)| value)
    }

    /// Overrides a field, in place of an earlier override of it; whether there was room.
    pub(super) fn set(&mut self, field: &'static Field, value: i64) -> bool {
        let is_free = |entry: &Option<Override>| entry.is_none_or(|entry| entry.field == field);
        // Entries are never taken out: the first free one comes after all fields in use.
        match self.entries.iter_mut().find(|entry| is_free(entry)) {
            Some(entry) => {
                *entry = Some(Override { field, value });
                true
            }
            None => false,
        }
    }
}

impl Default for Overrides {
    fn default() -> Self {
        Self::none()
    }
}

/// What became of an override on one CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The field.
    pub field: &'static Field,
    /// The value that the command line gives.
    pub asked: i64,
    /// The value that the CPU has.
    pub old: i64,
    /// The value that counts; equal to `old` if `asked` is not on the safe side of it.
    pub new: i64,
}

impl fmt::Display for Applied {
    /// For the log: `ID_AA64ISAR0_EL1.Atomic: 1 instead of 2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            asked,
            old,
            new,
        } = self;
        if new != old {
            write!(f, "{field}: {new} instead of {old}")
        } else if asked == old {
            write!(f, "{field}: {old} already")
        } else {
            write!(
                f,
                "{field}: stays {old}, {asked} would claim more than the CPU has"
            )
        }
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Applied {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{}", defmt::Display2Format(self));
    }
}
