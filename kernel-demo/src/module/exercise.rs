//! The embedded module at work, and spoilt copies of it that must be refused.

use alt_runtime::Callback;
use alt_runtime::boot::Finalised;
use alt_runtime::patch::{PatchError, PlanError, Reason};
use alt_runtime::region::Table;
use defmt::{Display2Format, error, info};
use demo_module::variant;
use elf::ElfBytes;
use elf::endian::LittleEndian;
use spin::mutex::SpinMutex;

use super::load::{LoadError, Module};
use super::object::ObjectError;
use super::{exports, pages};
use crate::checks::{Mismatch, equal};
use crate::cpucaps::{CRC32, LSE, SB};
use crate::exceptions;
use crate::kernel::Failed;

/// The module, as `build.rs` has built it. Tests find it by its name.
#[unsafe(no_mangle)]
static demo_module_object: [u8; include_bytes!(env!("DEMO_MODULE")).len()] =
    *include_bytes!(env!("DEMO_MODULE"));

/// A copy to be spoilt.
static COPY: SpinMutex<[u8; demo_module_object.len()]> =
    SpinMutex::new([0; demo_module_object.len()]);

type Callbacks = Table<'static, Callback>;

/// Refuses bad modules, loads the good one, and compares what it does with a model.
pub fn exercise(system: &Finalised, callbacks: Callbacks) -> Result<(), Failed> {
    bad_modules_are_refused(system, callbacks)?;
    let module = Module::load(&demo_module_object, exports::find, system, callbacks);
    let module = module.map_err(|why| {
        error!("check after module FAILED {}", Display2Format(&why));
        Failed
    })?;
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
    let text_pages = module.text().len().div_ceil(super::object::PAGE);
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

fn bad_modules_are_refused(system: &Finalised, callbacks: Callbacks) -> Result<(), Failed> {
    let copy = &mut *COPY.lock();
    copy.copy_from_slice(&demo_module_object);
    let spoilt = spoil(copy).is_some();
    let outside = Module::load(copy, exports::find, system, callbacks);
    refused(outside, |why| {
        spoilt
            && matches!(
                why,
                LoadError::Patch(PatchError::Plan(PlanError {
                    reason: Reason::SiteOutsideText { .. },
                    ..
                }))
            )
    })?;

    let no_exports = Module::load(&demo_module_object, |_| None, system, callbacks);
    refused(no_exports, |why| {
        matches!(why, LoadError::Object(ObjectError::Undefined { .. }))
    })?;

    // As for a callback of the module's own.
    let no_callbacks = Table::new(0, &[]);
    let other_callback = Module::load(&demo_module_object, exports::find, system, no_callbacks);
    refused(other_callback, |why| {
        matches!(
            why,
            LoadError::Patch(PatchError::Plan(PlanError {
                reason: Reason::UnregisteredCallback { .. },
                ..
            }))
        )
    })
}

/// Moves the first site of `alt_branches` out of the text.
fn spoil(module: &mut [u8]) -> Option<()> {
    let elf = ElfBytes::<LittleEndian>::minimal_parse(module).ok()?;
    let relocations = elf.section_header_by_name(".relaalt_branches").ok()??;
    // The addend is the last of the three words of 8 bytes.
    let addend = relocations.sh_offset as usize + 16;
    let addend: &mut [u8; 8] = module.get_mut(addend..)?.first_chunk_mut()?;
    *addend = (i64::from_le_bytes(*addend) + 0x10_0000).to_le_bytes();
    Some(())
}

/// The module must have been refused for the right reason, and never been executable.
fn refused(
    loaded: Result<Module, LoadError<'_>>,
    is_right: impl Fn(&LoadError<'_>) -> bool,
) -> Result<(), Failed> {
    match loaded {
        Err(why) if is_right(&why) && pages::executable() == 0 => {
            info!("a bad module is refused: {}", Display2Format(&why));
            Ok(())
        }
        Err(why) => {
            error!(
                "check after module FAILED a bad module: {}",
                Display2Format(&why)
            );
            Err(Failed)
        }
        Ok(_) => {
            error!("check after module FAILED a bad module was loaded");
            Err(Failed)
        }
    }
}
