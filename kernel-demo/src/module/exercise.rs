//! The embedded module at work, against a model.

use core::mem::ManuallyDrop;

use alt_runtime::Callback;
use alt_runtime::boot::Finalised;
use alt_runtime::region::Table;
use defmt::{Display2Format, error, info};
use demo_module::variant;

use super::load::Module;
use super::object::PAGE;
use super::{exports, pages, refuse};
use crate::checks::{Mismatch, equal};
use crate::cpucaps::{CRC32, LSE, SB};
use crate::exceptions;
use crate::kernel::Failed;

/// The module, as `build.rs` has built it. Tests find it by its name.
#[unsafe(no_mangle)]
static demo_module_object: [u8; include_bytes!(env!("DEMO_MODULE")).len()] =
    *include_bytes!(env!("DEMO_MODULE"));

/// The callbacks that a module may name.
pub(super) type Callbacks<'a> = Table<'a, Callback>;

/// Refuses bad modules, loads the good one, and compares what it does with a model.
pub fn exercise(system: &Finalised, callbacks: Callbacks<'_>) -> Result<(), Failed> {
    refuse::bad_modules(&demo_module_object, system, callbacks)?;
    let module = Module::load(&demo_module_object, exports::find, system, callbacks);
    let module = module.map_err(|why| {
        error!("check after module FAILED {}", Display2Format(&why));
        Failed
    })?;
    // It stays: its text must not become writable again.
    let module = ManuallyDrop::new(module);
    let (report, text) = (module.report(), module.text());
    info!(
        "module: {=u32} sites, {=u32} rewritten",
        report.sites(),
        report.rewritten
    );
    info!("module text={=usize:#x}..{=usize:#x}", text.start, text.end);
    text_is_protected(text.start as *mut u32)?;
    check(&module, system).map_err(|mismatch| {
        error!("check after module FAILED {}", mismatch);
        Failed
    })?;
    info!("check after module ok");
    Ok(())
}

/// Calls everything, and compares with what the cpucaps let expect.
fn check(module: &Module, system: &Finalised) -> Result<(), Mismatch> {
    let operations = module.operations();
    let text_pages = module.text().len().div_ceil(PAGE);
    equal(
        "executable pages",
        pages::executable() as u64,
        text_pages as u64,
    )?;

    // The check value that is published for CRC-32C.
    let data = b"123456789";
    let mut by_cpu = false;
    // SAFETY: the bytes are readable.
    let checksum = unsafe { (operations.checksum)(data.as_ptr(), data.len(), &mut by_cpu) };
    equal("the checksum", checksum.into(), 0xe306_9283)?;
    equal(
        "computed by the CPU",
        by_cpu.into(),
        system.has(CRC32).into(),
    )?;

    for (n, before) in [(5, 0), (u64::MAX, 5), (0, 4)] {
        equal(
            "the value before the addition",
            (operations.count)(n),
            before,
        )?;
    }

    let variant = match (system.has(LSE), system.has(SB), system.has(CRC32)) {
        (true, true, _) => variant::BOTH,
        (true, ..) | (_, _, true) => variant::ONE,
        (_, false, _) => variant::NONE,
        _ => variant::DEFAULT,
    };
    equal("the variant", (operations.variant)(), variant)?;
    equal("the tag", (operations.tag)(), exports::TAG.into())?;

    equal("the answer", (operations.report)(0x1234), !0x1234)?;
    equal("the report", exports::reported(), 0x1234)
}

fn text_is_protected(text: *mut u32) -> Result<(), Failed> {
    // SAFETY: the write faults, or it puts back what is there.
    match unsafe { exceptions::try_write(text, text.read_volatile()) } {
        Err(fault) => {
            info!(
                "wxorx ok writing the module at {=u64:#x} faults: ESR_EL1={=u64:#x}",
                text as u64, fault.syndrome
            );
            Ok(())
        }
        Ok(()) => {
            error!("check after module FAILED its text is writable");
            Err(Failed)
        }
    }
}
