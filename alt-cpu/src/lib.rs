//! The arm64 ID registers and their fields, stated once for macros, runtime and tools.
//!
//! Everything here is data: which registers describe an arm64 CPU, how `MRS` names them, and
//! where each field lies, by its name in the Arm Architecture Reference Manual (DDI 0487). The
//! list stands in [`for_each_register!`]; [`Register`], [`Field`] and the constants in [`fields`]
//! are expanded from it.
//!
//! Two of the registers, `CurrentEL` and `HCR_EL2`, describe the kernel and not the CPU: the
//! exception level that it runs at. Rules can ask for them like for ID registers.
//!
//! ```
//! use alt_cpu::{Field, fields::ID_AA64ISAR0_EL1, Register};
//!
//! let atomic = Field::lookup("ID_AA64ISAR0_EL1.Atomic").unwrap();
//! assert_eq!(*atomic, ID_AA64ISAR0_EL1::Atomic);
//! assert_eq!(atomic.register, Register::ID_AA64ISAR0_EL1);
//! assert_eq!((atomic.lsb, atomic.width), (20, 4));
//! assert_eq!(atomic.extract(0x0020_0000), 2);
//! ```
#![no_std]

mod field;
mod register;
mod table;

pub use field::{Field, Safe, Scheme};
pub use register::{Encoding, Register, fields};
