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
    /// Whether the top bit is a sign: in these fields `0b1111` is *less* than `0b0000`.
    pub signed: bool,
    /// What the whole system has when its CPUs differ.
    pub safe: Safe,
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

    /// The field's value within `word`, a value of its register; sign-extended if it is signed.
    pub const fn extract(&self, word: u64) -> i64 {
        let top = 64 - self.lsb as u32 - self.width as u32;
        let bottom = 64 - self.width as u32;
        if self.signed {
            (word << top) as i64 >> bottom
        } else {
            (word << top >> bottom) as i64
        }
    }

    /// `word` with `value` in the field. Of a value that does not fit, the lowest bits.
    pub const fn insert(&self, word: u64, value: i64) -> u64 {
        let mask = (u64::MAX >> (64 - self.width as u32)) << self.lsb;
        word & !mask | (value as u64) << self.lsb & mask
    }

    /// The smallest value the field can hold.
    pub const fn min_value(&self) -> i64 {
        if self.signed {
            -(1 << (self.width - 1))
        } else {
            0
        }
    }

    /// The largest value the field can hold.
    pub const fn max_value(&self) -> i64 {
        (1 << (self.width - self.signed as u8)) - 1
    }
}

/// The full name, such as `ID_AA64ISAR0_EL1.Atomic`.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.register.name(), self.name)
    }
}
