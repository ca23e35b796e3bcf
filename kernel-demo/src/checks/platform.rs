//! Checks of time and of interrupts.

use core::arch::asm;

use aarch64_cpu::asm::barrier;
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::cpucaps::PSEUDO_NMI;
use crate::platform::interrupts::{self, ORDINARY, URGENT};
use crate::platform::timer;

#[distributed_slice(CHECKS)]
static TIMER: Check = Check {
    name: "timer",
    run: time,
};

fn time(_: &Context<'_>) -> Result<(), Mismatch> {
    // The plain counter, between two barriers.
    let plain = || {
        let ticks: u64;
        // SAFETY: reading the counter has no effect.
        unsafe {
            asm!("isb", "mrs {}, cntvct_el0", "isb", out(reg) ticks, options(nostack));
        }
        ticks
    };
    for _ in 0..100 {
        let (before, ticks, after) = (plain(), timer::now(), plain());
        equal(
            "time runs backwards",
            (ticks < before || ticks > after).into(),
            0,
        )?;
    }
    Ok(())
}

#[distributed_slice(CHECKS)]
static WAIT: Check = Check {
    name: "wait",
    run: wait,
};

fn wait(_: &Context<'_>) -> Result<(), Mismatch> {
    for microseconds in [0, 1, 50] {
        let begin = timer::now();
        let deadline = begin + microseconds * timer::frequency() / 1_000_000;
        let woken = timer::wait_until(deadline);
        equal("woken too early", (woken < deadline).into(), 0)?;
    }
    Ok(())
}

#[distributed_slice(CHECKS)]
static INTERRUPTS: Check = Check {
    name: "interrupts",
    run: masking,
};

/// Sends an SGI to this CPU; after the barriers it is delivered, unless it is masked.
fn send(interrupt: arm_gic::IntId) {
    interrupts::send(interrupt, 0);
    barrier::dsb(barrier::SY);
    barrier::isb(barrier::SY);
}

fn masking(context: &Context<'_>) -> Result<(), Mismatch> {
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
    let saved = interrupts::mask();
    send(ORDINARY);
    send(URGENT);
    let inside = since();
    interrupts::unmask(saved);
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
