//! Checks of checksums, random numbers and comparisons in constant time.

use core::arch::asm;

use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::cpucaps::{CRC32, DIT, RNG};
use crate::features::crc32::crc32c;
use crate::features::crypto::{compare, random};
use crate::platform::timer;

#[distributed_slice(CHECKS)]
static CHECKSUM: Check = Check {
    name: "crc32",
    run: checksum,
};

fn checksum(context: &Context<'_>) -> Result<(), Mismatch> {
    // The first is the published check value of CRC-32C; the others are from RFC 3720, B.4.
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

#[distributed_slice(CHECKS)]
static ENTROPY: Check = Check {
    name: "entropy",
    run: entropy,
};

fn entropy(context: &Context<'_>) -> Result<(), Mismatch> {
    let ((first, from_cpu), begin) = (random(), timer::now());
    // Without a generator, a number changes with the counter only.
    while timer::now() == begin {}
    let (second, _) = random();
    equal(
        "from the CPU's generator",
        from_cpu.into(),
        context.has(RNG).into(),
    )?;
    equal("two numbers are equal", (first == second).into(), 0)
}

#[distributed_slice(CHECKS)]
static CONSTANT_TIME: Check = Check {
    name: "constant-time",
    run: constant_time,
};

fn constant_time(context: &Context<'_>) -> Result<(), Mismatch> {
    let dit = || {
        if !context.has(DIT) {
            return 0;
        }
        let value: u64;
        // SAFETY: the CPU has the register: `context` has the cpucap.
        unsafe {
            asm!(".arch_extension dit", "mrs {}, dit", out(reg) value, options(nomem, nostack));
        }
        value >> 24
    };
    for (left, right) in [
        ("secret", "secret"),
        ("secret", "sacred"),
        ("secret", "secrets"),
    ] {
        let (same, during) = compare(left.as_bytes(), right.as_bytes(), dit);
        equal("the comparison", same.into(), (left == right).into())?;
        equal("PSTATE.DIT meanwhile", during, context.has(DIT).into())?;
    }
    equal("PSTATE.DIT afterwards", dit(), 0)
}
