//! Relocations: words of the payload that depend on where payload and image are.
//!
//! Names and formulas are from "ELF for the Arm 64-bit Architecture" (AAELF64), 5.7: S + A is the
//! target, P the address of the place. The addend is in the relocation; what the place holds in the
//! bits of the immediate does not count.

use core::fmt;

use crate::insn::{Class, Form, Insn, OutOfReach, Relative};

/// The operation of a relocation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// S + A in 8 bytes.
    Absolute64,
    /// S + A − P in 8 bytes.
    Relative64,
    /// S + A − P in 4 bytes, signed.
    Relative32,
    /// The target of one of these PC-relative instructions.
    Target(&'static [Form]),
    /// The immediate of ADD: bits 11 to 0 of S + A.
    Add,
    /// The immediate of a load or store of 1 << n bytes: bits 11 to 0 of S + A.
    LoadStore(u32),
}

/// Why a relocation cannot be applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RelocationError {
    /// The place holds another instruction than the type is for.
    WrongInstruction {
        /// `R_AARCH64_…`.
        kind: u16,
        /// The instruction.
        word: Insn,
    },
    /// The target is too far away for the instruction.
    OutOfReach(OutOfReach),
    /// The distance does not fit in 32 bits.
    TooFar {
        /// S + A − P.
        distance: i64,
    },
    /// The target is not aligned to the size of the load or store.
    Misaligned {
        /// S + A.
        target: u64,
        /// The size in bytes.
        size: u32,
    },
}

impl Kind {
    /// The operation of the ELF relocation type `kind`; `None` if payloads do not have it.
    pub fn new(kind: u16) -> Option<Self> {
        Some(match kind {
            257 => Self::Absolute64,                       // ABS64
            260 => Self::Relative64,                       // PREL64
            261 => Self::Relative32,                       // PREL32
            274 => Self::Target(&[Form::Adr]),             // ADR_PREL_LO21
            275 => Self::Target(&[Form::Adrp]),            // ADR_PREL_PG_HI21
            277 => Self::Add,                              // ADD_ABS_LO12_NC
            278 => Self::LoadStore(0),                     // LDST8_ABS_LO12_NC
            279 => Self::Target(&[Form::Tbz, Form::Tbnz]), // TSTBR14
            // BC.cond too: a hint on the same branch (FEAT_HBC).
            280 => Self::Target(&[Form::BCond, Form::BcCond, Form::Cbz, Form::Cbnz]), // CONDBR19
            282 => Self::Target(&[Form::B, Form::Bl]),                                // JUMP26
            283 => Self::Target(&[Form::Bl, Form::B]),                                // CALL26
            284 => Self::LoadStore(1), // LDST16_ABS_LO12_NC
            285 => Self::LoadStore(2), // LDST32_ABS_LO12_NC
            286 => Self::LoadStore(3), // LDST64_ABS_LO12_NC
            299 => Self::LoadStore(4), // LDST128_ABS_LO12_NC
            _ => return None,
        })
    }

    /// Bytes that it writes.
    pub const fn width(self) -> u32 {
        match self {
            Self::Absolute64 | Self::Relative64 => 8,
            _ => 4,
        }
    }

    /// Whether the place is an instruction, which is aligned to 4.
    pub const fn is_instruction(self) -> bool {
        !matches!(self, Self::Absolute64 | Self::Relative64 | Self::Relative32)
    }

    /// Whether `word` is an instruction that the relocation can change.
    fn suits(self, word: Insn) -> bool {
        match self {
            Self::Absolute64 | Self::Relative64 | Self::Relative32 => true,
            Self::Target(_) => self.relative(word).is_some(),
            // ADD (immediate), not shifted (Arm ARM C6.2.5).
            Self::Add => word.0 & 0x7fc0_0000 == 0x1100_0000,
            Self::LoadStore(scale) => load_store_scale(word) == Some(scale),
        }
    }

    /// Whether the relocation of the ELF type `kind` can change `word`.
    pub fn check(self, kind: u16, word: Insn) -> Result<(), RelocationError> {
        match self.suits(word) {
            true => Ok(()),
            false => Err(RelocationError::WrongInstruction { kind, word }),
        }
    }

    fn relative(self, word: Insn) -> Option<Relative> {
        match (self, word.classify()) {
            (Self::Target(forms), Class::Relative(relative)) => {
                forms.contains(&relative.form).then_some(relative)
            }
            _ => None,
        }
    }

    /// The content of the place, in the low [`width`](Self::width) bytes. `kind` is the ELF type,
    /// `word` is the word at the place, `place` is P, and `target` is S + A.
    pub fn apply(
        self,
        kind: u16,
        word: Insn,
        place: u64,
        target: u64,
    ) -> Result<u64, RelocationError> {
        let distance = target.wrapping_sub(place) as i64;
        self.check(kind, word)?;
        let word = match self {
            Self::Absolute64 => return Ok(target),
            Self::Relative64 => return Ok(distance as u64),
            Self::Relative32 => {
                i32::try_from(distance).map_err(|_| RelocationError::TooFar { distance })? as u32
            }
            Self::Target(_) => {
                let relative = self
                    .relative(word)
                    .ok_or(RelocationError::WrongInstruction { kind, word })?;
                // At `target`, the instruction would refer to `target` plus what it has as
                // displacement. So much before `target`, it refers to `target`; from there it moves
                // to its place.
                let origin = target.wrapping_sub(relative.target(0));
                let moved = word.aim(relative, origin, place);
                moved.map_err(RelocationError::OutOfReach)?.0
            }
            Self::Add => in_page(word, target, 0)?,
            Self::LoadStore(scale) => in_page(word, target, scale)?,
        };
        Ok(word.into())
    }
}

/// The word with the target's offset in its page in bits 21 to 10, in units of 1 << `scale` bytes.
fn in_page(word: Insn, target: u64, scale: u32) -> Result<u32, RelocationError> {
    let size = 1 << scale;
    if !target.is_multiple_of(size.into()) {
        return Err(RelocationError::Misaligned { target, size });
    }
    let offset = (target & 0xfff) as u32;
    Ok(word.0 & !(0xfff << 10) | offset >> scale << 10)
}

/// Log2 of the bytes that a load or store with an unsigned offset transfers (Arm ARM C4.1, "Load/store
/// register (unsigned immediate)"); `None` for other instructions.
fn load_store_scale(word: Insn) -> Option<u32> {
    let word = word.0;
    if word & 0x3b00_0000 != 0x3900_0000 {
        return None;
    }
    let (size, is_simd, is_wide) = (word >> 30, word & 1 << 26 != 0, word & 1 << 23 != 0);
    match (is_simd, is_wide, size) {
        (true, true, 0) => Some(4),
        // Unallocated.
        (true, true, _) => None,
        _ => Some(size),
    }
}

impl fmt::Display for RelocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongInstruction { kind, word } => {
                write!(
                    f,
                    "relocation type {kind} is not for the instruction {word}"
                )
            }
            Self::OutOfReach(error) => error.fmt(f),
            Self::TooFar { distance } => {
                write!(f, "the distance {distance:+} does not fit in 32 bits")
            }
            Self::Misaligned { target, size } => write!(
                f,
                "the target {target:#x} is not aligned to the access of {size} bytes"
            ),
        }
    }
}

impl core::error::Error for RelocationError {}
