//! Moving a word to another address.

use core::{error, fmt};

use super::{Class, Form, Insn, Relative};
use crate::message::{message, signed};

/// A target is too far away for the form of instruction that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OutOfReach {
    /// The kind of instruction; its reach is [`Form::reach`].
    pub form: Form,
    /// The displacement that would be needed, in bytes; for [`Form::Adrp`] between pages.
    pub displacement: i64,
}

/// Why a word cannot be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum MoveError {
    /// Its target is out of reach from the new address.
    OutOfReach(OutOfReach),
    /// It signs with its own address: see [`Class::SignsPc`](super::Class::SignsPc).
    SignsPc(Insn),
    /// It may be PC-relative in a way we do not know: see
    /// [`Class::Unknown`](super::Class::Unknown).
    Unknown(Insn),
}

impl Insn {
    /// The word that has the same effect at address `to` as this one has at address `from`.
    ///
    /// A PC-relative word is re-aimed at the same absolute target; all others stay as they are.
    /// Addresses are virtual addresses in bytes, modulo 2⁶⁴.
    ///
    /// # Errors
    ///
    /// [`MoveError`] says why the word cannot be moved there.
    pub fn relocate(self, from: u64, to: u64) -> Result<Self, MoveError> {
        match self.classify() {
            Class::NotRelative => Ok(self),
            Class::Relative(relative) => Ok(self.aim(relative, from, to)?),
            Class::SignsPc => Err(MoveError::SignsPc(self)),
            Class::Unknown => Err(MoveError::Unknown(self)),
        }
    }

    /// Moves a word that has been found to be `relative`.
    #[inline(never)]
    pub(crate) fn aim(self, relative: Relative, from: u64, to: u64) -> Result<Self, OutOfReach> {
        let Relative { form, displacement } = relative;
        let moved = form.origin(from).wrapping_sub(form.origin(to)) as i64;
        let displacement = displacement.wrapping_add(moved);
        match form.immediate().write(self.0, displacement) {
            Some(word) => Ok(Self(word)),
            None => Err(OutOfReach { form, displacement }),
        }
    }
}

impl From<OutOfReach> for MoveError {
    fn from(error: OutOfReach) -> Self {
        Self::OutOfReach(error)
    }
}

impl fmt::Display for OutOfReach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { form, displacement } = *self;
        message!(
            f,
            "{} needs a displacement of {} bytes, its reach is {}",
            &form,
            signed(displacement),
            &form.reach()
        )
    }
}

impl fmt::Display for MoveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::OutOfReach(error) => error.fmt(f),
            Self::SignsPc(insn) => {
                message!(
                    f,
                    "{} signs with its own address and cannot be moved",
                    &insn
                )
            }
            Self::Unknown(insn) => {
                message!(f, "{} may be PC-relative in a way that is not known", &insn)
            }
        }
    }
}

impl error::Error for OutOfReach {}

impl error::Error for MoveError {}
