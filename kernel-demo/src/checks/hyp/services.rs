//! Each service of the hypervisor against a model.

use aarch64_cpu::registers::{Readable, SCTLR_EL1};
use alt_runtime::boot::Finalised;
use alt_runtime::cap::idregs::Register;
use defmt::info;
use demo_hyp::abi::{CAPS, ELEMENTS, Question, REGISTERS, Service, element};

use super::{fails, report, value};
use crate::checks::{Mismatch, equal};
use crate::cpucaps;
use crate::hyp::call::{HypError, call, call_number};
use crate::hyp::layout::{self, offset, to_hyp};
use crate::hyp::variant::Variant;
use crate::platform::image;
use crate::platform::outcome::Failed;

/// Calls each service and checks its answer.
pub fn check(variant: &Variant, finalised: &Finalised) -> Result<(), Failed> {
    report("register", registers)?;
    report("identity", || identity(variant))?;
    report("caps", || caps(finalised))?;
    report("address", address)?;
    report("offset", || {
        equal("the offset", value(Service::Offset, 0)?, offset())
    })?;
    report("cache-type", || {
        let model = finalised.ids().get(Register::CTR_EL0);
        equal("CTR_EL0", value(Service::CacheType, 0)?, model)
    })?;
    report("exchange", exchange)?;
    report("element", elements)?;
    report("read", || read(variant))?;
    report("clobber", || {
        equal("the value", value(Service::Clobber, 7)?, 7)
    })?;
    report("unknown", || {
        let number = Service::ALL.len() as u64;
        fails(
            "a service that does not exist",
            call_number(number, [0; 2]),
            |why| why == HypError::Unknown(number),
        )
    })
}

fn identity(variant: &Variant) -> Result<(), Mismatch> {
    let ask = |question: Question| value(Service::Identity, question as u64);
    let vectors = to_hyp(variant.bounds().vectors as u64);
    equal("the vectors", ask(Question::Vectors)?, vectors)?;
    equal("the exception level", ask(Question::Level)?, 2)?;
    equal("HCR_EL2.E2H", ask(Question::E2h)?, variant.e2h.into())?;
    equal("the variant", ask(Question::Variant)?, variant.e2h.into())?;
    equal("SCTLR_EL1", ask(Question::Sctlr)?, SCTLR_EL1.get())
}

/// Logs the registers of EL2, and of its control of EL1. A test on the host compares their values.
fn registers() -> Result<(), Mismatch> {
    for (name, number) in REGISTERS.iter().zip(0..) {
        let value = value(Service::Register, number)?;
        info!("hyp register {=str}={=u64:#x}", *name, value);
    }
    fails(
        "a register out of bounds",
        call(Service::Register, [REGISTERS.len() as u64, 0]),
        |why| matches!(why, HypError::Panicked { .. }),
    )
}

fn caps(finalised: &Finalised) -> Result<(), Mismatch> {
    let mut model = 0;
    for info in cpucaps::TABLE.iter().filter(|info| finalised.has(info.cap)) {
        if let Some(bit) = CAPS.iter().position(|name| *name == info.name) {
            model |= 1 << bit;
        }
    }
    equal("cpucaps", value(Service::Caps, 0)?, model)
}

fn address() -> Result<(), Mismatch> {
    for address in [0, 0x4020_1234, 0xffff_8000_0840_5678, u64::MAX] {
        let here = value(Service::Address, address)?;
        equal("the hypervisor's address", here, to_hyp(address))?;
    }
    Ok(())
}

fn exchange() -> Result<(), Mismatch> {
    for word in [u64::MAX, 0, 0x1234_5678_9abc_def0] {
        let constant = value(Service::Exchange, word)?;
        equal("the shared constant", constant, layout::hyp_shared_constant)?;
        equal("the shared word", layout::shared_word(), word)?;
    }
    Ok(())
}

/// An index outside of the array is a panic, which reports the line of the access.
fn elements() -> Result<(), Mismatch> {
    for index in 0..ELEMENTS {
        equal(
            "an element",
            value(Service::Element, index as u64)?,
            element(index),
        )?;
    }
    let mut place = 0;
    for index in [ELEMENTS as u64, u64::MAX] {
        let result = call(Service::Element, [index, 0]);
        if let Err(HypError::Panicked { line, .. }) = result {
            place = line;
        }
        fails("an element out of bounds", result, |why| {
            matches!(
                why,
                HypError::Panicked {
                    line: 1..,
                    column: 1..
                }
            )
        })?;
    }
    info!("hyp a panic comes back: line {=u64}", place);
    Ok(())
}

/// EL2 can read the kernel's memory that it has mapped, and no other memory of the kernel.
fn read(variant: &Variant) -> Result<(), Mismatch> {
    let parts = variant.bounds();
    for part in [
        parts.text.start,
        parts.data.start,
        layout::shared_rodata().start,
    ] {
        // SAFETY: the hypervisor's parts are mapped for reading.
        let model = unsafe { (part as *const u64).read_volatile() };
        equal("a word", value(Service::Read, to_hyp(part as u64))?, model)?;
    }
    let kernel = image::resident_text().start as u64;
    for address in [
        kernel,
        to_hyp(kernel),
        to_hyp(&raw const cpucaps::TABLE as u64),
        8,
    ] {
        // ESR_EL2.EC 0x25 is a data abort of EL2 itself, DFSC 0b0001xx a translation fault.
        fails(
            "a read of what is not mapped",
            call(Service::Read, [address, 0]),
            |why| {
                matches!(why, HypError::Fault { syndrome, address: at }
                if syndrome >> 26 == 0x25 && syndrome >> 2 & 0xf == 1 && at == address)
            },
        )?;
    }
    Ok(())
}
