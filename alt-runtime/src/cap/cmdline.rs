//! Overrides as words of the kernel command line.
//!
//! | word | effect |
//! |------|--------|
//! | `arm64.no<cap>` | the greatest value of the cap's field that does without the cap |
//! | an alias, such as `arm64.nopauth` | as in Linux: the fields of a whole extension at "none" |
//! | `<register>.<field>=<number>` | that value |
//!
//! Case does not matter, and neither do `_` and `-`.

use core::fmt;

use alt_cpu::{
    Field, Register, Safe,
    fields::{
        ID_AA64ISAR1_EL1, ID_AA64ISAR2_EL1, ID_AA64MMFR2_EL1, ID_AA64PFR0_EL1, ID_AA64PFR1_EL1,
    },
};

use super::{CapInfo, CapKind, CapTable, IdRegs, Overrides, Rule, sanitise::safer};

/// The words that Linux has for whole extensions, and the values they give. A kernel has those
/// of which one of its feature caps asks for a field.
const ALIASES: &[(&str, &[(&Field, i64)])] = &[
    ("sve", &[(&ID_AA64PFR0_EL1::SVE, 0)]),
    ("sme", &[(&ID_AA64PFR1_EL1::SME, 0)]),
    ("bti", &[(&ID_AA64PFR1_EL1::BT, 0)]),
    ("gcs", &[(&ID_AA64PFR1_EL1::GCS, 0)]),
    ("mte", &[(&ID_AA64PFR1_EL1::MTE, 0)]),
    ("mops", &[(&ID_AA64ISAR2_EL1::MOPS, 0)]),
    ("lva", &[(&ID_AA64MMFR2_EL1::VARange, 0)]),
    // 1 is "AArch64 only".
    ("32bitel0", &[(&ID_AA64PFR0_EL1::EL0, 1)]),
    (
        "mpam",
        &[
            (&ID_AA64PFR0_EL1::MPAM, 0),
            (&ID_AA64PFR1_EL1::MPAM_frac, 0),
        ],
    ),
    (
        "pauth",
        &[
            (&ID_AA64ISAR1_EL1::GPI, 0),
            (&ID_AA64ISAR1_EL1::GPA, 0),
            (&ID_AA64ISAR1_EL1::API, 0),
            (&ID_AA64ISAR1_EL1::APA, 0),
            (&ID_AA64ISAR2_EL1::GPA3, 0),
            (&ID_AA64ISAR2_EL1::APA3, 0),
        ],
    ),
];

/// A word that looks like an override and is not obeyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected<'a> {
    /// The word.
    pub word: &'a str,
    /// What is wrong with it.
    pub error: OverrideError,
}

/// What is wrong with a word of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OverrideError {
    /// It begins with `arm64.` and is neither `no` with a cpucap nor an alias.
    UnknownWord,
    /// There is no such ID register.
    UnknownRegister,
    /// The register has no such field.
    UnknownField(Register),
    /// A number must follow: `=`, then decimal or `0x` and hexadecimal digits.
    NotANumber(&'static Field),
    /// The field has fewer bits.
    DoesNotFit(&'static Field),
    /// The field has no order by which the value would be safe: `safe` is the only one.
    NotSafe {
        /// The field.
        field: &'static Field,
        /// The value that it may be given.
        safe: i64,
    },
    /// The word names a register and none of its fields.
    MissingField(Register),
    /// The word begins with a quotation mark.
    Quoted,
    /// This register says which CPU it is, and errata go by that.
    Identity(Register),
    /// This register says at what exception level the kernel runs, which a word cannot change.
    KernelState(Register),
    /// The cpucap with this name does not come and go with the value of one field, or is an
    /// erratum, which does not go away when it is not looked at.
    NotOverridable(&'static str),
    /// More than [`MAX_OVERRIDES`](super::MAX_OVERRIDES) fields would be overridden. None of the
    /// fields of this word is.
    TooMany,
}

impl Overrides {
    /// Finds the overrides in a kernel command line, and tells `rejected` of each word that
    /// looks like one and is not obeyed. The words of other subsystems are passed over, and so
    /// is everything after a word `--`, which belongs to the first process.
    ///
    /// A word looks like an override if it begins with `arm64.`; if what stands before its first
    /// dot is the name of an ID register, begins with `id_` or `ctr_`, or ends like a register's
    /// name in `_el` and a digit; and without a dot, if it begins with the name of an ID register
    /// and `=`, or with `id_aa64`. Case does not matter, nor do `_` and `-`; the `_EL1` of a
    /// register may be left out.
    ///
    /// Of several words on one field the last counts, except that `arm64.no…` never takes back
    /// what an earlier word took away.
    pub fn parse<'a>(
        table: &CapTable,
        cmdline: &'a str,
        mut rejected: impl FnMut(Rejected<'a>),
    ) -> Self {
        let mut overrides = Self::none();
        let words = cmdline.split_ascii_whitespace();
        for word in words.take_while(|word| *word != "--") {
            if let Err(error) = overrides.obey(table, word) {
                rejected(Rejected { word, error });
            }
        }
        overrides
    }

    fn obey(&mut self, table: &CapTable, word: &str) -> Result<(), OverrideError> {
        let bare = word.trim_start_matches('"');
        match claim(bare) {
            None => Ok(()),
            Some(_) if bare != word => Err(OverrideError::Quoted),
            Some(Claim::Name(name)) => self.obey_name(table, name),
            Some(Claim::Field(register, value)) => self.obey_value(register, value),
            Some(Claim::Wrong(error)) => Err(error),
        }
    }

    /// `no<name>`, behind `arm64.`.
    fn obey_name(&mut self, table: &CapTable, word: &str) -> Result<(), OverrideError> {
        let name = match word.get(2..) {
            Some(name) if starts_with(word, "no") => name,
            _ => return Err(OverrideError::UnknownWord),
        };
        let alias = ALIASES
            .iter()
            .filter(|(_, fields)| concerns_a_feature(table, fields))
            .find(|(alias, _)| same_name(alias, name));
        if let Some((_, fields)) = alias {
            return self.take_away(fields);
        }
        let info = table
            .iter()
            .find(|info| same_name(info.name, name))
            .ok_or(OverrideError::UnknownWord)?;
        let change = without(info).ok_or(OverrideError::NotOverridable(info.name))?;
        self.take_away(&[change])
    }

    /// All of the changes, or none if there is not enough room.
    fn take_away(&mut self, changes: &[(&'static Field, i64)]) -> Result<(), OverrideError> {
        let before = *self;
        for &(field, value) in changes {
            let value = match self.get(field) {
                Some(earlier) => safer(field, earlier, value),
                None => value,
            };
            if !self.set(field, value) {
                *self = before;
                return Err(OverrideError::TooMany);
            }
        }
        Ok(())
    }

    /// `<field>=<number>`, behind the register.
    fn obey_value(&mut self, register: Register, word: &str) -> Result<(), OverrideError> {
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
        let number = parse(number).ok_or(OverrideError::NotANumber(field))?;
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
}

/// What a word that looks like an override asks for.
enum Claim<'a> {
    /// What stands behind `arm64.`.
    Name(&'a str),
    /// The register, and what stands behind its dot.
    Field(Register, &'a str),
    Wrong(OverrideError),
}

/// `None` if the word is another subsystem's.
fn claim(word: &str) -> Option<Claim<'_>> {
    let Some((head, rest)) = word.split_once('.') else {
        let (head, _) = word.split_once('=')?;
        return match register(head) {
            Some(register) => Some(Claim::Wrong(OverrideError::MissingField(register))),
            None => {
                starts_with(head, "id_aa64").then_some(Claim::Wrong(OverrideError::UnknownRegister))
            }
        };
    };
    if head.eq_ignore_ascii_case("arm64") {
        return Some(Claim::Name(rest));
    }
    match register(head) {
        Some(register) => Some(Claim::Field(register, rest)),
        None => is_like_a_register(head).then_some(Claim::Wrong(OverrideError::UnknownRegister)),
    }
}

/// The register with this name, with or without its `_EL1`.
fn register(name: &str) -> Option<Register> {
    Register::ALL.iter().copied().find(|register| {
        let full = register.name();
        let short = full.rsplit_once('_').map_or(full, |(short, _)| short);
        [full, short]
            .iter()
            .any(|known| known.len() == name.len() && starts_with(name, known))
    })
}

/// Whether it can be nothing but the name of a register, though there is no such ID register.
fn is_like_a_register(head: &str) -> bool {
    let level = head.len().checked_sub(4).and_then(|at| head.get(at..));
    let has_level = level.is_some_and(|level| {
        starts_with(level, "_el") && matches!(level.as_bytes()[3], b'0'..=b'3')
    });
    has_level || starts_with(head, "id_") || starts_with(head, "ctr_")
}

/// Whether a word begins like this, but for case; `_` and `-` are one.
fn starts_with(word: &str, prefix: &str) -> bool {
    let plain = |byte: u8| match byte {
        b'-' => b'_',
        byte => byte.to_ascii_lowercase(),
    };
    word.len() >= prefix.len()
        && prefix
            .bytes()
            .map(plain)
            .eq(word.bytes().map(plain).take(prefix.len()))
}

/// Whether two names are the same but for case, `_` and `-`.
fn same_name(a: &str, b: &str) -> bool {
    fn letters(name: &str) -> impl Iterator<Item = u8> {
        name.bytes()
            .filter(|byte| !matches!(byte, b'_' | b'-'))
            .map(|byte| byte.to_ascii_lowercase())
    }
    letters(a).eq(letters(b))
}

/// Whether a feature cap asks for one of the fields.
fn concerns_a_feature(table: &CapTable, fields: &[(&Field, i64)]) -> bool {
    table
        .iter()
        .filter(|info| info.kind == CapKind::Feature)
        .any(|info| fields.iter().any(|(field, _)| info.rule.tests(field)))
}

/// The field and the value that take a cap away from a CPU and leave it as much as possible
/// besides.
fn without(info: &CapInfo) -> Option<(&'static Field, i64)> {
    match info.kind {
        CapKind::Feature => failing(&info.rule),
        CapKind::Erratum => None,
    }
}

/// What makes the rule fail: a value just below the least that will do, be that "not
/// implemented" or a lesser version. Of several rules that must all hold, the first that can be
/// made to fail.
fn failing(rule: &Rule) -> Option<(&'static Field, i64)> {
    let (field, min, max) = match *rule {
        Rule::Field { field, min, max } => (field, min, max),
        Rule::All(rules) => return rules.iter().find_map(failing),
        _ => return None,
    };
    // `MIDR_EL1` is not to be overridden either, and neither is what the kernel runs at.
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

/// A decimal number with or without a minus, or `0x` and hexadecimal digits.
fn parse(text: &str) -> Option<i64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        // The digits alone: `from_str_radix` would take a sign as well.
        Some(digits) if digits.starts_with(['+', '-']) => None,
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// The value of the field that a number stands for: itself, or the bits of a negative one, so
/// that 15 and -1 are the same in a signed field of four bits.
fn fit(field: &Field, number: i64) -> Option<i64> {
    if number < 0 {
        return (number >= field.min_value()).then_some(number);
    }
    let mut regs = IdRegs::new();
    regs.set_field(field, number);
    (number < 1 << field.width).then(|| regs.field(field))
}

impl fmt::Display for Rejected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.word, self.error)
    }
}

impl fmt::Display for OverrideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownWord => f.write_str("not `arm64.no` and the name of a cpucap"),
            Self::UnknownRegister => f.write_str("there is no such ID register"),
            Self::UnknownField(register) => write!(f, "{register} has no such field"),
            Self::NotANumber(field) => {
                write!(f, "{field} needs a value, such as {field}=0 or {field}=0x0")
            }
            Self::DoesNotFit(field) => write!(f, "{field} has {} bits", field.width),
            Self::NotSafe { field, safe } => {
                write!(f, "{field} can only be overridden by {safe}")
            }
            Self::Identity(register) => {
                write!(
                    f,
                    "{register} is what errata go by and cannot be overridden"
                )
            }
            Self::MissingField(register) => write!(
                f,
                "{register} is a register: name one of its fields, as in {register}.<field>=0"
            ),
            Self::Quoted => f.write_str("write it without quotation marks"),
            Self::KernelState(register) => write!(
                f,
                "{register} says how the kernel runs, which a word does not change"
            ),
            Self::NotOverridable(name) => write!(f, "cpucap {name} cannot be overridden"),
            Self::TooMany => write!(
                f,
                "more than {} fields are overridden",
                super::MAX_OVERRIDES
            ),
        }
    }
}

impl core::error::Error for OverrideError {}

#[cfg(feature = "defmt")]
impl defmt::Format for OverrideError {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{}", defmt::Display2Format(self));
    }
}
