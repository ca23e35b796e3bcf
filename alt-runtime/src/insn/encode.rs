//! Encoders of instructions, for callbacks.
//!
//! Only 64-bit forms, only registers 0 to 30: number 31 is the stack pointer in some
//! of these instructions and zero in others, and is refused in all.
//!
//! They are inlined, so that most operands are checked and encoded at compile time.

use core::{error, fmt};

use super::Insn;
use crate::message::{hex, message};

/// A value has no place in the instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Unencodable {
    /// The instruction and its operand.
    pub what: &'static str,
    /// The value.
    pub value: u64,
}

impl fmt::Display for Unencodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, value } = *self;
        message!(f, "{} cannot be {}", what, hex(value))
    }
}

impl error::Error for Unencodable {}

/// `value`, if it is one of `0..=max`.
#[inline]
const fn field(what: &'static str, value: u32, max: u32) -> Result<u32, Unencodable> {
    if value > max {
        return Err(Unencodable {
            what,
            value: value as u64,
        });
    }
    Ok(value)
}

/// `?` for a `const fn`.
macro_rules! attempt {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => return Err(error),
        }
    };
}

#[inline]
const fn destination(register: u8) -> Result<u32, Unencodable> {
    field("a destination register", register as u32, 30)
}

#[inline]
const fn source(register: u8) -> Result<u32, Unencodable> {
    match field("a source register", register as u32, 30) {
        Ok(register) => Ok(register << 5),
        Err(error) => Err(error),
    }
}

// Arm ARM DDI 0487, C6.2, the instruction of the name.
impl Insn {
    /// The field Rd or Rt, bits 4 to 0: the destination of most instructions.
    #[must_use]
    pub const fn rd(self) -> u8 {
        (self.0 & 0x1f) as u8
    }

    /// The field Rn, bits 9 to 5: the first source of most instructions.
    #[must_use]
    pub const fn rn(self) -> u8 {
        (self.0 >> 5 & 0x1f) as u8
    }

    /// `movz x<rd>, #<imm16>, lsl #<shift>`, with `shift` 0, 16, 32 or 48.
    ///
    /// # Errors
    /// [`Unencodable`] for another register or shift.
    #[inline]
    pub const fn movz(rd: u8, imm16: u16, shift: u32) -> Result<Self, Unencodable> {
        move_wide(0xd280_0000, rd, imm16, shift)
    }

    /// `movn x<rd>, #<imm16>, lsl #<shift>`: the complement; `shift` as for
    /// [`movz`](Self::movz).
    ///
    /// # Errors
    /// [`Unencodable`] for another register or shift.
    #[inline]
    pub const fn movn(rd: u8, imm16: u16, shift: u32) -> Result<Self, Unencodable> {
        move_wide(0x9280_0000, rd, imm16, shift)
    }

    /// `movk x<rd>, #<imm16>, lsl #<shift>`: the other bits stay; `shift` as for
    /// [`movz`](Self::movz).
    ///
    /// # Errors
    /// [`Unencodable`] for another register or shift.
    #[inline]
    pub const fn movk(rd: u8, imm16: u16, shift: u32) -> Result<Self, Unencodable> {
        move_wide(0xf280_0000, rd, imm16, shift)
    }

    /// MOVZ and three MOVK that load any `value`.
    ///
    /// # Errors
    /// [`Unencodable`] for a register above 30.
    #[inline]
    pub const fn load_constant64(rd: u8, value: u64) -> Result<[Self; 4], Unencodable> {
        Ok([
            attempt!(Self::movz(rd, value as u16, 0)),
            attempt!(Self::movk(rd, (value >> 16) as u16, 16)),
            attempt!(Self::movk(rd, (value >> 32) as u16, 32)),
            attempt!(Self::movk(rd, (value >> 48) as u16, 48)),
        ])
    }

    /// `and x<rd>, x<rn>, #<mask>`.
    ///
    /// # Errors
    /// [`Unencodable`] for a register above 30, and for a mask that is not, repeated
    /// over 2, 4, 8, 16, 32 or 64 bits, one run of ones, rotated. 0 and all ones
    /// are no such masks.
    #[inline]
    pub const fn and_immediate(rd: u8, rn: u8, mask: u64) -> Result<Self, Unencodable> {
        logical("the mask of an AND", 0x9200_0000, rd, rn, mask)
    }

    /// `orr x<rd>, x<rn>, #<mask>`.
    ///
    /// # Errors
    /// As for [`and_immediate`](Self::and_immediate).
    #[inline]
    pub const fn orr_immediate(rd: u8, rn: u8, mask: u64) -> Result<Self, Unencodable> {
        logical("the mask of an ORR", 0xb200_0000, rd, rn, mask)
    }

    /// `ror x<rd>, x<rn>, #<amount>`, 0 to 63: an alias of EXTR.
    ///
    /// # Errors
    /// [`Unencodable`] for a register above 30 or another amount.
    #[inline]
    pub const fn ror(rd: u8, rn: u8, amount: u32) -> Result<Self, Unencodable> {
        let (rd, rn) = (attempt!(destination(rd)), attempt!(source(rn)));
        let amount = attempt!(field("the amount of a ROR", amount, 63));
        Ok(Self(0x93c0_0000 | rn << 11 | amount << 10 | rn | rd))
    }

    /// `add x<rd>, x<rn>, #<imm12>, lsl #<shift>`, with `imm12` up to 4095 and
    /// `shift` 0 or 12.
    ///
    /// # Errors
    /// [`Unencodable`] for a register above 30, another immediate or another shift.
    #[inline]
    pub const fn add_immediate(
        rd: u8,
        rn: u8,
        imm12: u32,
        shift: u32,
    ) -> Result<Self, Unencodable> {
        let (rd, rn) = (attempt!(destination(rd)), attempt!(source(rn)));
        let imm12 = attempt!(field("the immediate of an ADD", imm12, 4095));
        let shifted = match shift {
            0 => 0,
            12 => 1,
            _ => {
                return Err(Unencodable {
                    what: "the shift of an ADD",
                    value: shift as u64,
                });
            }
        };
        Ok(Self(0x9100_0000 | shifted << 22 | imm12 << 10 | rn | rd))
    }

    /// `hvc #<imm16>`
    #[must_use]
    pub const fn hvc(imm16: u16) -> Self {
        Self(0xd400_0002 | (imm16 as u32) << 5)
    }

    /// `smc #<imm16>`
    #[must_use]
    pub const fn smc(imm16: u16) -> Self {
        Self(0xd400_0003 | (imm16 as u32) << 5)
    }
}

#[inline]
const fn move_wide(base: u32, rd: u8, imm16: u16, shift: u32) -> Result<Insn, Unencodable> {
    let rd = attempt!(destination(rd));
    if shift > 48 || !shift.is_multiple_of(16) {
        return Err(Unencodable {
            what: "the shift of a wide move",
            value: shift as u64,
        });
    }
    Ok(Insn(base | (shift / 16) << 21 | (imm16 as u32) << 5 | rd))
}

#[inline]
const fn logical(
    what: &'static str,
    base: u32,
    rd: u8,
    rn: u8,
    mask: u64,
) -> Result<Insn, Unencodable> {
    let (rd, rn) = (attempt!(destination(rd)), attempt!(source(rn)));
    match bitmask_fields(mask) {
        Some(fields) => Ok(Insn(base | fields << 10 | rn | rd)),
        None => Err(Unencodable { what, value: mask }),
    }
}

/// The fields N:immr:imms of a bitmask immediate; `None` if `mask` is not one.
///
/// A mask is an element of 2, 4, 8, 16, 32 or 64 bits, repeated; the element is a run
/// of ones, rotated right by immr (Arm ARM DDI 0487, `DecodeBitMasks`).
#[inline]
const fn bitmask_fields(mask: u64) -> Option<u32> {
    if mask == 0 || mask == u64::MAX {
        return None;
    }
    // The shortest element that makes up the mask.
    let mut size = 64;
    while size > 2 && mask.rotate_right(size / 2) == mask {
        size /= 2;
    }
    // The run, moved down to bit 0 of the element: a rotation of the mask rotates
    // each element, since they are equal. Below the lowest one that has a zero
    // below it is the start of a run.
    let start = (mask & !mask.rotate_left(1)).trailing_zeros();
    let run = mask.rotate_right(start);
    let ones = run.trailing_ones();
    let element = u64::MAX >> (64 - size);
    if run & element != (1 << ones) - 1 {
        return None;
    }
    // `start` counts to the left, immr to the right, within an element.
    let immr = (size - start) % size;
    // imms holds the size as a prefix of ones and a zero, and the ones less one;
    // N is the end of that prefix, for 64 bits.
    let n = size / 64;
    let imms = (!(2 * size - 1) & 0x3f) | (ones - 1);
    Some(n << 12 | immr << 6 | imms)
}
