//! The ID registers and their fields, expanded from the table.

use core::fmt;

use crate::for_each_register;

/// The operands of `MRS` for a system register: `S<op0>_<op1>_C<CRn>_C<CRm>_<op2>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the Arm ARM's")]
pub struct Encoding {
    pub op0: u8,
    pub op1: u8,
    pub crn: u8,
    pub crm: u8,
    pub op2: u8,
}

macro_rules! define {
    ($($register:ident ($op0:literal, $op1:literal, $crn:literal, $crm:literal, $op2:literal)
        $(if $if_register:ident.$if_field:ident >= $least:literal)? {
        $($field:ident [$msb:literal:$lsb:literal] $scheme:ident $safe:ident $(($value:literal))?
            $(, $may_differ:ident)?;)*
    })*) => {
        /// An ID register of an arm64 CPU, or one of the two registers that describe how the kernel
        /// [runs](Register::is_kernel_state).
        #[expect(non_camel_case_types, reason = "the names are the Arm ARM's")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Register {
            $(
                #[doc = concat!("`", stringify!($register), "`")]
                $register,
            )*
        }

        impl Register {
            /// Every register, in the order of the table; `ALL[r as usize] == r`.
            pub const ALL: &'static [Register] = &[$(Register::$register),*];

            /// Its name in the Arm ARM, such as `ID_AA64ISAR0_EL1`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Register::$register => stringify!($register),)*
                }
            }

            /// Its operands in `MRS`.
            pub const fn encoding(self) -> Encoding {
                match self {
                    $(Register::$register => {
                        Encoding { op0: $op0, op1: $op1, crn: $crn, crm: $crm, op2: $op2 }
                    })*
                }
            }

            /// The condition under which the register exists: a field, and the smallest value of it.
            /// `None` if the register always exists. Reading one that does not exist is UNDEFINED.
            pub const fn exists_if(self) -> Option<(&'static Field, i64)> {
                match self {
                    $($(Register::$register => {
                        Some((&fields::$if_register::$if_field, $least))
                    })?)*
                    _ => None,
                }
            }

            /// Its fields, highest bits first.
            pub const fn fields(self) -> &'static [Field] {
                match self {
                    $(Register::$register => &[$(fields::$register::$field),*],)*
                }
            }
        }

        /// Every field as a constant, by register: `fields::ID_AA64ISAR0_EL1::Atomic`.
        #[allow(non_snake_case, non_upper_case_globals, reason = "the names are the Arm ARM's")]
        pub mod fields {
            $(
                #[doc = concat!("Fields of `", stringify!($register), "`.")]
                pub mod $register {
                    $(
                        #[doc = concat!(
                            "`", stringify!($register), ".", stringify!($field), "`, bits \\[",
                            stringify!($msb), ":", stringify!($lsb), "\\]"
                        )]
                        pub const $field: $crate::Field = $crate::Field {
                            register: $crate::Register::$register,
                            name: stringify!($field),
                            lsb: $lsb,
                            width: $msb - $lsb + 1,
                            scheme: $crate::Scheme::$scheme,
                            safe: $crate::Safe::$safe $(($value))?,
                            may_differ: define!(@is_given $($may_differ)?),
                        };
                    )*
                }
            )*
        }
    };
    (@is_given may_differ) => { true };
    (@is_given) => { false };
}

for_each_register!(define);

/// [`Register::known_bits`] of each register.
// A static, so that its section has a name: init-detect.x.
static KNOWN_BITS: [u64; Register::COUNT] = {
    let mut known = [0; Register::COUNT];
    let mut register = 0;
    while register < Register::COUNT {
        let fields = Register::ALL[register].fields();
        let mut field = 0;
        while field < fields.len() {
            known[register] |= fields[field].mask();
            field += 1;
        }
        register += 1;
    }
    known[Register::REVIDR_EL1 as usize] = u64::MAX;
    known
};

impl Register {
    /// The number of registers.
    pub const COUNT: usize = Self::ALL.len();

    /// The bits that have a meaning: those of the register's fields; all of `REVIDR_EL1`, whose bits
    /// have no names.
    pub const fn known_bits(self) -> u64 {
        KNOWN_BITS[self as usize]
    }

    /// [`known_bits`](Self::known_bits) of every register, in the order of [`ALL`](Self::ALL).
    pub const fn all_known_bits() -> &'static [u64; Self::COUNT] {
        &KNOWN_BITS
    }

    /// Whether the register describes how the kernel runs (`CurrentEL`, `HCR_EL2`), not the CPU.
    pub const fn is_kernel_state(self) -> bool {
        matches!(self, Self::CurrentEL | Self::HCR_EL2)
    }

    /// Finds a register by its name in the Arm ARM. Names are case-sensitive.
    pub fn from_name(name: &str) -> Option<Register> {
        Self::ALL
            .iter()
            .copied()
            .find(|register| register.name() == name)
    }

    /// Finds a field of this register by its name. Names are case-sensitive.
    pub fn field(self, name: &str) -> Option<&'static Field> {
        self.fields().iter().find(|field| field.name == name)
    }
}

/// The name in the Arm ARM.
impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A field of an ID register, as described in the Arm ARM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its register.
    pub register: Register,
    /// Its name within the register, in the spelling of the Arm ARM.
    pub name: &'static str,
    /// The number of its lowest bit, 0 to 63.
    pub lsb: u8,
    /// Its width in bits, 1 to 12.
    pub width: u8,
    /// How its bits encode a number.
    pub scheme: Scheme,
    /// The value that is safe for a system whose CPUs differ in the field.
    pub safe: Safe,
    /// Whether it is usual for the CPUs of one system to differ in it, as in the model, in the
    /// caches of big and little CPUs, and in features that each CPU handles by itself. A kernel
    /// should log a difference in any other field.
    pub may_differ: bool,
}

/// How the bits of a field encode a number (Arm ARM DDI 0487, "Principles of the ID scheme
/// for fields in ID registers").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// An unsigned number.
    Unsigned,
    /// A number in two's complement: `0b1111` is -1, less than `0b0000`.
    Signed,
    /// An unsigned number, except that all ones is -1, "not implemented or IMPLEMENTATION
    /// DEFINED" ("Alternative ID scheme used for the Performance Monitors Extension version").
    Alternative,
}

/// How the value of a field is chosen for a system whose CPUs have different values. Linux has the
/// same four rules (`enum ftr_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safe {
    /// The smallest value: software that relies on it works on every CPU.
    LowerSafe,
    /// The largest value: for fields that state a restriction or a required maintenance operation.
    HigherSafe,
    /// Zero ("unknown, assume the worst") if any CPU has zero, else the largest value.
    HigherOrZeroSafe,
    /// The values have no order: this value, where the CPUs differ.
    Exact(i64),
}

impl Field {
    /// The field with this full name, such as `ID_AA64ISAR0_EL1.Atomic`. Case matters.
    ///
    /// `None` if there is no such register, no such field in it, or no dot in the name.
    pub fn lookup(full_name: &str) -> Option<&'static Field> {
        let (register, name) = full_name.split_once('.')?;
        Register::from_name(register)?.field(name)
    }

    /// The value of the field in `word`, a value of its register, by its [`Scheme`].
    // One or two instructions for a field that is a constant, which is then not in memory.
    #[inline(always)]
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

    /// Returns `word` with `value` in the field. A value that does not fit is truncated to its lowest
    /// bits.
    pub const fn insert(&self, word: u64, value: i64) -> u64 {
        word & !self.mask() | (value as u64) << self.lsb & self.mask()
    }

    /// The bits of the register that the field occupies.
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

    /// The value that is safe to rely on where one CPU has `a` and another has `b`, by the field's
    /// [`Safe`] rule. The order of `a` and `b` does not matter.
    pub fn safe_value(&self, a: i64, b: i64) -> i64 {
        match self.safe {
            Safe::LowerSafe => a.min(b),
            Safe::HigherSafe => a.max(b),
            Safe::HigherOrZeroSafe if a == 0 || b == 0 => 0,
            Safe::HigherOrZeroSafe => a.max(b),
            Safe::Exact(_) if a == b => a,
            Safe::Exact(value) => value,
        }
    }
}

/// The full name, such as `ID_AA64ISAR0_EL1.Atomic`.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.register.name(), self.name)
    }
}
