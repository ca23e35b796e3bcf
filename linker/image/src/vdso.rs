//! The vDSO: code of the kernel for user space, which is an ELF file inside a Linux image. It has
//! its own `.altinstructions`, which the kernel applies beside those of the image
//! (`apply_alternatives_vdso`, arch/arm64/kernel/alternative.c).

use crate::image::{Image, ImageError};
use crate::records::{Format, Records};

/// The symbols around it. The one for 32-bit programs, `vdso32_start`, has no A64 code.
const BOUNDS: (&str, &str) = ("vdso_start", "vdso_end");

/// The bytes of the vDSO of an image; `None` if it has none, or no symbols.
pub fn file(image: &Image) -> Option<&[u8]> {
    let range = image.between(BOUNDS.0, BOUNDS.1)?;
    let len = usize::try_from(range.end - range.start).ok()?;
    let bytes = image.bytes(range.start, len)?;
    bytes.starts_with(b"\x7fELF").then_some(bytes)
}

/// The vDSO of an image, as an image; `None` if it has none, or no symbols.
///
/// # Errors
/// It is damaged.
pub fn of(image: &Image) -> Option<Result<Image, ImageError>> {
    file(image).map(|bytes| Image::parse(bytes.to_vec()))
}

/// The number of records of the vDSO of an image; `None` if it has none, or it cannot be read.
pub fn records(image: &Image) -> Option<usize> {
    let vdso = of(image)?.ok()?;
    let records = Records::find(&vdso, Some(Format::Linux)).ok()?;
    Some(records.list().len())
}
