//! Why a cpucap is present or absent.

use core::fmt;

use alt_cpu::Field;

/// What decided about a cpucap, in words for the log: `ID_AA64ISAR0_EL1.Atomic=2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Nothing: it is always so.
    Always,
    /// A field had this value.
    Field {
        /// The field.
        field: &'static Field,
        /// Its value.
        value: i64,
    },
    /// The CPU is, or is not, one of the listed ones.
    Midr {
        /// `MIDR_EL1`.
        midr: u64,
    },
    /// The CPU is listed, but says that it has been mended.
    Fixed {
        /// `MIDR_EL1`.
        midr: u64,
        /// `REVIDR_EL1`.
        revidr: u64,
    },
    /// A function of the kernel said so.
    Custom {
        /// Its name.
        name: &'static str,
        /// What it returned.
        result: bool,
    },
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Evidence::Always => f.pad("always"),
            Evidence::Field { field, value } => write!(f, "{field}={value}"),
            Evidence::Midr { midr } => write!(f, "MIDR_EL1={midr:#x}"),
            Evidence::Fixed { midr, revidr } => {
                write!(f, "MIDR_EL1={midr:#x} fixed by REVIDR_EL1={revidr:#x}")
            }
            Evidence::Custom { name, result } => write!(f, "{name}()={result}"),
        }
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Evidence {
    fn format(&self, f: defmt::Formatter<'_>) {
        match *self {
            Evidence::Always => defmt::write!(f, "always"),
            Evidence::Field { field, value } => {
                defmt::write!(
                    f,
                    "{=str}.{=str}={=i64}",
                    field.register.name(),
                    field.name,
                    value
                );
            }
            Evidence::Midr { midr } => defmt::write!(f, "MIDR_EL1={=u64:#x}", midr),
            Evidence::Fixed { midr, revidr } => defmt::write!(
                f,
                "MIDR_EL1={=u64:#x} fixed by REVIDR_EL1={=u64:#x}",
                midr,
                revidr
            ),
            Evidence::Custom { name, result } => defmt::write!(f, "{=str}()={=bool}", name, result),
        }
    }
}
