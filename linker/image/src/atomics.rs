//! Calls of outline atomics in an image.

use alt_runtime::atomics::Helper;
use alt_runtime::insn::{Class, Insn};
use object::elf::{R_AARCH64_CALL26, R_AARCH64_JUMP26};

use crate::image::Image;

/// BL and B (Arm ARM C6.2.36, C6.2.27), with the displacement masked.
const BL: u32 = 0x9400_0000;
const B: u32 = 0x1400_0000;
const MASK: u32 = 0xfc00_0000;

/// The helper that the instruction at `address` calls.
///
/// By the kept relocation, which names the helper even if the call branches to a veneer; without it, by
/// the symbol at the target.
pub fn called_at(image: &Image, address: u64) -> Option<Helper> {
    image.word(address).filter(|word| word & MASK == BL)?;
    reached_at(image, address)
}

/// The helper that the instruction at `address` calls, or branches to as the last action of its
/// function.
pub fn reached_at(image: &Image, address: u64) -> Option<Helper> {
    let word = image.word(address);
    let word = word.filter(|word| matches!(word & MASK, BL | B))?;
    if let Some(symbol) = linked_to(image, address) {
        return Helper::named(symbol);
    }
    let Class::Relative(relative) = Insn(word).classify() else {
        return None;
    };
    let target = relative.target(address);
    let mut symbols = image.symbols().starting_at(target).iter();
    symbols.find_map(|symbol| Helper::named(&symbol.name))
}

/// The helper that the instruction at `address` called as linked, by the kept relocation: also in an image
/// whose call has become an instruction.
pub fn linked_at(image: &Image, address: u64) -> Option<Helper> {
    Helper::named(linked_to(image, address)?)
}

/// The target of the branch at `address`, by the kept relocation.
fn linked_to(image: &Image, address: u64) -> Option<&str> {
    let kept = image.relocations_in(address..address.checked_add(1)?);
    let is_branch = |kind: u32| [R_AARCH64_CALL26.0, R_AARCH64_JUMP26.0].contains(&kind);
    let kept = kept.iter().find(|kept| is_branch(kept.kind))?;
    Some(&kept.symbol)
}

/// Whether the site at `address` is a call of a helper, or in a helper: default and arms do the same,
/// so it is right before and after each pass.
pub fn is_site(image: &Image, address: u64) -> bool {
    let in_helper = || {
        image
            .symbol_at(address)
            .and_then(|s| Helper::named(&s.name))
    };
    called_at(image, address).or_else(in_helper).is_some()
}
