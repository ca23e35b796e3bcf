//! What the hypervisor says and does against plain models, and things that must go wrong, provoked.

mod rights;
mod round_trips;
mod services;
mod shadow;

use core::sync::atomic::{AtomicU64, Ordering};

use aarch64_cpu::registers::{CNTP_CTL_EL0, CNTPCT_EL0, Readable};
use alt_runtime::boot::Finalised;
use defmt::{error, info};
use demo_hyp::abi::{COUNT_FROM, Question, Service};

use super::CHOSEN;
use super::call::{HypError, call};
use super::layout::to_hyp;
use crate::checks::{Mismatch, equal};
use crate::kernel::Failed;

/// How often each CPU counts.
const ROUNDS: u64 = 500;
/// What the hypervisor's counter has to be.
static COUNTED: AtomicU64 = AtomicU64::new(COUNT_FROM);

/// Tries everything; for the boot CPU, once what is not in use has been given back.
pub fn exercise(finalised: &Finalised) -> Result<(), Failed> {
    let Some(variant) = CHOSEN.get() else {
        return Ok(());
    };
    services::check(variant, finalised)?;
    rights::check(variant)?;
    round_trips::check()?;
    shadow::check()
}

/// Who answers on this CPU, and that all CPUs count with one counter.
pub fn exercise_this_cpu(cpu: usize) -> Result<(), Failed> {
    let Some(variant) = CHOSEN.get() else {
        return Ok(());
    };
    let vectors = call(Service::Identity, [Question::Vectors as u64, 0]);
    if vectors != Ok(to_hyp(variant.bounds().vectors as u64)) {
        error!("hyp CPU {=usize}: the vectors are at {}", cpu, vectors);
        return Err(Failed);
    }
    // EL1 still has the physical counter and timer; a trap ends the run.
    let before = CNTPCT_EL0.get();
    if CNTP_CTL_EL0.is_set(CNTP_CTL_EL0::ENABLE) || CNTPCT_EL0.get() < before {
        error!("hyp CPU {=usize}: the physical timer is not as it was", cpu);
        return Err(Failed);
    }
    for _ in 0..ROUNDS {
        COUNTED.fetch_add(1, Ordering::Relaxed);
        if let Err(why) = call(Service::Count, [1, 0]) {
            error!("hyp CPU {=usize} cannot count: {}", cpu, why);
            return Err(Failed);
        }
    }
    Ok(())
}

/// Compares what all CPUs have counted, when all have.
pub fn counted() -> Result<(), Failed> {
    if CHOSEN.get().is_none() {
        return Ok(());
    }
    report("count", || {
        let expected = COUNTED.load(Ordering::Relaxed);
        equal("counted", value(Service::Count, 0)?, expected)
    })
}

/// The value that a service has to have.
fn value(service: Service, argument: u64) -> Result<u64, Mismatch> {
    call(service, [argument, 0]).map_err(|why| {
        error!("hyp service {=u64}: {}", service as u64, why);
        Mismatch::of("an answer, which is an error", service as u64)
    })
}

/// Logs whether a service does what its model does.
fn report(name: &str, check: impl FnOnce() -> Result<(), Mismatch>) -> Result<(), Failed> {
    match check() {
        Ok(()) => {
            info!("hyp service {=str} ok", name);
            Ok(())
        }
        Err(mismatch) => {
            error!("hyp service {=str} FAILED {}", name, mismatch);
            Err(Failed)
        }
    }
}

/// `Ok` if the call failed as it has to.
fn fails(
    what: &'static str,
    result: Result<u64, HypError>,
    as_expected: impl FnOnce(HypError) -> bool,
) -> Result<(), Mismatch> {
    match result {
        Err(why) if as_expected(why) => Ok(()),
        other => {
            error!("hyp {=str}: {}", what, other);
            Err(Mismatch::of(what, 0))
        }
    }
}
