//! Code with sites, which is patched for the CPU.

use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};

use alt_runtime::{alternative, cpu_has_cap};

use crate::alternatives::cpucaps::{CRC32, LSE, SB};

/// Adds to a counter that other CPUs use: by a loop of exclusives, or by one instruction of LSE.
#[inline(never)]
pub fn add(counter: &AtomicU64, n: u64) {
    // SAFETY: each variant adds `n` atomically and changes the output operands only.
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

/// Stops speculation of the code that follows.
#[inline(never)]
pub fn speculation_barrier() {
    // SAFETY: barriers affect timing only.
    unsafe {
        alternative!(
            "dsb nsh",
            "isb",
            SB => ".arch_extension sb", "sb",
            options(nostack, preserves_flags),
        );
    }
}

/// The CRC-32 of IEEE 802.3: by the instructions of FEAT_CRC32, or bit by bit.
#[inline(never)]
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = !0;
    for byte in bytes {
        crc = if cpu_has_cap!(likely CRC32) {
            by_instruction(crc, *byte)
        } else {
            by_bit(crc, *byte)
        };
    }
    !crc
}

fn by_instruction(mut crc: u32, byte: u8) -> u32 {
    // SAFETY: computes one register; the caller has checked for FEAT_CRC32.
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

/// Executions of each site in a call of [`work`].
pub const ROUNDS: u64 = 1000;
static COUNTER: AtomicU64 = AtomicU64::new(0);

/// Executes each site and checks the results.
pub fn work() {
    for _ in 0..ROUNDS {
        add(&COUNTER, 1);
        speculation_barrier();
    }
    // The check value of CRC-32/ISO-HDLC.
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}

/// The value of the counter of all CPUs.
pub fn counted() -> u64 {
    COUNTER.load(Ordering::Relaxed)
}
