//! Bad modules, each with one fault, that must be refused by name and never be
//! executable.

use alt_runtime::boot::Finalised;
use alt_runtime::patch::{PatchError, PlanError, Reason};
use alt_runtime::region::Table;
use defmt::{Display2Format, error, info};
use elf::ElfBytes;
use elf::abi::R_AARCH64_NONE;
use elf::endian::LittleEndian;
use spin::mutex::SpinMutex;

use super::exercise::Callbacks;
use super::load::{LoadError, Module};
use super::object::ObjectError;
use super::{exports, pages};
use crate::kernel::Failed;

type Elf<'a> = ElfBytes<'a, LittleEndian>;

/// A fault in a module's file.
struct Fault {
    /// Where the field of 8 bytes is that is wrong.
    field: fn(&Elf<'_>) -> Option<usize>,
    /// What is added to it.
    by: u64,
    /// What must be said of it.
    says: fn(&LoadError<'_>) -> bool,
}

const FAULTS: [Fault; 6] = [
    // The first site of `cpu_has_cap!` is outside the text.
    Fault {
        field: |elf| addend(elf, ".relaalt_branches"),
        by: 0x10_0000,
        says: |why| {
            matches!(
                plan_error(why),
                Some(PlanError {
                    reason: Reason::SiteOutsideText { len: 1, .. },
                    ..
                })
            )
        },
    },
    // It refers to something too far away.
    Fault {
        field: |elf| addend(elf, ".rela.text"),
        by: 1 << 40,
        says: |why| matches!(why, LoadError::Object(ObjectError::Relocation { .. })),
    },
    Fault {
        field: |elf| Some(symbol(elf, "__alt_layout_version")? + 8),
        by: 1,
        says: |why| matches!(why, LoadError::OtherLayout { .. }),
    },
    // Its operations have another size.
    Fault {
        field: |elf| Some(symbol(elf, "demo_module")? + 16),
        by: 8,
        says: |why| matches!(why, LoadError::NoOperations),
    },
    Fault {
        field: |elf| size(elf, "alt_plan_size"),
        by: 4,
        says: |why| matches!(why, LoadError::PartialRecord),
    },
    Fault {
        field: |elf| size(elf, ".bss"),
        by: 1 << 19,
        says: |why| matches!(why, LoadError::NoMemory { .. }),
    },
];

/// The addend of the first relocation in this section that changes a byte.
fn addend(elf: &Elf<'_>, section: &str) -> Option<usize> {
    const SIZE: usize = 24;
    let section = elf.section_header_by_name(section).ok()??;
    let mut relocations = elf.section_data_as_relas(&section).ok()?;
    let first = relocations.position(|relocation| relocation.r_type != R_AARCH64_NONE)?;
    Some(section.sh_offset as usize + SIZE * first + 16)
}

/// The entry of a symbol.
fn symbol(elf: &Elf<'_>, name: &str) -> Option<usize> {
    const SIZE: usize = 24;
    let table = elf.section_header_by_name(".symtab").ok()??;
    let (symbols, strings) = elf.symbol_table().ok()??;
    let is_it = |name_at: u32| strings.get(name_at as usize).ok() == Some(name);
    let index = symbols.iter().position(|symbol| is_it(symbol.st_name))?;
    Some(table.sh_offset as usize + SIZE * index)
}

/// The size of a section.
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

/// Tries all faults of the `module`, and wants of it that the kernel has not.
pub fn bad_modules<const N: usize>(
    module: &'static [u8; N],
    system: &Finalised,
    callbacks: Callbacks<'_>,
) -> Result<(), Failed> {
    for fault in &FAULTS {
        let copy = &mut *COPY.lock();
        let copy = copy.get_mut(..N).ok_or(Failed)?;
        copy.copy_from_slice(module);
        spoil(copy, fault).ok_or_else(|| {
            error!("check after module FAILED the module cannot be spoilt");
            Failed
        })?;
        refused(
            Module::load(copy, exports::find, system, callbacks),
            fault.says,
        )?;
    }
    refused(Module::load(module, |_| None, system, callbacks), |why| {
        matches!(why, LoadError::Object(ObjectError::Undefined { .. }))
    })?;
    // As if the callback were the module's own.
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

/// Room for a spoilt copy.
static COPY: SpinMutex<[u8; 0x4000]> = SpinMutex::new([0; 0x4000]);

fn spoil(module: &mut [u8], fault: &Fault) -> Option<()> {
    let at = (fault.field)(&ElfBytes::minimal_parse(module).ok()?)?;
    let field: &mut [u8; 8] = module.get_mut(at..)?.first_chunk_mut()?;
    *field = u64::from_le_bytes(*field)
        .wrapping_add(fault.by)
        .to_le_bytes();
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
