//! The hypervisor: its services against plain models, the registers that a call preserves, and the
//! accesses that must fault.

mod registers;
mod services;

use core::sync::atomic::{AtomicU64, Ordering};

use aarch64_cpu::registers::{CNTP_CTL_EL0, CNTPCT_EL0, Readable};
use alt_runtime::boot::Finalised;
use defmt::{error, info};
use demo_hyp::abi::{COUNT_FROM, Question, Service};

use super::{Mismatch, equal, probe};
use crate::hyp::call::{HypError, call};
use crate::hyp::layout::to_hyp;
use crate::hyp::variant::{self, Variant};
use crate::platform::memory;
use crate::platform::outcome::Failed;

/// Number of times that each CPU counts.
const ROUNDS: u64 = 500;
/// The expected value of the hypervisor's counter.
static COUNTED: AtomicU64 = AtomicU64::new(COUNT_FROM);

/// All checks of the boot CPU. To be called once, after the unused variant has been freed.
pub fn run(finalised: &Finalised) -> Result<(), Failed> {
    let Some(variant) = crate::hyp::variant() else {
        return Ok(());
    };
    services::check(variant, finalised)?;
    check_rights(variant)?;
    registers::round_trips()?;
    registers::shadow_call_stack()
}

/// Checks the vectors of the calling CPU, number `cpu`, and counts with the counter of all CPUs.
pub fn run_on_this_cpu(cpu: usize) -> Result<(), Failed> {
    let Some(variant) = crate::hyp::variant() else {
        return Ok(());
    };
    let vectors = call(Service::Identity, [Question::Vectors as u64, 0]);
    if vectors != Ok(to_hyp(variant.bounds().vectors as u64)) {
        error!("hyp CPU {=usize}: the vectors are at {}", cpu, vectors);
        return Err(Failed);
    }
    // EL1 still has access to the physical counter and timer; a trap would end the run.
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

/// Checks the counter, once all CPUs have counted.
pub fn check_count() -> Result<(), Failed> {
    if crate::hyp::variant().is_none() {
        return Ok(());
    }
    report("count", || {
        let expected = COUNTED.load(Ordering::Relaxed);
        equal("counted", value(Service::Count, 0)?, expected)
    })
}

/// Checks that EL1 can neither write to nor execute the hypervisor's text, nor read freed memory.
fn check_rights(chosen: &Variant) -> Result<(), Failed> {
    let text = chosen.bounds().text;
    if memory::executable_pages(text.clone()) != 0 {
        error!("hyp text is executable at EL1");
        return Err(Failed);
    }
    let first = text.start as *mut u32;
    // SAFETY: the write faults, or it stores the value that is there.
    let write = unsafe { probe::write(first, first.read_volatile()) };
    refused("writing its text", first as u64, write)?;
    let enter = chosen.bounds().enter as u64;
    // SAFETY: the fetch faults.
    let fetch = unsafe { probe::execute(enter) };
    refused("executing its text", enter, fetch)?;
    for other in [&variant::NVHE, &variant::VHE] {
        if other.name != chosen.name {
            let first = other.bounds().text.start as *const u32;
            // SAFETY: one load, which faults.
            let read = unsafe { probe::read(first) };
            refused("reading freed memory", first as u64, read.map(|_| ()))?;
        }
    }
    Ok(())
}

fn refused(what: &str, address: u64, result: Result<(), probe::Fault>) -> Result<(), Failed> {
    match result {
        Err(fault) => {
            info!(
                "hyp protected ok {=str} at {=u64:#x} faults: ESR_EL1={=u64:#x}",
                what, address, fault.0
            );
            Ok(())
        }
        Ok(()) => {
            error!("hyp {=str} at {=u64:#x} succeeds", what, address);
            Err(Failed)
        }
    }
}

/// Calls a service that must succeed, and returns its value.
fn value(service: Service, argument: u64) -> Result<u64, Mismatch> {
    call(service, [argument, 0]).map_err(|why| {
        error!("hyp service {=u64}: {}", service as u64, why);
        Mismatch::of("an answer, which is an error", service as u64)
    })
}

/// Runs the check of a service and logs the result.
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

/// Checks that a call has failed with the expected error.
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
