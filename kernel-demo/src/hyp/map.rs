//! What EL2 has mapped: the hypervisor, each part with the least rights; a stack for each CPU; what
//! the kernel shares; and one page where it is in memory, for the step from there.

use core::mem;
use core::ops::Range;

use aarch64_cpu::asm::barrier;
use aarch64_paging::descriptor::{
    El1Attributes, El23Attributes, PagingAttributes, PhysicalAddress,
};
use aarch64_paging::paging::{
    Constraints, El2, El2And0, MemoryRegion, RootTable, Translation, TranslationRegime, VaRange,
};
use spin::Once;

use super::layout::to_hyp;
use super::variant::Variant;
use super::{install, shared};
use crate::memory::PAGE;
use crate::pool::Pool;

/// The physical address of the root table.
static ROOT: Once<usize> = Once::new();

/// What a page may be used for at EL2.
#[derive(Clone, Copy)]
enum Rights {
    Execute,
    Read,
    ReadWrite,
}

/// A regime of EL2, by its form of the rights.
trait Rules: TranslationRegime {
    fn attributes(rights: Rights) -> Self::Attributes;
}

impl Rules for El2 {
    fn attributes(rights: Rights) -> El23Attributes {
        // AP[1] is RES1 where EL0 has no part.
        let normal = El23Attributes::VALID
            | El23Attributes::ACCESSED
            | El23Attributes::INNER_SHAREABLE
            | El23Attributes::ATTRIBUTE_INDEX_1
            | El23Attributes::USER_RES1;
        match rights {
            Rights::Execute => normal | El23Attributes::READ_ONLY,
            Rights::Read => normal | El23Attributes::READ_ONLY | El23Attributes::XN,
            Rights::ReadWrite => normal | El23Attributes::XN,
        }
    }
}

impl Rules for El2And0 {
    fn attributes(rights: Rights) -> El1Attributes {
        let normal = El1Attributes::VALID
            | El1Attributes::ACCESSED
            | El1Attributes::INNER_SHAREABLE
            | El1Attributes::ATTRIBUTE_INDEX_1
            | El1Attributes::UXN;
        match rights {
            Rights::Execute => normal | El1Attributes::READ_ONLY,
            Rights::Read => normal | El1Attributes::READ_ONLY | El1Attributes::PXN,
            Rights::ReadWrite => normal | El1Attributes::PXN,
        }
    }
}

/// Makes the tables of a variant.
pub fn build(variant: &Variant) {
    // Root level 0: addresses of 48 bits.
    let root = if variant.e2h {
        let tables = RootTable::with_va_range(Pool, 0, El2And0, VaRange::Lower);
        fill(tables, variant)
    } else {
        fill(RootTable::new(Pool, 0, El2), variant)
    };
    ROOT.call_once(|| root);
}

/// For TTBR0_EL2.
pub fn root() -> usize {
    ROOT.get().copied().unwrap_or(0)
}

fn fill<R: Rules>(mut tables: RootTable<R, Pool>, variant: &Variant) -> usize
where
    R::Attributes: PagingAttributes,
    Pool: Translation<R::Attributes>,
{
    let parts = variant.bounds();
    let mut map = |range: Range<usize>, at: usize, rights| {
        if range.is_empty() {
            return;
        }
        let region = MemoryRegion::new(at, at + range.len());
        let constraints = Constraints::NO_BLOCK_MAPPINGS | Constraints::NO_CONTIGUOUS_HINT;
        tables
            .map_range(
                &region,
                PhysicalAddress(range.start),
                R::attributes(rights),
                constraints,
            )
            .expect("the pool holds enough tables for the hypervisor");
    };
    let init = parts.init & !(PAGE - 1);
    map(init..init + PAGE, init, Rights::Execute);
    for (range, rights) in [
        (parts.text, Rights::Execute),
        (parts.rodata, Rights::Read),
        (parts.data, Rights::ReadWrite),
        (parts.bss, Rights::ReadWrite),
        (shared::rodata(), Rights::Read),
        (shared::data(), Rights::ReadWrite),
    ] {
        map(range.clone(), to_hyp(range.start as u64) as usize, rights);
    }
    for stack in install::stacks() {
        map(
            stack.clone(),
            to_hyp(stack.start as u64) as usize,
            Rights::ReadWrite,
        );
    }
    let root = tables.to_physical().0;
    // They live as long as the hypervisor.
    mem::forget(tables);
    // The walks of every CPU find them whole: they are as cacheable and as shareable as this memory.
    barrier::dsb(barrier::ISHST);
    root
}
