//! Interrupts masked and delivered, before and after the pass.

use aarch64_cpu::asm::barrier;
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::cpucaps::PSEUDO_NMI;
use crate::interrupts::{self, ORDINARY, URGENT, mask};

#[distributed_slice(CHECKS)]
static CHECK: Check = Check {
    name: "interrupts",
    run,
};

/// Sends an SGI to this CPU; the barriers let it arrive if nothing masks it.
fn send(interrupt: arm_gic::IntId) {
    interrupts::send(interrupt, 0);
    barrier::dsb(barrier::SY);
    barrier::isb(barrier::SY);
}

fn run(context: &Context<'_>) -> Result<(), Mismatch> {
    if !interrupts::is_ready() {
        return Ok(());
    }
    let counts = || {
        (
            interrupts::delivered(ORDINARY),
            interrupts::delivered(URGENT),
        )
    };
    let (ordinary, urgent) = counts();
    let since = || {
        let now = counts();
        (u64::from(now.0 - ordinary), u64::from(now.1 - urgent))
    };

    send(ORDINARY);
    equal("delivered while nothing is masked", since().0, 1)?;
    let saved = mask::save();
    send(ORDINARY);
    send(URGENT);
    let inside = since();
    mask::restore(saved);
    barrier::isb(barrier::SY);
    equal("delivered while masked", inside.0, 1)?;
    equal(
        "urgent ones delivered while masked",
        inside.1,
        context.has(PSEUDO_NMI).into(),
    )?;
    equal("delivered in the end", since().0, 2)?;
    equal("urgent ones delivered in the end", since().1, 1)
}
