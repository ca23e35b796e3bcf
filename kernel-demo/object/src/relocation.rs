//! The relocations that the linker has left to the loader.
//!
//! Names and formulas are from "ELF for the Arm 64-bit Architecture" (AAELF64), 5.7: S is the address
//! of the symbol, A the addend, P the address of the place.

use alt_runtime::insn::{Class, Insn, MoveError};
use elf::abi::{
    R_AARCH64_ABS16, R_AARCH64_ABS32, R_AARCH64_ABS64, R_AARCH64_ADD_ABS_LO12_NC,
    R_AARCH64_ADR_PREL_LO21, R_AARCH64_ADR_PREL_PG_HI21, R_AARCH64_ADR_PREL_PG_HI21_NC,
    R_AARCH64_CALL26, R_AARCH64_CONDBR19, R_AARCH64_JUMP26, R_AARCH64_LD_PREL_LO19,
    R_AARCH64_LDST8_ABS_LO12_NC, R_AARCH64_LDST16_ABS_LO12_NC, R_AARCH64_LDST32_ABS_LO12_NC,
    R_AARCH64_LDST64_ABS_LO12_NC, R_AARCH64_LDST128_ABS_LO12_NC, R_AARCH64_PREL32,
    R_AARCH64_PREL64, R_AARCH64_TSTBR14,
};
use thiserror::Error;

/// Why a relocation cannot be applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum RelocationError {
    /// A type that the compiler does not emit for this target.
    #[error("relocations of this type are not supported")]
    Unsupported,
    /// The place is outside of its section, or not an aligned instruction.
    #[error("the place {offset:#x} is not inside the section")]
    OutsideSection {
        /// Its offset from the start of the section in bytes.
        offset: u64,
    },
    /// The value does not fit in the bits of the place.
    #[error("{value:#x} does not fit in the place")]
    TooLarge {
        /// S + A, or S + A − P.
        value: u64,
    },
    /// The offset in the page is not a multiple of the size of the access.
    #[error("{target:#x} is not aligned to the access")]
    Misaligned {
        /// S + A.
        target: u64,
    },
    /// The instruction at the place is not PC-relative.
    #[error("{word} does not refer to an address")]
    NotRelative {
        /// The instruction.
        word: Insn,
    },
    /// The target is out of the range of the instruction.
    #[error(transparent)]
    OutOfReach(#[from] MoveError),
}

/// Applies a relocation of type `kind` at `offset` of `section`, which will be at `address`. `target`
/// is S + A.
pub fn apply(
    kind: u32,
    section: &mut [u8],
    offset: u64,
    address: u64,
    target: u64,
) -> Result<(), RelocationError> {
    let place = address.wrapping_add(offset);
    let outside = RelocationError::OutsideSection { offset };
    let bytes = usize::try_from(offset)
        .ok()
        .and_then(|offset| section.get_mut(offset..))
        .ok_or(outside)?;
    let relative = target.wrapping_sub(place);
    match kind {
        R_AARCH64_ABS64 => *bytes.first_chunk_mut().ok_or(outside)? = target.to_le_bytes(),
        R_AARCH64_PREL64 => *bytes.first_chunk_mut().ok_or(outside)? = relative.to_le_bytes(),
        R_AARCH64_ABS32 => *bytes.first_chunk_mut().ok_or(outside)? = narrow(target)?,
        // The number of a cpucap in a record of an outline atomic.
        R_AARCH64_ABS16 => {
            let value = u16::try_from(target);
            let value = value.map_err(|_| RelocationError::TooLarge { value: target })?;
            *bytes.first_chunk_mut().ok_or(outside)? = value.to_le_bytes();
        }
        R_AARCH64_PREL32 => *bytes.first_chunk_mut().ok_or(outside)? = narrow(relative)?,
        _ => {
            let bytes = bytes.first_chunk_mut().ok_or(outside)?;
            if !place.is_multiple_of(4) {
                return Err(outside);
            }
            let word = Insn(u32::from_le_bytes(*bytes));
            *bytes = instruction(kind, word, place, target)?.0.to_le_bytes();
        }
    }
    Ok(())
}

/// The value in 32 bits, signed or unsigned.
fn narrow(value: u64) -> Result<[u8; 4], RelocationError> {
    let signed = i32::try_from(value as i64).map(i32::to_le_bytes);
    let unsigned = u32::try_from(value).map(u32::to_le_bytes);
    signed
        .or(unsigned)
        .map_err(|_| RelocationError::TooLarge { value })
}

fn instruction(kind: u32, word: Insn, place: u64, target: u64) -> Result<Insn, RelocationError> {
    match kind {
        R_AARCH64_LD_PREL_LO19
        | R_AARCH64_ADR_PREL_LO21
        | R_AARCH64_ADR_PREL_PG_HI21
        | R_AARCH64_ADR_PREL_PG_HI21_NC
        | R_AARCH64_TSTBR14
        | R_AARCH64_CONDBR19
        | R_AARCH64_JUMP26
        | R_AARCH64_CALL26 => aim(word, place, target),
        R_AARCH64_ADD_ABS_LO12_NC | R_AARCH64_LDST8_ABS_LO12_NC => in_page(word, target, 0),
        R_AARCH64_LDST16_ABS_LO12_NC => in_page(word, target, 1),
        R_AARCH64_LDST32_ABS_LO12_NC => in_page(word, target, 2),
        R_AARCH64_LDST64_ABS_LO12_NC => in_page(word, target, 3),
        R_AARCH64_LDST128_ABS_LO12_NC => in_page(word, target, 4),
        _ => Err(RelocationError::Unsupported),
    }
}

/// The PC-relative `word` at `place`, aimed at `target`.
fn aim(word: Insn, place: u64, target: u64) -> Result<Insn, RelocationError> {
    let Class::Relative(relative) = word.classify() else {
        return Err(RelocationError::NotRelative { word });
    };
    // The addend is in the relocation, so the word refers to its own address. At `target` it would
    // refer to `target`; from there it is moved to its place.
    let itself = relative.target(0);
    Ok(word.relocate(target.wrapping_sub(itself), place)?)
}

/// The word with the target's offset in its page in bits 21 to 10, in units of 2^`scale` bytes.
fn in_page(word: Insn, target: u64, scale: u32) -> Result<Insn, RelocationError> {
    let offset = target as u32 & 0xfff;
    if offset.trailing_zeros() < scale {
        return Err(RelocationError::Misaligned { target });
    }
    Ok(Insn(word.0 & !(0xfff << 10) | offset >> scale << 10))
}
