//! CRC-32C: by a table, or by the instructions of FEAT_CRC32.

use core::arch::asm;

use alt_runtime::cpu_has_cap;

use crate::cpucaps::CRC32;

/// The reflected Castagnoli polynomial.
const POLYNOMIAL: u32 = 0x82f6_3b78;

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = crc >> 1 ^ if crc & 1 != 0 { POLYNOMIAL } else { 0 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

/// The checksum of `data`, and whether the CPU's instructions computed it.
pub fn crc32c(data: &[u8]) -> (u32, bool) {
    if cpu_has_cap!(likely CRC32) {
        (!data.iter().fold(!0, |crc, byte| by_cpu(crc, *byte)), true)
    } else {
        (
            !data.iter().fold(!0, |crc, byte| {
                crc >> 8 ^ TABLE[usize::from(crc as u8 ^ byte)]
            }),
            false,
        )
    }
}

fn by_cpu(crc: u32, byte: u8) -> u32 {
    let result;
    // SAFETY: the CPU has the instruction: the caller has checked the cpucap.
    unsafe {
        asm!(
            ".arch_extension crc",
            "crc32cb {result:w}, {crc:w}, {byte:w}",
            crc = in(reg) crc,
            byte = in(reg) u32::from(byte),
            result = out(reg) result,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    result
}
