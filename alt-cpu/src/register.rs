//! The registers, expanded from the table.

use core::fmt;

use crate::{Field, for_each_register};

/// How `MRS` names a system register: `S<op0>_<op1>_C<CRn>_C<CRm>_<op2>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(
    missing_docs,
    reason = "the five parts have no other names than the Arm ARM's"
)]
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
        /// An ID register of arm64.
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

            /// The name in the Arm ARM, such as `ID_AA64ISAR0_EL1`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Register::$register => stringify!($register),)*
                }
            }

            /// How `MRS` names it.
            pub const fn encoding(self) -> Encoding {
                match self {
                    $(Register::$register => {
                        Encoding { op0: $op0, op1: $op1, crn: $crn, crm: $crm, op2: $op2 }
                    })*
                }
            }

            /// The field and its least value with which the register exists; `None` if it always
            /// does. Reading a register that does not exist is UNDEFINED.
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

impl Register {
    /// How many registers there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The bits that mean something: those of its fields; all of `REVIDR_EL1`, whose bits have no
    /// names.
    pub const fn known_bits(self) -> u64 {
        if matches!(self, Self::REVIDR_EL1) {
            return u64::MAX;
        }
        let fields = self.fields();
        let (mut bits, mut index) = (0, 0);
        while index < fields.len() {
            bits |= fields[index].mask();
            index += 1;
        }
        bits
    }

    /// Whether it tells how the kernel runs, and nothing of the CPU.
    pub const fn is_of_kernel(self) -> bool {
        matches!(self, Self::CurrentEL | Self::HCR_EL2)
    }

    /// Finds a register by its name in the Arm ARM.
    pub fn from_name(name: &str) -> Option<Register> {
        Self::ALL
            .iter()
            .copied()
            .find(|register| register.name() == name)
    }

    /// Finds one of its fields by name.
    pub fn field(self, name: &str) -> Option<&'static Field> {
        self.fields().iter().find(|field| field.name == name)
    }
}

/// The name.
impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
