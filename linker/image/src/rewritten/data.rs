//! Data in the text that other programs write. It is never executed, so any value is legal.
//!
//! * The start of Linux's text, and of Xen's, is the header of a PE file, by which UEFI loads the boot
//!   image (`arch/arm64/kernel/efi-header.S`). A signature for secure boot is after the boot image;
//!   its place and a checksum of the whole file are in that header, but not in the header of the
//!   `vmlinux`. (Microsoft PE Format, "Optional Header": `CheckSum`, "Optional Header Data Directories":
//!   Certificate Table.)
//! * Xen (seen in 4.20) stores the address of its first page table in the text: `init_ttbr`.

use super::{Legal, Means, Rewritten};
use crate::image::Image;

/// The offset of the header `PE\0\0` is at this one.
const PE_OFFSET: u64 = 0x3c;
/// The optional header is after the signature and the file header of 20 bytes.
const OPTIONAL: u64 = 24;
/// Offsets in the optional header of PE32+.
const CHECKSUM: u64 = 64;
const DIRECTORIES: u64 = 108;
const CERTIFICATES: u64 = 144;

/// A doubleword of Xen.
const PAGE_TABLE: &str = "init_ttbr";

pub(super) fn add(places: &mut Rewritten, image: &Image) {
    let page_table = image.symbol(PAGE_TABLE);
    let page_table = page_table
        .into_iter()
        .flat_map(|at| [at, at.wrapping_add(4)]);
    for at in signature(image).into_iter().flatten().chain(page_table) {
        places.add(image, at, Means::Data, Legal::Any);
    }
}

/// The three words that a signer writes, if there is a PE header.
fn signature(image: &Image) -> Option<[u64; 3]> {
    let start = image.executable().next()?.range.start;
    if image.bytes(start, 2)? != b"MZ" || image.bytes(start.wrapping_add(0x38), 4)? != b"ARM\x64" {
        return None;
    }
    let header = start.wrapping_add(image.u32_at(start.wrapping_add(PE_OFFSET))?.into());
    let optional = header.wrapping_add(OPTIONAL);
    let is_pe = image.bytes(header, 4)? == b"PE\0\0"
        && image.bytes(optional, 2)? == 0x20b_u16.to_le_bytes()
        && image.u32_at(optional.wrapping_add(DIRECTORIES))? > 4;
    let words = [CHECKSUM, CERTIFICATES, CERTIFICATES + 4];
    is_pe.then_some(words.map(|at| optional.wrapping_add(at)))
}
