//! Values of ID register fields from the kernel command line, instead of those of the CPU.

use core::fmt;

use alt_cpu::{CapKind, Field, Register, Safe};

use super::{
    CapEntry, CapTable, IdRegs, MAX_OVERRIDES, OverrideError, Rejected,
    cmdline::{self, ALIASES, OverrideWord, parse_number, same_name, starts_with},
};

/// The overrides of a kernel command line, from [`Overrides::parse`].
///
/// [Apply](Self::apply) them to the registers of every CPU before anything else uses these
/// registers, so that all CPUs agree.
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
    /// No overrides.
    pub const fn none() -> Self {
        Self {
            entries: [None; MAX_OVERRIDES],
        }
    }

    /// Finds the overrides in a kernel command line. `rejected` is called for each word that looks
    /// like an override and is ignored. Other words are skipped, and so is everything after a word
    /// `--`, since this is for the init process.
    ///
    /// A word looks like an override if it begins with `arm64.`, or if the part before its first dot
    /// is the name of an ID register, begins with `id_` or `ctr_`, or ends in `_el` and a digit. A
    /// word without a dot looks like one if it begins with the name of an ID register and `=`, or
    /// with `id_aa64`. Case does not matter, `_` and `-` are equivalent, and the `_EL1` of a
    /// register may be omitted.
    ///
    /// If several words override the same field, the last one counts, except that `arm64.no…` never
    /// restores what an earlier word has removed.
    pub fn parse<'a>(
        table: &CapTable,
        cmdline: &'a str,
        mut rejected: impl FnMut(Rejected<'a>),
    ) -> Self {
        let mut overrides = Self::none();
        let words = cmdline.split_ascii_whitespace();
        for word in words.take_while(|word| *word != "--") {
            if let Err(error) = overrides.add_word(table, word) {
                rejected(Rejected { word, error });
            }
        }
        overrides
    }

    /// Adds the overrides of a word, if it looks like one.
    fn add_word(&mut self, table: &CapTable, word: &str) -> Result<(), OverrideError> {
        let bare = word.trim_start_matches('"');
        match cmdline::split(bare) {
            None => Ok(()),
            Some(_) if bare != word => Err(OverrideError::Quoted),
            Some(OverrideWord::Name(name)) => self.add_name(table, name),
            Some(OverrideWord::Field(register, value)) => self.add_value(register, value),
            Some(OverrideWord::Wrong(error)) => Err(error),
        }
    }

    /// Adds the overrides of `no<name>`, the part of a word after `arm64.`.
    fn add_name(&mut self, table: &CapTable, word: &str) -> Result<(), OverrideError> {
        let name = match word.get(2..) {
            Some(name) if starts_with(word, "no") => name,
            _ => return Err(OverrideError::UnknownWord),
        };
        let alias = ALIASES
            .iter()
            .filter(|(_, fields)| concerns_a_feature(table, fields))
            .find(|(alias, _)| same_name(alias, name));
        if let Some((_, fields)) = alias {
            return self.remove(fields);
        }
        let info = table
            .iter()
            .find(|info| same_name(info.name, name))
            .ok_or(OverrideError::UnknownWord)?;
        let change = without(&info).ok_or(OverrideError::NotOverridable(info.name))?;
        self.remove(&[change])
    }

    /// Adds all of these overrides, or none if there is not enough room.
    fn remove(&mut self, changes: &[(&'static Field, i64)]) -> Result<(), OverrideError> {
        let before = *self;
        for &(field, value) in changes {
            let value = match self.get(field) {
                Some(earlier) => field.safe_value(earlier, value),
                None => value,
            };
            if !self.set(field, value) {
                *self = before;
                return Err(OverrideError::TooMany);
            }
        }
        Ok(())
    }

    /// Adds the override of `<field>=<number>`, the part of a word after the register.
    fn add_value(&mut self, register: Register, word: &str) -> Result<(), OverrideError> {
        if matches!(register, Register::MIDR_EL1 | Register::REVIDR_EL1) {
            return Err(OverrideError::Identity(register));
        }
        if register.is_kernel_state() {
            return Err(OverrideError::KernelState(register));
        }
        let (name, number) = word.split_once('=').unwrap_or((word, ""));
        let field = register
            .fields()
            .iter()
            .find(|field| field.name.len() == name.len() && starts_with(name, field.name))
            .ok_or(OverrideError::UnknownField(register))?;
        let number = parse_number(number).ok_or(OverrideError::NotANumber(field))?;
        let value = fit(field, number).ok_or(OverrideError::DoesNotFit(field))?;
        if let Safe::Exact(safe) = field.safe
            && value != safe
        {
            return Err(OverrideError::NotSafe { field, safe });
        }
        match self.set(field, value) {
            true => Ok(()),
            false => Err(OverrideError::TooMany),
        }
    }

    /// Whether there are no overrides.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The overridden fields and their values, in the order in which the fields first occur in the
    /// command line.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Field, i64)> {
        self.entries
            .iter()
            .flatten()
            .map(|entry| (entry.field, entry.value))
    }

    /// Overrides the registers of one CPU. `report` is called for each field.
    ///
    /// An override has the effect of a further CPU in the system that has this value: by the
    /// field's [safe value](Field::safe_value) it can remove something from this CPU and never add
    /// to it. It is combined with this CPU's own value, so that one command line works for
    /// different CPUs.
    pub fn apply(&self, regs: &mut IdRegs, mut report: impl FnMut(Applied)) {
        for (field, asked) in self.iter() {
            let old = regs.field(field);
            let new = field.safe_value(old, asked);
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
    fn get(&self, field: &Field) -> Option<i64> {
        self.iter()
            .find(|(other, _)| *other == field)
            .map(|(_, value)| value)
    }

    /// Overrides a field, and replaces an earlier override of it. `false` if there is no room.
    fn set(&mut self, field: &'static Field, value: i64) -> bool {
        let is_free = |entry: &Option<Override>| entry.is_none_or(|entry| entry.field == field);
        // Entries are never removed, so the first free one is after all used ones.
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

/// The effect of an override on one CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The field.
    pub field: &'static Field,
    /// The value from the command line.
    pub asked: i64,
    /// The value of the CPU.
    pub old: i64,
    /// The value that is used; equal to `old` if `asked` is not on the safe side of it.
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
                "{field}: stays {old}, {asked} would be more than the CPU has"
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

/// Whether a feature cap tests one of the fields.
fn concerns_a_feature(table: &CapTable, fields: &[(&Field, i64)]) -> bool {
    table
        .iter()
        .filter(|info| info.kind == CapKind::Feature)
        .any(|info| fields.iter().any(|(field, _)| info.rule.tests(field)))
}

/// The override that makes a cap absent and changes as little else as possible: a field and its
/// value. `None` if there is no such override.
fn without(info: &CapEntry) -> Option<(&'static Field, i64)> {
    match info.kind {
        CapKind::Feature => info.rule.find_required(failing),
        CapKind::Erratum => None,
    }
}

/// The override that takes the field out of its range: the largest value below it, which means "not
/// implemented" or an earlier version.
fn failing(field: &'static Field, min: i64, max: i64) -> Option<(&'static Field, i64)> {
    // These cannot be overridden: the CPU model, and the exception level of the kernel.
    if field.register.is_kernel_state() || field.register == Register::MIDR_EL1 {
        return None;
    }
    let value = match field.safe {
        Safe::LowerSafe => min.checked_sub(1)?,
        Safe::HigherSafe => max.checked_add(1)?,
        Safe::HigherOrZeroSafe => 0,
        Safe::Exact(safe) => safe,
    };
    let possible = (field.min_value()..=field.max_value()).contains(&value);
    let absent = !(min..=max).contains(&value);
    (possible && absent).then_some((field, value))
}

/// The value of a field for a number from the command line; `None` if it does not fit. A number can
/// also be the bits of a negative value: 15 and -1 are the same in a signed field of four bits.
fn fit(field: &Field, number: i64) -> Option<i64> {
    if number < 0 {
        return (number >= field.min_value()).then_some(number);
    }
    (number < 1 << field.width).then(|| field.extract(field.insert(0, number)))
}
