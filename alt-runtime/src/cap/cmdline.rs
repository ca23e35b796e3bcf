//! Overrides as words of the kernel command line.
//!
//! | word | effect |
//! |------|--------|
//! | `arm64.no<cap>` | the largest value of the cap's field with which the cap is absent |
//! | an alias, such as `arm64.nopauth` | as in Linux: the fields of an extension as if it were not implemented |
//! | `<register>.<field>=<number>` | this value |
//!
//! Case does not matter, and `_` and `-` are equivalent.

use core::fmt;

use alt_cpu::{
    Field, Register,
    fields::{
        ID_AA64ISAR1_EL1, ID_AA64ISAR2_EL1, ID_AA64MMFR2_EL1, ID_AA64PFR0_EL1, ID_AA64PFR1_EL1,
    },
};

/// The number of fields that a command line can override. One word overrides up to six.
pub const MAX_OVERRIDES: usize = 32;

/// Linux's aliases for whole extensions, and the values of fields for which they stand. An alias is
/// recognised if a feature cap of the kernel tests one of its fields.
pub(super) const ALIASES: &[(&str, &[(&Field, i64)])] = &[
    ("sve", &[(&ID_AA64PFR0_EL1::SVE, 0)]),
    ("sme", &[(&ID_AA64PFR1_EL1::SME, 0)]),
    ("bti", &[(&ID_AA64PFR1_EL1::BT, 0)]),
    ("gcs", &[(&ID_AA64PFR1_EL1::GCS, 0)]),
    ("mte", &[(&ID_AA64PFR1_EL1::MTE, 0)]),
    ("mops", &[(&ID_AA64ISAR2_EL1::MOPS, 0)]),
    ("lva", &[(&ID_AA64MMFR2_EL1::VARange, 0)]),
    // 1: AArch64 only.
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

/// A word of the command line that looks like an override and is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected<'a> {
    /// The word.
    pub word: &'a str,
    /// What is wrong with it.
    pub error: OverrideError,
}

/// Why a word of the command line is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OverrideError {
    /// After `arm64.` there is neither `no` and the name of a cpucap nor an alias.
    UnknownWord,
    /// There is no such ID register.
    UnknownRegister,
    /// The register has no such field.
    UnknownField(Register),
    /// A value is required: `=`, then a decimal number, or `0x` and hexadecimal digits.
    NotANumber(&'static Field),
    /// The value does not fit the field.
    DoesNotFit(&'static Field),
    /// The values of the field have no order, and only the value `safe` is allowed.
    NotSafe {
        /// The field.
        field: &'static Field,
        /// The allowed value.
        safe: i64,
    },
    /// The word contains the name of a register, but no field.
    MissingField(Register),
    /// The word begins with a quotation mark.
    Quoted,
    /// The register identifies the CPU model, on which errata depend.
    Identity(Register),
    /// The register describes the exception level of the kernel, which a word cannot change.
    KernelState(Register),
    /// The presence of the cpucap with this name does not depend on the value of one field, or the
    /// cpucap is an erratum.
    NotOverridable(&'static str),
    /// More than [`MAX_OVERRIDES`] fields would be overridden. The whole word is ignored.
    TooMany,
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
                    "{register} identifies the CPU model and cannot be overridden"
                )
            }
            Self::MissingField(register) => write!(
                f,
                "{register} is a register: add one of its fields, as in {register}.<field>=0"
            ),
            Self::Quoted => f.write_str("write the word without quotation marks"),
            Self::KernelState(register) => write!(
                f,
                "{register} describes the exception level of the kernel and cannot be overridden"
            ),
            Self::NotOverridable(name) => write!(f, "cpucap {name} cannot be overridden"),
            Self::TooMany => write!(f, "more than {MAX_OVERRIDES} fields are overridden"),
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

/// A word that looks like an override.
pub(super) enum OverrideWord<'a> {
    /// `arm64.`, and the rest of the word.
    Name(&'a str),
    /// The name of a register and a dot, and the rest of the word.
    Field(Register, &'a str),
    /// A word that cannot be an override.
    Wrong(OverrideError),
}

/// Splits a word of the command line. `None` if it does not look like an override; see
/// [`Overrides::parse`](super::Overrides::parse).
pub(super) fn split(word: &str) -> Option<OverrideWord<'_>> {
    let Some((head, rest)) = word.split_once('.') else {
        let (head, _) = word.split_once('=')?;
        return match register(head) {
            Some(register) => Some(OverrideWord::Wrong(OverrideError::MissingField(register))),
            None => starts_with(head, "id_aa64")
                .then_some(OverrideWord::Wrong(OverrideError::UnknownRegister)),
        };
    };
    if head.eq_ignore_ascii_case("arm64") {
        return Some(OverrideWord::Name(rest));
    }
    match register(head) {
        Some(register) => Some(OverrideWord::Field(register, rest)),
        None => {
            is_like_a_register(head).then_some(OverrideWord::Wrong(OverrideError::UnknownRegister))
        }
    }
}

/// The register with this name. Its `_EL1` may be missing.
fn register(name: &str) -> Option<Register> {
    Register::ALL.iter().copied().find(|register| {
        let full = register.name();
        let short = full.rsplit_once('_').map_or(full, |(short, _)| short);
        [full, short]
            .iter()
            .any(|known| known.len() == name.len() && starts_with(name, known))
    })
}

/// Whether `head` looks like the name of a register, although no ID register has this name.
fn is_like_a_register(head: &str) -> bool {
    let level = head.len().checked_sub(4).and_then(|at| head.get(at..));
    let has_level = level.is_some_and(|level| {
        starts_with(level, "_el") && matches!(level.as_bytes()[3], b'0'..=b'3')
    });
    has_level || starts_with(head, "id_") || starts_with(head, "ctr_")
}

/// Whether a word begins with `prefix`. Case does not matter, and `_` and `-` are equivalent.
pub(super) fn starts_with(word: &str, prefix: &str) -> bool {
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

/// Whether two names are equal. Case does not matter, and `_` and `-` are ignored.
pub(super) fn same_name(a: &str, b: &str) -> bool {
    fn letters(name: &str) -> impl Iterator<Item = u8> {
        name.bytes()
            .filter(|byte| !matches!(byte, b'_' | b'-'))
            .map(|byte| byte.to_ascii_lowercase())
    }
    letters(a).eq(letters(b))
}

/// The value of a decimal number with or without a minus sign, or of `0x` and hexadecimal digits.
pub(super) fn parse_number(text: &str) -> Option<i64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        // `from_str_radix` would accept a sign.
        Some(digits) if digits.starts_with(['+', '-']) => None,
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
