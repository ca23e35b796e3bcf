//! Calls of outline atomics in an image.

use alt_runtime::atomics::Helper;
use alt_runtime::insn::{Class, Insn};
use object::elf::R_AARCH64_CALL26;

use crate::image::Image;

/// BL (Arm ARM C6.2.36), with the displacement masked.
const BL: u32 = 0x9400_0000;
const BL_MASK: u32 = 0xfc00_0000;

/// The helper that the instruction at `address` calls.
///
/// By the kept relocation, which names the helper even if the call goes to a veneer; without it, by
/// the symbol at the target.
pub fn called_at(image: &Image, address: u64) -> Option<Helper> {
    let word = image.word(address).filter(|word| word & BL_MASK == BL)?;
    let kept = image.relocations_in(address..address.checked_add(1)?);
    if let Some(kept) = kept.iter().find(|kept| kept.kind == R_AARCH64_CALL26.0) {
        return Helper::named(&kept.symbol);
    }
    let Class::Relative(relative) = Insn(word).classify() else {
        return None;
    };
    let target = relative.target(address);
    let mut symbols = image.symbols().starting_at(target).iter();
    symbols.find_map(|symbol| Helper::named(&symbol.name))
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
