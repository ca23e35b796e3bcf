//! Numbers that are symbols, such as the number of a cpucap in the records of outline atomics.

use alt_image::image::Image;

use super::atom::{Atom, Target};

/// `R_AARCH64_ABS16` (AAELF64, 5.7.5): no address of a kernel fits in 16 bits, so the symbol is a
/// number.
const ABS16: u32 = 259;

/// Makes bytes of references to numbers: they are the same wherever payload and image are.
pub(super) fn resolve(image: &Image, atoms: &mut [Atom]) {
    for atom in atoms {
        let Atom {
            references, bytes, ..
        } = atom;
        references.retain(|reference| {
            let Target::Linker(name) = &reference.target else {
                return true;
            };
            let value = image.symbol(name).filter(|_| reference.kind == ABS16);
            let value = value
                .and_then(|value| u16::try_from(value.wrapping_add_signed(reference.addend)).ok());
            let from = usize::try_from(reference.offset).ok();
            let place = from.and_then(|from| bytes.get_mut(from..)?.first_chunk_mut::<2>());
            match (value, place) {
                (Some(value), Some(place)) => {
                    *place = value.to_le_bytes();
                    false
                }
                // The reason to refuse it is found with the reference.
                _ => true,
            }
        });
    }
}
