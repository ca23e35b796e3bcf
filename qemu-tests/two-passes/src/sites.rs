//! Code that the kernel adapts: to the boot CPU in the first pass, to all CPUs in the last one.

use core::arch::asm;
use core::sync::atomic::AtomicU64;

use alt_runtime::{alternative, cpu_has_cap};

use crate::cpucaps::{CRC32, LSE};

/// Adds to a counter that other CPUs use: in a loop, or by one instruction if all CPUs have it.
#[inline(never)]
pub fn add(counter: &AtomicU64, n: u64) {
    // SAFETY: each variant adds `n` in one atomic step, and keeps to the operands.
    unsafe {
        alternative!(
            "2: ldxr {new}, [{counter}]",
            "   add  {new}, {new}, {n}",
            "   stxr {failed:w}, {new}, [{counter}]",
            "   cbnz {failed:w}, 2b",
            LSE => ".arch_extension lse", "stadd {n}, [{counter}]",
            counter = in(reg) counter.as_ptr(), n = in(reg) n,
            new = out(reg) _, failed = out(reg) _, options(nostack),
        );
    }
}

/// The CRC-32 of IEEE 802.3: by instructions if the boot CPU has them, otherwise bit by bit.
#[inline(never)]
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        if cpu_has_cap!(likely CRC32) {
            by_instruction(crc, *byte)
        } else {
            by_bit(crc, *byte)
        }
    })
}

fn by_instruction(mut crc: u32, byte: u8) -> u32 {
    // SAFETY: only computes; the caller has asked for FEAT_CRC32.
    unsafe {
        asm!(
            ".arch_extension crc",
            "crc32b {crc:w}, {crc:w}, {byte:w}",
            crc = inout(reg) crc, byte = in(reg) u32::from(byte),
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    crc
}

fn by_bit(crc: u32, byte: u8) -> u32 {
    (0..8).fold(crc ^ u32::from(byte), |crc, _| {
        crc >> 1 ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
    })
}

/// Whether the text has been patched for CRC32, and for LSE.
#[inline(never)]
pub fn patched_for() -> (bool, bool) {
    (cpu_has_cap!(likely CRC32), cpu_has_cap!(likely LSE))
}
