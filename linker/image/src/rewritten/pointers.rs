//! Pointers in the text that are relocated when the kernel starts.

use std::collections::HashMap;

use super::{Means, Rewritten};
use crate::image::Image;

/// Pointers that the kernel's loader relocates: each holds its target in the running kernel.
pub(super) fn add(places: &mut Rewritten, image: &Image, slide: u64) {
    for pointer in image.pointers() {
        let value = pointer.target.wrapping_add(slide);
        if image.is_text(pointer.at) {
            places.add_doubleword(image, pointer.at, Means::Pointer, &[value]);
        }
    }
}

/// Pointers of the hypervisor that runs at EL2: without VHE, each becomes an address of EL2, which
/// differs from that of the kernel by the same number for all of them (`kvm_apply_hyp_relocations` of
/// `arch/arm64/kvm/va_layout.c`: the address in the linear map, with other upper bits). With VHE, or
/// without KVM, they are as other pointers.
pub(super) fn add_hyp(
    places: &mut Rewritten,
    image: &Image,
    slide: u64,
    doubleword: impl Fn(u64) -> Option<u64>,
) {
    let pointers = hyp_pointers(image);
    let pointers = pointers.filter_map(|at| Some((at, image.pointer_at(at)?.wrapping_add(slide))));
    let pointers: Vec<(u64, u64)> = pointers.collect();
    let mut distances = HashMap::new();
    for (at, value) in &pointers {
        if let Some(found) = doubleword(*at) {
            *distances.entry(found.wrapping_sub(*value)).or_insert(0) += 1;
        }
    }
    let distance = distances
        .into_iter()
        .max_by_key(|(_, count): &(u64, usize)| *count);
    let distance = distance.map_or(0, |(distance, _)| distance);
    // The hypervisor maps whole pages.
    if !distance.is_multiple_of(4096) {
        return;
    }
    for (at, value) in pointers {
        if image.is_text(at) {
            places.set_doubleword(image, at, Means::HypPointer, value.wrapping_add(distance));
        }
    }
}

/// The addresses of the pointers that are relocated for the hypervisor.
pub fn hyp_pointers(image: &Image) -> impl Iterator<Item = u64> {
    let range = image.between("__hyp_reloc_begin", "__hyp_reloc_end");
    let section = || Some(image.section(".hyp.reloc")?.range.clone());
    let rows = range.or_else(section).unwrap_or(0..0).step_by(4);
    // Offsets of 32 bits from their own address.
    rows.filter_map(|row| Some(row.wrapping_add_signed((image.u32_at(row)? as i32).into())))
}
