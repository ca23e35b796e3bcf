//! Bitmask immediates of the logical instructions.

/// The fields N:immr:imms of `mask`; `None` if it has none.
///
/// A mask is an element of 2, 4, 8, 16, 32 or 64 bits, repeated; the element is a run
/// of ones, rotated right by immr (Arm ARM DDI 0487, `DecodeBitMasks`).
pub(super) const fn fields(mask: u64) -> Option<u32> {
    if mask == 0 || mask == u64::MAX {
        return None;
    }
    // The shortest element that makes up the mask.
    let mut size = 64;
    while size > 2 && mask.rotate_right(size / 2) == mask {
        size /= 2;
    }
    // The run, moved down to bit 0 of the element: a rotation of the mask rotates
    // each element, since they are equal. Below the lowest one that has a zero
    // below it lies the start of a run.
    let start = (mask & !mask.rotate_left(1)).trailing_zeros();
    let run = mask.rotate_right(start);
    let ones = run.trailing_ones();
    let element = u64::MAX >> (64 - size);
    if run & element != (1 << ones) - 1 {
        return None;
    }
    // `start` counts to the left, immr to the right, within an element.
    let immr = (size - start) % size;
    // imms holds the size as a prefix of ones and a zero, and the ones less one;
    // N is the end of that prefix, for 64 bits.
    let n = size / 64;
    let imms = (!(2 * size - 1) & 0x3f) | (ones - 1);
    Some(n << 12 | immr << 6 | imms)
}
