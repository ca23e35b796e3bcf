//! The relocations of an object, applied for its layout.
//!
//! Names and formulas are from "ELF for the Arm 64-bit Architecture" (AAELF64), 5.7. S + A is the
//! target, P the address of the place.

use alt_object::display;
use alt_object::object::{Object, Relocation as Row, Section};
use alt_runtime::Insn;
use alt_runtime::insn::Form;
use alt_runtime::livepatch::RelocationKind;
use object::elf::{
    NAMES_R_AARCH64, R_AARCH64_ABS16, R_AARCH64_ABS32, R_AARCH64_ADR_PREL_PG_HI21_NC,
    R_AARCH64_LD_PREL_LO19, R_AARCH64_LD64_GOTOFF_LO15, R_AARCH64_MOVW_PREL_G0,
    R_AARCH64_MOVW_PREL_G0_NC, R_AARCH64_MOVW_PREL_G1, R_AARCH64_MOVW_PREL_G1_NC,
    R_AARCH64_MOVW_PREL_G2, R_AARCH64_MOVW_PREL_G2_NC, R_AARCH64_MOVW_PREL_G3,
    R_AARCH64_MOVW_SABS_G0, R_AARCH64_MOVW_SABS_G1, R_AARCH64_MOVW_SABS_G2, R_AARCH64_MOVW_UABS_G0,
    R_AARCH64_MOVW_UABS_G0_NC, R_AARCH64_MOVW_UABS_G1, R_AARCH64_MOVW_UABS_G1_NC,
    R_AARCH64_MOVW_UABS_G2, R_AARCH64_MOVW_UABS_G2_NC, R_AARCH64_MOVW_UABS_G3, R_AARCH64_NONE,
    R_AARCH64_PLT32, R_AARCH64_PREL16, RelocationType, SHT_CREL, SHT_REL, SHT_RELA,
};

use super::damaged;
use super::got::{self, Got};
use super::layout::{Layout, is_table};
use crate::image::elf::Names;
use crate::image::{ImageError, Relocation};

/// A relocation that was not applied: the place has the word of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unapplied {
    /// The address of the place.
    pub at: u64,
    /// The name of its type.
    pub kind: String,
    /// The reason.
    pub why: String,
}

/// Applies the relocations of all sections that are laid out. Returns them as a linker keeps them
/// (`--emit-relocs`), by address, and those that it could not apply.
pub(super) fn all(
    object: &Object<'_>,
    file: usize,
    layout: &mut Layout,
    names: &mut Names,
) -> Result<(Vec<Relocation>, Vec<Unapplied>), ImageError> {
    let (mut kept, mut unapplied) = (Vec::new(), Vec::new());
    let mut got = Got::new(layout.got());
    // Sections may share bytes; together they must not be larger than the file.
    let mut left = file as u64;
    for (index, rows) in object.sections.iter().enumerate() {
        if ![SHT_RELA, SHT_REL, SHT_CREL].contains(&rows.kind) {
            continue;
        }
        let Some(Some((start, offset))) = layout.places.get(rows.info).copied() else {
            continue;
        };
        let of = &object.sections[rows.info];
        let list = read(object, index, of, &mut left)?;
        for row in list {
            let at = start.wrapping_add(row.offset);
            let symbol = object.symbols.get(row.symbol);
            let address = match (row.symbol, symbol) {
                (0, _) => Some(0),
                (_, Some(symbol)) if symbol.name == got::SYMBOL => Some(got.start),
                (number, _) => layout.address(object, number),
            };
            let addend = row.addend.unwrap_or_default();
            let target = address.map(|value| value.wrapping_add_signed(addend));
            if row.kind == R_AARCH64_NONE {
                continue;
            }
            let done = match target {
                None => Err("its symbol has no address".into()),
                Some(target) => {
                    let slot = address.and_then(|of| got.resolve(row.kind, of, addend));
                    let (kind, target) = slot.unwrap_or((row.kind, target));
                    place(layout, of, offset, &row).and_then(|bytes| apply(kind, bytes, at, target))
                }
            };
            if let Err(why) = done {
                let kind = name(row.kind);
                if is_table(of.name) {
                    let section = display::name(of.name);
                    return Err(ImageError::Relocation {
                        section,
                        offset: row.offset,
                        why: format!("{kind}: {why}"),
                    });
                }
                unapplied.push(Unapplied { at, kind, why });
            }
            if let Some(target) = target {
                let symbol = names.copy(symbol.map_or(&[], |symbol| symbol.name))?;
                kept.push(Relocation {
                    at,
                    kind: row.kind.0,
                    target,
                    addend,
                    symbol,
                });
            }
        }
    }
    kept.sort_by_key(|relocation| relocation.at);
    layout.add_got(&got)?;
    unapplied.sort_by_key(|unapplied| unapplied.at);
    Ok((kept, unapplied))
}

fn read(
    object: &Object<'_>,
    index: usize,
    of: &Section<'_>,
    left: &mut u64,
) -> Result<Vec<Row>, ImageError> {
    let rows = &object.sections[index];
    let section = || display::name(of.name);
    *left = left.checked_sub(rows.size).ok_or_else(|| {
        ImageError::Truncated("the relocations take more room than the file has".into())
    })?;
    let read = object.relocations(index).map_err(damaged("relocations"))?;
    let with_addends = |list: &[Row]| list.iter().all(|row| row.addend.is_some());
    match read {
        Some(read) if read.by_symbol_table && with_addends(&read.list) => Ok(read.list),
        _ => Err(ImageError::RelocationForm { section: section() }),
    }
}

/// The bytes from the place of a relocation on, to the end of its section.
fn place<'a>(
    layout: &'a mut Layout,
    of: &Section<'_>,
    offset: Option<usize>,
    row: &Row,
) -> Result<&'a mut [u8], String> {
    let range = offset.and_then(|offset| {
        let end = offset.checked_add(usize::try_from(of.size).ok()?)?;
        let start = offset.checked_add(usize::try_from(row.offset).ok()?)?;
        Some(start..end)
    });
    let bytes = range.and_then(|range| layout.data.get_mut(range));
    bytes.ok_or_else(|| format!("{:#x} is outside its section", row.offset))
}

/// The operation of an ELF type, in the terms of alt-runtime.
fn kind(kind: RelocationType) -> Option<RelocationKind> {
    const LITERAL: &[Form] = &[Form::Ldr, Form::Ldrsw, Form::Prfm, Form::LdrSimd];
    Some(match kind {
        R_AARCH64_LD_PREL_LO19 => RelocationKind::Target(LITERAL),
        R_AARCH64_ADR_PREL_PG_HI21_NC => RelocationKind::Target(&[Form::Adrp]),
        R_AARCH64_PLT32 => RelocationKind::Relative32,
        _ => RelocationKind::new(u16::try_from(kind.0).ok()?)?,
    })
}

/// How a MOVZ, MOVK or MOVN takes a part of a value.
#[derive(Clone, Copy)]
struct Part {
    /// The lowest bit of the part.
    shift: u32,
    /// The value is the distance, not the address.
    relative: bool,
    /// The value is signed: it must fit, and its sign selects MOVZ or MOVN.
    signed: bool,
}

fn movw(kind: RelocationType) -> Option<Part> {
    let part = |shift, relative, signed| {
        Some(Part {
            shift,
            relative,
            signed,
        })
    };
    match kind {
        R_AARCH64_MOVW_UABS_G0 | R_AARCH64_MOVW_UABS_G0_NC => part(0, false, false),
        R_AARCH64_MOVW_UABS_G1 | R_AARCH64_MOVW_UABS_G1_NC => part(16, false, false),
        R_AARCH64_MOVW_UABS_G2 | R_AARCH64_MOVW_UABS_G2_NC => part(32, false, false),
        R_AARCH64_MOVW_UABS_G3 => part(48, false, false),
        R_AARCH64_MOVW_SABS_G0 => part(0, false, true),
        R_AARCH64_MOVW_SABS_G1 => part(16, false, true),
        R_AARCH64_MOVW_SABS_G2 => part(32, false, true),
        R_AARCH64_MOVW_PREL_G0 => part(0, true, true),
        R_AARCH64_MOVW_PREL_G1 => part(16, true, true),
        R_AARCH64_MOVW_PREL_G2 => part(32, true, true),
        R_AARCH64_MOVW_PREL_G3 => part(48, true, true),
        R_AARCH64_MOVW_PREL_G0_NC => part(0, true, false),
        R_AARCH64_MOVW_PREL_G1_NC => part(16, true, false),
        R_AARCH64_MOVW_PREL_G2_NC => part(32, true, false),
        _ => None,
    }
}

impl Part {
    /// Puts the part of the value into the instruction.
    fn put(self, word: u32, at: u64, target: u64) -> Result<u32, String> {
        let value = match self.relative {
            true => target.wrapping_sub(at),
            false => target,
        };
        let word = word & !(0xffff << 5);
        if !self.signed {
            return Ok(word | ((value >> self.shift) as u32 & 0xffff) << 5);
        }
        // MOVN, opc 00, writes the complement of its part; MOVZ is opc 10 (Arm ARM C6.2.254 and
        // C6.2.255).
        let negative = value.cast_signed() < 0;
        let (value, opcode) = match negative {
            true => (!value, 0b00),
            false => (value, 0b10),
        };
        // Two shifts: one shift by 64, for the highest group, would overflow.
        if value >> self.shift >> 16 != 0 {
            return Err("the value does not fit".into());
        }
        let word = word & !(0b11 << 29) | opcode << 29;
        Ok(word | ((value >> self.shift) as u32) << 5)
    }
}

fn apply(of: RelocationType, bytes: &mut [u8], at: u64, target: u64) -> Result<(), String> {
    let distance = target.wrapping_sub(at) as i64;
    if of == R_AARCH64_ABS16 || of == R_AARCH64_PREL16 {
        let place = bytes.first_chunk_mut().ok_or("outside its section")?;
        let value = match of {
            R_AARCH64_ABS16 => u16::try_from(target).ok(),
            _ => i16::try_from(distance).ok().map(i16::cast_unsigned),
        };
        *place = value.ok_or("the value does not fit")?.to_le_bytes();
        return Ok(());
    }
    let word = bytes.first_chunk().copied().map(u32::from_le_bytes);
    let word = word.ok_or("outside its section")?;
    if let Some(part) = movw(of) {
        return write(bytes, part.put(word, at, target)?.into(), 4);
    }
    if of == R_AARCH64_ABS32 {
        // Signed or unsigned (AAELF64, 5.7.5).
        let signed = i32::try_from(target.cast_signed()).map(i32::cast_unsigned);
        let value = u32::try_from(target).or(signed);
        return write(
            bytes,
            value.map_err(|_| "the value does not fit")?.into(),
            4,
        );
    }
    if of == R_AARCH64_LD64_GOTOFF_LO15 {
        return write(bytes, load_offset(word, target)?.into(), 4);
    }
    let kind = kind(of).ok_or_else(|| match name(of).contains("GOT") {
        true => "the global offset table is made by the link or the loader",
        false => "`alt` does not know how to apply this type",
    })?;
    let number = u16::try_from(of.0).unwrap_or_default();
    let value = kind
        .apply(number, Insn(word), at, target)
        .map_err(|why| why.to_string())?;
    write(bytes, value, kind.width() as usize)
}

/// LDR of 64 bits with an offset of 15 bits: bits 14:3 are in 21:10 (Arm ARM C6.2.205, "LDR
/// (immediate)").
fn load_offset(word: u32, offset: u64) -> Result<u32, String> {
    match u32::try_from(offset) {
        Ok(offset) if offset < 1 << 15 && offset.is_multiple_of(8) => {
            Ok(word & !(0xfff << 10) | offset >> 3 << 10)
        }
        _ => Err("the slot is not in the first 32 KiB of the global offset table".into()),
    }
}

fn write(bytes: &mut [u8], value: u64, width: usize) -> Result<(), String> {
    let place = bytes.get_mut(..width).ok_or("outside its section")?;
    place.copy_from_slice(&value.to_le_bytes()[..width]);
    Ok(())
}

fn name(kind: RelocationType) -> String {
    match NAMES_R_AARCH64.name(kind) {
        Some(name) => name.to_owned(),
        None => format!("relocation type {}", kind.0),
    }
}

#[cfg(test)]
mod tests {
    use object::elf::R_AARCH64_ADR_GOT_PAGE;

    use super::*;

    const MOVN: u32 = 0x9280_0000;
    const MOVZ: u32 = 0xd280_0000;
    const MOVK: u32 = 0xf280_0000;

    fn moved(kind: RelocationType, word: u32, at: u64, target: u64) -> Result<u32, String> {
        let mut bytes = word.to_le_bytes();
        apply(kind, &mut bytes, at, target).map(|()| u32::from_le_bytes(bytes))
    }

    /// By the formulas of AAELF64, 5.7.6 and 5.7.7, with X7 as the register.
    #[test]
    fn parts_of_a_value() {
        let (at, near) = (0x1000, 0x1000_u64.wrapping_add_signed(-0x1_2346));
        let far = at + 0x1_2345_6789_abcd;
        for (kind, word, target, expected) in [
            (
                R_AARCH64_MOVW_PREL_G0,
                MOVZ,
                at + 0xfffe,
                MOVZ | 0xfffe << 5,
            ),
            (
                R_AARCH64_MOVW_PREL_G0,
                MOVN,
                at + 0xfffe,
                MOVZ | 0xfffe << 5,
            ),
            (R_AARCH64_MOVW_PREL_G0, MOVZ, at - 1, MOVN),
            (R_AARCH64_MOVW_PREL_G1, MOVZ, near, MOVN | 0x1 << 5),
            (R_AARCH64_MOVW_PREL_G0_NC, MOVK, near, MOVK | 0xdcba << 5),
            (R_AARCH64_MOVW_PREL_G3, MOVZ, far, MOVZ | 0x1 << 5),
            (R_AARCH64_MOVW_PREL_G2_NC, MOVK, far, MOVK | 0x2345 << 5),
            (R_AARCH64_MOVW_PREL_G1_NC, MOVK, far, MOVK | 0x6789 << 5),
            (R_AARCH64_MOVW_SABS_G0, MOVZ, 0x1234, MOVZ | 0x1234 << 5),
            (R_AARCH64_MOVW_SABS_G2, MOVZ, !0, MOVN),
            (
                R_AARCH64_MOVW_UABS_G1,
                MOVZ,
                0x5678_0000,
                MOVZ | 0x5678 << 5,
            ),
        ] {
            let found = moved(kind, word | 7, at, target).unwrap();
            assert_eq!(found, expected | 7, "{} to {target:#x}", name(kind));
        }
        for (kind, target) in [
            (R_AARCH64_MOVW_PREL_G0, at + 0x1_0000),
            (R_AARCH64_MOVW_PREL_G0, near),
            (R_AARCH64_MOVW_PREL_G1, far),
            (R_AARCH64_MOVW_SABS_G1, far),
        ] {
            let why = moved(kind, MOVZ, at, target).unwrap_err();
            assert_eq!(why, "the value does not fit", "{}", name(kind));
        }
    }

    #[test]
    fn data_of_32_bits_is_signed_or_unsigned() {
        for (value, expected) in [(0xffff_ffff, Ok(0xffff_ffff)), (!0, Ok(0xffff_ffff))] {
            assert_eq!(moved(R_AARCH64_ABS32, 0, 0, value), expected);
        }
        for value in [1 << 32, !0 << 32] {
            let why = moved(R_AARCH64_ABS32, 0, 0, value).unwrap_err();
            assert_eq!(why, "the value does not fit");
        }
    }

    #[test]
    fn offsets_of_slots_have_15_bits() {
        let ldr = 0xf940_0021; // ldr x1, [x1]
        let kind = R_AARCH64_LD64_GOTOFF_LO15;
        assert_eq!(moved(kind, ldr, 0, 0x7ff8), Ok(ldr | 0xfff << 10));
        assert_eq!(moved(kind, ldr | 0xfff << 10, 0, 8), Ok(ldr | 1 << 10));
        for offset in [0x8000, 4, !7] {
            let why = moved(kind, ldr, 0, offset).unwrap_err();
            assert!(why.contains("32 KiB"), "{why}");
        }
    }

    #[test]
    fn what_cannot_be_applied_says_why() {
        let why = moved(R_AARCH64_ADR_GOT_PAGE, 0x9000_0000, 0, 0).unwrap_err();
        assert!(why.starts_with("the global offset table "), "{why}");
        let why = moved(RelocationType(0xffff), 0, 0, 0).unwrap_err();
        assert!(why.starts_with("`alt` does not know"), "{why}");
    }
}
