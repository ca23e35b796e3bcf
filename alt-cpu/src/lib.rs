//! Data about arm64 CPUs and about cpucaps, shared by the macros, the runtime and the host tools
//! of `alt-runtime`.
//!
//! | subject | types |
//! |---|---|
//! | ID registers and their fields | [`Register`], [`Field`], [`fields`], [`Scheme`], [`Safe`] |
//! | CPU models and their revisions | [`MidrRange`], [`Revision`], [`RevidrFix`] |
//! | the properties of a cpucap | [`Scope`], [`CapKind`], [`LatePolicy`], [`Verdict`] |
//!
//! The registers and fields are listed once, in [`for_each_register!`], with their names, encodings
//! and bit positions in the Arm Architecture Reference Manual (DDI 0487); [`Register`], [`Field`]
//! and the constants in [`fields`] are expanded from this list. Two of the registers, `CurrentEL`
//! and `HCR_EL2`, describe the exception level at which the kernel runs and not the CPU, so that a
//! cpucap can depend on it.
//!
//! Nothing here reads a register: a host tool works on register values that it got elsewhere.
//!
//! ```
//! use alt_cpu::{Field, MidrRange, Register, Revision, fields::ID_AA64ISAR0_EL1};
//!
//! // FEAT_LSE, from the value of its register.
//! let atomic = Field::lookup("ID_AA64ISAR0_EL1.Atomic").unwrap();
//! assert_eq!(*atomic, ID_AA64ISAR0_EL1::Atomic);
//! assert_eq!(atomic.register, Register::ID_AA64ISAR0_EL1);
//! assert_eq!((atomic.lsb, atomic.width), (20, 4));
//! assert_eq!(atomic.extract(0x0020_0000), 2);
//!
//! // Cortex-A53 r0p0 to r0p2, from the value of MIDR_EL1.
//! let a53 = MidrRange {
//!     implementer: 0x41,
//!     part: 0xd03,
//!     from: Revision::new(0, 0),
//!     to: Revision::new(0, 2),
//!     fixed: None,
//! };
//! assert!(a53.covers(0x410f_d032));
//! assert!(!a53.covers(0x410f_d034));
//! ```
#![no_std]

mod cpucap;
mod midr;
mod register;
mod table;

pub use cpucap::{CapKind, LatePolicy, MAX_CAPS, MAX_NESTING, Scope, Verdict};
pub use midr::{MidrRange, RevidrFix, Revision};
pub use register::{Encoding, Field, Register, Safe, Scheme, fields};

/// The examples of the package's page are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
