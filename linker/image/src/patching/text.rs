//! The text of an image as one run of words.

use std::sync::atomic::AtomicU32;

use crate::image::Image;

use super::HostError;

/// Text that spans more than this is not the text of one image: from the middle, a B reaches all
/// of it (Arm ARM C6.2.26: ±128 MiB). In bytes.
const MAX_SPAN: u64 = 256 << 20;

/// The address of the first executable section, and all words from there to the end of the last
/// one, as they are in memory. Between sections they are 0.
pub(super) fn words(image: &Image) -> Result<(u64, Vec<AtomicU32>), HostError> {
    let Some(start) = image.executable().map(|section| section.range.start).min() else {
        return Err(HostError::NoText);
    };
    let end = image.executable().map(|s| s.range.end).max();
    let span = end.unwrap_or(start) - start;
    if !start.is_multiple_of(4) {
        return Err(HostError::MisalignedText(start));
    }
    if span > MAX_SPAN {
        return Err(HostError::TextTooLarge(span));
    }
    let mut words = vec![0; usize::try_from(span / 4).unwrap_or_default()];
    for section in image.executable() {
        for (address, word) in image.words(section) {
            let index = usize::try_from((address - start) / 4).ok();
            if let Some(place) = index.and_then(|index| words.get_mut(index)) {
                *place = word.to_le();
            }
        }
    }
    Ok((start, words.into_iter().map(AtomicU32::new).collect()))
}
