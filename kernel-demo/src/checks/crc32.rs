//! CRC-32C: by table, or by the CPU.

use core::arch::asm;

use alt_runtime::cpu_has_cap;
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
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

/// The checksum of `data`, and whether the CPU computed it.
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
    // SAFETY: the CPU has the instruction: only the cpucap's branch comes here.
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

#[distributed_slice(CHECKS)]
static CHECK: Check = Check { name: "crc32", run };

fn run(context: &Context<'_>) -> Result<(), Mismatch> {
    // The first is the check value that is published for CRC-32C; the others are
    // of RFC 3720, B.4.
    let vectors: [(&[u8], u32); 4] = [
        (b"123456789", 0xe306_9283),
        (&[0; 32], 0x8a91_36aa),
        (&[0xff; 32], 0x62a8_ab43),
        (&[], 0),
    ];
    for (data, expected) in vectors {
        let (crc, by_cpu) = crc32c(data);
        equal("the checksum", crc.into(), expected.into())?;
        equal(
            "computed by the CPU",
            by_cpu.into(),
            context.has(CRC32).into(),
        )?;
    }
    Ok(())
}
