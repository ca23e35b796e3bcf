//! The module that the kernel embeds: bad copies of it must be refused, each by the right error, and
//! never become executable; the good one is called and compared with a model.

use core::mem::ManuallyDrop;

use alt_runtime::Callback;
use alt_runtime::boot::Finalised;
use alt_runtime::patch::{PatchError, PlanError, Reason};
use alt_runtime::region::Table;
use defmt::{Display2Format, error, info};
use demo_module::variant;
use elf::ElfBytes;
use elf::abi::R_AARCH64_NONE;
use elf::endian::LittleEndian;
use spin::mutex::SpinMutex;

use super::{Mismatch, equal, probe};
use crate::cpucaps::{CRC32, LSE, SB};
use crate::module::{LoadError, Module, exports, pages};
use crate::platform::outcome::Failed;
use demo_object::{ObjectError, PAGE};

/// The module that `build.rs` has built. Tests on the host find it by this symbol.
#[unsafe(no_mangle)]
static demo_module_object: [u8; include_bytes!(env!("DEMO_MODULE")).len()] =
    *include_bytes!(env!("DEMO_MODULE"));

/// Tries to load bad modules, then loads the good one and checks its operations.
pub fn run(system: &Finalised, callbacks: Table<'_, Callback>) -> Result<(), Failed> {
    refuse_bad_modules(&demo_module_object, system, callbacks)?;
    let module = Module::load(&demo_module_object, exports::find, system, callbacks);
    let module = module.map_err(|why| {
        error!("check after module FAILED {}", Display2Format(&why));
        Failed
    })?;
    // It stays loaded: its text must not become writable again.
    let module = ManuallyDrop::new(module);
    let (report, text) = (module.report(), module.text());
    info!(
        "module: {=u32} sites, {=u32} rewritten",
        report.sites(),
        report.rewritten
    );
    info!("module text={=usize:#x}..{=usize:#x}", text.start, text.end);
    let first = text.start as *mut u32;
    // SAFETY: the text is readable and nothing writes to it.
    unsafe { probe::is_read_only("module", first, first) }?;
    check(&module, system).map_err(|mismatch| {
        error!("check after module FAILED {}", mismatch);
        Failed
    })?;
    info!("check after module ok");
    Ok(())
}

/// Calls each operation and compares the result with the one that the cpucaps imply.
fn check(module: &Module, system: &Finalised) -> Result<(), Mismatch> {
    let operations = module.operations();
    let text_pages = module.text().len().div_ceil(PAGE);
    equal(
        "executable pages",
        pages::executable() as u64,
        text_pages as u64,
    )?;

    // The published check value of CRC-32C.
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

type Elf<'a> = ElfBytes<'a, LittleEndian>;

/// A fault in a module's file, and the error that it must cause.
struct Fault {
    /// Offset of the faulty field of 8 bytes in the file.
    field: fn(&Elf<'_>) -> Option<usize>,
    /// Number that is added to it.
    by: u64,
    is_error: fn(&LoadError<'_>) -> bool,
}

const FAULTS: [Fault; 6] = [
    // The first site of `cpu_has_cap!` is outside the text.
    Fault {
        field: |elf| addend(elf, ".relaalt_branches"),
        by: 0x10_0000,
        is_error: |why| {
            matches!(
                plan_error(why),
                Some(PlanError {
                    reason: Reason::SiteOutsideText { len: 1, .. },
                    ..
                })
            )
        },
    },
    // An instruction refers to an address that is too far away.
    Fault {
        field: |elf| addend(elf, ".rela.text"),
        by: 1 << 40,
        is_error: |why| matches!(why, LoadError::Object(ObjectError::Relocation { .. })),
    },
    Fault {
        field: |elf| Some(symbol(elf, "__alt_layout_version")? + 8),
        by: 1,
        is_error: |why| matches!(why, LoadError::OtherLayout { .. }),
    },
    // Its operations have another size.
    Fault {
        field: |elf| Some(symbol(elf, "demo_module")? + 16),
        by: 8,
        is_error: |why| matches!(why, LoadError::NoOperations),
    },
    Fault {
        field: |elf| size(elf, "alt_plan_size"),
        by: 4,
        is_error: |why| matches!(why, LoadError::PartialRecord),
    },
    Fault {
        field: |elf| size(elf, ".bss"),
        by: 1 << 19,
        is_error: |why| matches!(why, LoadError::NoMemory { .. }),
    },
];

/// Offset in the file of the addend of the first relocation in this section that changes a byte.
fn addend(elf: &Elf<'_>, section: &str) -> Option<usize> {
    const SIZE: usize = 24;
    let section = elf.section_header_by_name(section).ok()??;
    let mut relocations = elf.section_data_as_relas(&section).ok()?;
    let first = relocations.position(|relocation| relocation.r_type != R_AARCH64_NONE)?;
    Some(section.sh_offset as usize + SIZE * first + 16)
}

/// Offset in the file of the entry of a symbol.
fn symbol(elf: &Elf<'_>, name: &str) -> Option<usize> {
    const SIZE: usize = 24;
    let table = elf.section_header_by_name(".symtab").ok()??;
    let (symbols, strings) = elf.symbol_table().ok()??;
    let is_it = |name_at: u32| strings.get(name_at as usize).ok() == Some(name);
    let index = symbols.iter().position(|symbol| is_it(symbol.st_name))?;
    Some(table.sh_offset as usize + SIZE * index)
}

/// Offset in the file of the size of a section.
fn size(elf: &Elf<'_>, name: &str) -> Option<usize> {
    let (sections, names) = elf.section_headers_with_strtab().ok()?;
    let names = names?;
    let is_it = |name_at: u32| names.get(name_at as usize).ok() == Some(name);
    let index = sections?
        .iter()
        .position(|section| is_it(section.sh_name))?;
    Some(elf.ehdr.e_shoff as usize + usize::from(elf.ehdr.e_shentsize) * index + 32)
}

fn plan_error<'e>(why: &'e LoadError<'_>) -> Option<&'e PlanError> {
    match why {
        LoadError::Patch(PatchError::Plan(why)) => Some(why),
        _ => None,
    }
}

/// Tries to load the module with each fault, and without the symbols and callbacks that it uses.
fn refuse_bad_modules<const N: usize>(
    module: &'static [u8; N],
    system: &Finalised,
    callbacks: Table<'_, Callback>,
) -> Result<(), Failed> {
    for fault in &FAULTS {
        let copy = &mut *COPY.lock();
        let copy = copy.get_mut(..N).ok_or(Failed)?;
        copy.copy_from_slice(module);
        corrupt(copy, fault).ok_or_else(|| {
            error!("check after module FAILED the module cannot be corrupted");
            Failed
        })?;
        refused(
            Module::load(copy, exports::find, system, callbacks),
            fault.is_error,
        )?;
    }
    refused(Module::load(module, |_| None, system, callbacks), |why| {
        matches!(why, LoadError::Object(ObjectError::Undefined { .. }))
    })?;
    // As if the module had its own callback.
    refused(
        Module::load(module, exports::find, system, Table::new(0, &[])),
        |why| {
            matches!(
                plan_error(why),
                Some(PlanError {
                    reason: Reason::UnregisteredCallback { .. },
                    ..
                })
            )
        },
    )
}

/// Room for a corrupt copy.
static COPY: SpinMutex<[u8; 0x4000]> = SpinMutex::new([0; 0x4000]);

fn corrupt(module: &mut [u8], fault: &Fault) -> Option<()> {
    let at = (fault.field)(&ElfBytes::minimal_parse(module).ok()?)?;
    let field: &mut [u8; 8] = module.get_mut(at..)?.first_chunk_mut()?;
    *field = u64::from_le_bytes(*field)
        .wrapping_add(fault.by)
        .to_le_bytes();
    Some(())
}

/// Checks that the module was refused by the right error and has never been executable.
fn refused(
    loaded: Result<Module, LoadError<'_>>,
    is_error: impl Fn(&LoadError<'_>) -> bool,
) -> Result<(), Failed> {
    match loaded {
        Err(why) if is_error(&why) && pages::executable() == 0 => {
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
