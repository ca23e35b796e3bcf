//! Moving a word to another address.

use core::{error, fmt};

use super::classify::Found;
use super::form::Row;
use super::{Form, Insn};

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
    /// The word that does at address `to` what this one does at address `from`.
    ///
    /// A PC-relative word is re-aimed at the same absolute target; all others stay as they are.
    /// Addresses are virtual addresses in bytes, modulo 2⁶⁴.
    ///
    /// # Errors
    ///
    /// [`MoveError`] says why the word cannot be moved there.
    #[inline]
    pub fn relocate(self, from: u64, to: u64) -> Result<Self, MoveError> {
        match self.find() {
            Found::NotRelative => Ok(self),
            Found::Row(row) => self.move_row(row, from, to),
            Found::SignsPc => Err(MoveError::SignsPc(self)),
            Found::Unknown => Err(MoveError::Unknown(self)),
        }
    }

    /// Moves a word that is of the form of `row`.
    fn move_row(self, row: &Row, from: u64, to: u64) -> Result<Self, MoveError> {
        let moved = row.form.origin(from).wrapping_sub(row.form.origin(to)) as i64;
        let displacement = row.immediate.read(self.0).wrapping_add(moved);
        match row.immediate.write(self.0, displacement) {
            Some(word) => Ok(Self(word)),
            None => Err(OutOfReach {
                form: row.form,
                displacement,
            }
            .into()),
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
        let Self { form, displacement } = self;
        write!(
            f,
            "{form} needs a displacement of {displacement:+} bytes, its reach is {}",
            form.reach()
        )
    }
}

impl fmt::Display for MoveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfReach(error) => error.fmt(f),
            Self::SignsPc(insn) => {
                write!(f, "{insn} signs with its own address and cannot be moved")
            }
            Self::Unknown(insn) => {
                write!(f, "{insn} may be PC-relative in a way that is not known")
            }
        }
    }
}

impl error::Error for OutOfReach {}

impl error::Error for MoveError {}
