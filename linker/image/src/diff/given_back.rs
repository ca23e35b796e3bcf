//! Text whose memory a running kernel has freed.

use std::ops::Range;

use super::Section;
use crate::image::{self, Image};

/// From this version, Linux neither maps nor reserves the memory before `_stext`: the header of the boot
/// image, and padding. Other data may be there.
const WITHOUT_HEADER: (u32, u32) = (5, 11);

/// Whether the kernel has freed the memory of a section, so that it has other words.
pub(super) fn is_given_back(image: &Image, section: &image::Section, counts: &Section) -> bool {
    let within =
        |range: Range<u64>| range.start <= section.range.start && section.range.end <= range.end;
    let is_header = || {
        image.between("_text", "_stext").is_some_and(within)
            && linux_version(image).is_some_and(|version| version >= WITHOUT_HEADER)
    };
    counts.seems_other() && image.init().any(within) || counts.differ > 0 && is_header()
}

/// The version in `linux_banner`: `Linux version 6.1.192 …`.
fn linux_version(image: &Image) -> Option<(u32, u32)> {
    let banner = image.bytes(image.symbol("linux_banner")?, 32)?;
    let text = banner.strip_prefix(b"Linux version ")?;
    let number = |part: &[u8]| str::from_utf8(part).ok()?.parse().ok();
    let mut parts = text.split(|byte| !byte.is_ascii_digit());
    Some((number(parts.next()?)?, number(parts.next()?)?))
}
