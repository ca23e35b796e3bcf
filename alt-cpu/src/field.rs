//! One field of an ID register.

use core::fmt;

use crate::Register;

/// One field of an ID register, as the Arm ARM describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The register that holds it.
    pub register: Register,
    /// Its name within the register, in the spelling of the Arm ARM.
    pub name: &'static str,
    /// Number of its lowest bit, 0 to 63.
    pub lsb: u8,
    /// Width in bits, 1 to 12.
    pub width: u8,
    /// How its bits stand for a number.
    pub scheme: Scheme,
    /// What the whole system has when its CPUs differ.
    pub safe: Safe,
    /// Whether the CPUs of one system usually differ in it: fields of identity, caches of
    /// big and little CPUs, and features that each CPU handles on its own. A difference in any
    /// other field is worth a line in the kernel's log.
    pub may_differ: bool,
}

/// How the bits of a field stand for a number (Arm ARM DDI 0487, "Principles of the ID scheme
/// for fields in ID registers").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Greater values include the features of smaller ones.
    Unsigned,
    /// The top bit is a sign: `0b1111` is -1, less than `0b0000`.
    Signed,
    /// All ones is -1, "not implemented or IMPLEMENTATION DEFINED"; every other value is
    /// unsigned ("Alternative ID scheme used for the Performance Monitors Extension version").
    Alternative,
}

/// How one value of a field is chosen for a system whose CPUs have different ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safe {
    /// The smallest: software that relies on it works on every CPU.
    LowerSafe,
    /// The largest, for fields that announce a burden.
    HigherSafe,
    /// Zero if any CPU has zero (which means "unknown, assume the worst"), else the largest.
    HigherOrZeroSafe,
    /// No order among the values: this one, when the CPUs do not agree.
    Exact(i64),
}

impl Field {
    /// Finds a field by its full name, such as `ID_AA64ISAR0_EL1.Atomic`.
    ///
    /// # Errors
    ///
    /// `None` if there is no such register, no such field in it, or no dot.
    pub fn lookup(full_name: &str) -> Option<&'static Field> {
        let (register, name) = full_name.split_once('.')?;
        Register::from_name(register)?.field(name)
    }

    /// The field's value within `word`, a value of its register, by its [`Scheme`].
    pub const fn extract(&self, word: u64) -> i64 {
        let top = 64 - self.lsb as u32 - self.width as u32;
        let bottom = 64 - self.width as u32;
        let unsigned = (word << top >> bottom) as i64;
        let signed = (word << top) as i64 >> bottom;
        match self.scheme {
            Scheme::Unsigned => unsigned,
            Scheme::Signed => signed,
            Scheme::Alternative if signed == -1 => -1,
            Scheme::Alternative => unsigned,
        }
    }

    /// `word` with `value` in the field. Of a value that does not fit, the lowest bits.
    pub const fn insert(&self, word: u64, value: i64) -> u64 {
        word & !self.mask() | (value as u64) << self.lsb & self.mask()
    }

    /// The bits of the register that belong to the field.
    pub const fn mask(&self) -> u64 {
        (u64::MAX >> (64 - self.width as u32)) << self.lsb
    }

    /// The smallest value the field can hold.
    pub const fn min_value(&self) -> i64 {
        match self.scheme {
            Scheme::Unsigned => 0,
            Scheme::Signed => -(1 << (self.width - 1)),
            Scheme::Alternative => -1,
        }
    }

    /// The largest value the field can hold.
    pub const fn max_value(&self) -> i64 {
        match self.scheme {
            Scheme::Unsigned => (1 << self.width) - 1,
            Scheme::Signed => (1 << (self.width - 1)) - 1,
            Scheme::Alternative => (1 << self.width) - 2,
        }
    }
}

/// The full name, such as `ID_AA64ISAR0_EL1.Atomic`.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.register.name(), self.name)
    }
}
