//! Objects with relocations in the compact form, which the assembler of LLVM 22 writes if it is told
//! `--crel --allow-experimental-crel`.

use object::LittleEndian;
use object::elf::{SHT_CREL, SHT_RELA};
use object::read::elf::{ElfFile64, FileHeader, Rela, SectionHeader};

const LE: LittleEndian = LittleEndian;

/// The object with all relocations in CREL form, in the place of those of SHT_RELA.
///
/// # Panics
/// If it is no object of 64 bits, or if the new relocations are longer than the old ones.
pub fn with_crel(object: &[u8]) -> Vec<u8> {
    let mut new = object.to_vec();
    let file = ElfFile64::<LittleEndian>::parse(object).expect("an ELF file");
    let header = file.elf_header();
    let sections = header.sections(LE, object).expect("section headers");
    for (number, section) in sections.iter().enumerate() {
        if section.sh_type(LE) != SHT_RELA {
            continue;
        }
        let (rows, _) = section.rela(LE, object).unwrap().unwrap();
        // The number of rows, bit 2 for addends, and a shift of 0 for offsets.
        let mut bytes = Vec::new();
        leb(
            &mut bytes,
            i128::from(rows.len() as u64) << 3 | 1 << 2,
            false,
        );
        let (mut offset, mut symbol, mut kind, mut addend) = (0, 0, 0, 0);
        for row in rows {
            // The distance of the offset, and that all three differences follow.
            leb(
                &mut bytes,
                i128::from(row.r_offset(LE) - offset) << 3 | 0b111,
                false,
            );
            let new_symbol = i128::from(row.r_sym(LE, false));
            let new_kind = i128::from(row.r_type(LE, false).0);
            leb(&mut bytes, new_symbol - symbol, true);
            leb(&mut bytes, new_kind - kind, true);
            leb(&mut bytes, i128::from(row.r_addend(LE) - addend), true);
            (offset, symbol, kind, addend) =
                (row.r_offset(LE), new_symbol, new_kind, row.r_addend(LE));
        }
        let (start, length) = section.file_range(LE).expect("bytes in the file");
        assert!(bytes.len() as u64 <= length);
        new[start as usize..][..bytes.len()].copy_from_slice(&bytes);
        // Offsets of sh_type and sh_size in a header of 64 bytes.
        let at = header.e_shoff(LE) as usize + number * 64;
        new[at + 4..][..4].copy_from_slice(&SHT_CREL.0.to_le_bytes());
        new[at + 32..][..8].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    }
    new
}

/// Appends a number as LEB128.
fn leb(bytes: &mut Vec<u8>, mut value: i128, signed: bool) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        let sign = signed && low & 0x40 != 0;
        if (value == 0 && !sign) || (value == -1 && sign) {
            return bytes.push(low);
        }
        bytes.push(low | 0x80);
    }
}
