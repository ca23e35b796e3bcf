//! Page tables of EL2: the hypervisor, each part with the least rights; a stack for each CPU; the
//! data that the kernel shares; and the page of `init` at its physical address, where the MMU is
//! turned on.

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

use super::layout::{self, to_hyp};
use super::variant::Variant;
use crate::platform::board::PAGE;
use crate::platform::tables::Pool;

/// The physical address of the root table.
static ROOT: Once<usize> = Once::new();

/// Access rights of EL2 to a page.
#[derive(Clone, Copy)]
enum Rights {
    Execute,
    Read,
    ReadWrite,
}

/// A translation regime of EL2, whose descriptors encode the rights in its own form.
trait Regime: TranslationRegime {
    fn attributes(rights: Rights) -> Self::Attributes;
}

impl Regime for El2 {
    fn attributes(rights: Rights) -> El23Attributes {
        // AP[1] is RES1 in a regime without EL0.
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

impl Regime for El2And0 {
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

/// Builds the tables of a variant. To be called once.
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

/// The value of TTBR0_EL2.
pub fn root() -> usize {
    ROOT.get().copied().unwrap_or(0)
}

fn fill<R: Regime>(mut tables: RootTable<R, Pool>, variant: &Variant) -> usize
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
        (layout::shared_rodata(), Rights::Read),
        (layout::shared_data(), Rights::ReadWrite),
    ] {
        map(range.clone(), to_hyp(range.start as u64) as usize, rights);
    }
    for stack in layout::stacks() {
        map(
            stack.clone(),
            to_hyp(stack.start as u64) as usize,
            Rights::ReadWrite,
        );
    }
    let root = tables.to_physical().0;
    // The tables are in use as long as the hypervisor runs.
    mem::forget(tables);
    // Makes the tables visible to the table walks of all CPUs, which are cacheable and inner shareable
    // like this memory.
    barrier::dsb(barrier::ISHST);
    root
}
