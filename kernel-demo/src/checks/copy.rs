//! memcpy: a loop over bytes, or the three instructions of MOPS.

use alt_runtime::alternative;
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::cpucaps::MOPS;

/// Copies `from` to the start of `to`, as many bytes as fit.
pub fn copy(to: &mut [u8], from: &[u8]) {
    // SAFETY: both variants copy `len` bytes, which both slices have.
    unsafe {
        alternative!(
            "   cbz  {len}, 3f",
            "2: ldrb {byte:w}, [{from}], #1",
            "   strb {byte:w}, [{to}], #1",
            "   subs {len}, {len}, #1",
            "   b.ne 2b",
            "3:",
            MOPS =>
                ".arch_extension mops",
                "cpyfp [{to}]!, [{from}]!, {len}!",
                "cpyfm [{to}]!, [{from}]!, {len}!",
                "cpyfe [{to}]!, [{from}]!, {len}!",
            to = inout(reg) to.as_mut_ptr() => _,
            from = inout(reg) from.as_ptr() => _,
            len = inout(reg) to.len().min(from.len()) => _,
            byte = out(reg) _,
            options(nostack),
        );
    }
}

#[distributed_slice(CHECKS)]
static CHECK: Check = Check {
    name: "memcpy",
    run,
};

fn run(_: &Context<'_>) -> Result<(), Mismatch> {
    let from: [u8; 300] = core::array::from_fn(|i| (i * 7 + 1) as u8);
    for (start, len) in [
        (0, 0),
        (0, 1),
        (3, 16),
        (1, 63),
        (7, 64),
        (5, 255),
        (0, 300),
    ] {
        let mut to = [0xa5; 300];
        copy(&mut to[start..start + len.min(300 - start)], &from);
        for (i, byte) in to.iter().enumerate() {
            let inside = (start..start + len).contains(&i);
            let model = if inside { from[i - start] } else { 0xa5 };
            equal("a byte", u64::from(*byte), u64::from(model))?;
        }
    }
    Ok(())
}
