//! The words that a signer of the boot image writes.
//!
//! The start of Linux's text is the header of a PE file, by which UEFI loads the boot image
//! (`arch/arm64/kernel/efi-header.S`). A signature for secure boot stands behind the boot image; its
//! place and a checksum of the whole file are in that header, but not in the header of the `vmlinux`.
//! (Microsoft PE Format, "Optional Header": `CheckSum`, "Optional Header Data Directories":
//! Certificate Table.) Nothing executes these words.

use super::{Legal, Means, Rewritten};
use crate::image::Image;

/// The offset of the header `PE\0\0` is at this one.
const PE_OFFSET: u64 = 0x3c;
/// The optional header is behind the signature and the file header of 20 bytes.
const OPTIONAL: u64 = 24;
/// Offsets in the optional header of PE32+.
const CHECKSUM: u64 = 64;
const DIRECTORIES: u64 = 108;
const CERTIFICATES: u64 = 144;

pub(super) fn add(places: &mut Rewritten, image: &Image) {
    let Some(first) = image.executable().next() else {
        return;
    };
    let start = first.range.start;
    if image.bytes(start, 2) != Some(b"MZ") || image.bytes(start + 0x38, 4) != Some(b"ARM\x64") {
        return;
    }
    let Some(offset) = image.u32_at(start + PE_OFFSET) else {
        return;
    };
    let header = start.wrapping_add(offset.into());
    let optional = header.wrapping_add(OPTIONAL);
    let is_pe = image.bytes(header, 4) == Some(b"PE\0\0")
        && image.bytes(optional, 2) == Some(&0x20b_u16.to_le_bytes());
    let directories = image.u32_at(optional.wrapping_add(DIRECTORIES));
    if !is_pe || directories.is_none_or(|count| count <= 4) {
        return;
    }
    for at in [CHECKSUM, CERTIFICATES, CERTIFICATES + 4] {
        places.add(
            image,
            optional.wrapping_add(at),
            Means::Signature,
            Legal::Any,
        );
    }
}
