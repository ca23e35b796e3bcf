//! The operations of the module.

use core::arch::asm;
use core::panic::PanicInfo;
use core::sync::atomic::AtomicU64;

use alt_runtime::{Callback, alternative, alternative_cb, cpu_has_cap};
use demo_module::{Operations, variant};

use crate::cpucaps::{ALWAYS_SYSTEM, CRC32, LSE, SB};

#[unsafe(no_mangle)]
static demo_module: Operations = Operations {
    checksum,
    count,
    variant: which,
    tag,
    report,
};

#[expect(improper_ctypes, reason = "only the address of the callback is used")]
unsafe extern "C" {
    /// A callback of the kernel for sites of one MOVZ.
    #[link_name = "demo_module_tag"]
    safe static MODULE_TAG: Callback;

    safe fn demo_report(value: u64) -> u64;

    /// The kernel does not export it, so a module that can panic is refused.
    #[link_name = "the module can panic"]
    safe fn panics() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    panics()
}

/// The reflected Castagnoli polynomial.
const POLYNOMIAL: u32 = 0x82f6_3b78;

static TABLE: [u32; 256] = {
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

unsafe extern "C" fn checksum(data: *const u8, len: usize, by_cpu: &mut bool) -> u32 {
    // SAFETY: the caller's promise.
    let data = unsafe { core::slice::from_raw_parts(data, len) };
    let mut crc = !0;
    if cpu_has_cap!(likely CRC32) {
        *by_cpu = true;
        for byte in data {
            // SAFETY: the CPU has the instruction: the cpucap is checked above.
            unsafe {
                asm!(
                    ".arch_extension crc",
                    "crc32cb {crc:w}, {crc:w}, {byte:w}",
                    crc = inout(reg) crc,
                    byte = in(reg) u32::from(*byte),
                    options(pure, nomem, nostack, preserves_flags),
                );
            }
        }
    } else {
        *by_cpu = false;
        for byte in data {
            crc = crc >> 8 ^ TABLE[usize::from(crc as u8 ^ byte)];
        }
    }
    !crc
}

static COUNTER: AtomicU64 = AtomicU64::new(0);

extern "C" fn count(n: u64) -> u64 {
    let old;
    // SAFETY: both variants are one atomic addition to the counter.
    unsafe {
        alternative!(
            "2: ldxr {old}, [{counter}]",
            "   add  {new}, {old}, {n}",
            "   stxr {failed:w}, {new}, [{counter}]",
            "   cbnz {failed:w}, 2b",
            LSE => ".arch_extension lse", "ldadd {n}, {old}, [{counter}]",
            counter = in(reg) COUNTER.as_ptr(),
            n = in(reg) n,
            old = out(reg) old,
            new = out(reg) _,
            failed = out(reg) _,
            options(nostack, preserves_flags),
        );
    }
    old
}

extern "C" fn which() -> u64 {
    let chosen;
    // SAFETY: each variant loads one constant.
    unsafe {
        alternative!(
            "mov {chosen}, #{default}",
            LSE & SB => "mov {chosen}, #{both}",
            LSE | CRC32 => "mov {chosen}, #{one}",
            !SB => "mov {chosen}, #{none}",
            chosen = out(reg) chosen,
            default = const variant::DEFAULT,
            both = const variant::BOTH,
            one = const variant::ONE,
            none = const variant::NONE,
            options(nomem, nostack, preserves_flags),
        );
    }
    chosen
}

extern "C" fn tag() -> u64 {
    let tag;
    // SAFETY: the callback replaces the constant.
    unsafe {
        alternative_cb!(
            "mov {tag}, #0",
            ALWAYS_SYSTEM => MODULE_TAG,
            tag = out(reg) tag,
            options(nomem, nostack, preserves_flags),
        );
    }
    tag
}

extern "C" fn report(value: u64) -> u64 {
    demo_report(value)
}
