//! Where a table is.

use std::ops::Range;

use crate::image::Image;

use super::RecordsError;

/// A table: its name and the addresses that it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The section's name, by which the bounds are named too.
    pub name: &'static str,
    /// The addresses; empty when there is no such table.
    pub range: Range<u64>,
}

impl Table {
    /// A table that is not there.
    pub(super) fn absent(name: &'static str) -> Self {
        Self { name, range: 0..0 }
    }

    /// The table between `__start_NAME` and `__stop_NAME`, which the patcher goes by; in a
    /// stripped image, the section of that name.
    pub(super) fn by_name(image: &Image, name: &'static str) -> Self {
        let (start, stop) = (format!("__start_{name}"), format!("__stop_{name}"));
        let range = image
            .between(&start, &stop)
            .or_else(|| Some(image.section(name)?.range.clone()))
            .unwrap_or(0..0);
        Self { name, range }
    }

    /// Bytes that it has.
    pub fn size(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// Its elements of `N` bytes, with the address of each.
    pub(super) fn elements<'a, const N: usize>(
        &self,
        image: &'a Image,
    ) -> Result<impl Iterator<Item = (u64, &'a [u8; N])> + use<'a, N>, RecordsError> {
        let (name, size, element) = (self.name, self.size(), N as u64);
        if !size.is_multiple_of(element) {
            return Err(RecordsError::Size {
                table: name,
                size,
                element,
            });
        }
        if !self.range.start.is_multiple_of(4) {
            return Err(RecordsError::Misaligned {
                table: name,
                start: self.range.start,
            });
        }
        let bytes = self.bytes(image)?;
        let (elements, _) = bytes.as_chunks::<N>();
        Ok((self.range.start..).step_by(N).zip(elements))
    }

    /// Its bytes in the file.
    ///
    /// # Errors
    /// It is not inside one section that has bytes.
    pub fn bytes<'a>(&self, image: &'a Image) -> Result<&'a [u8], RecordsError> {
        if self.range.is_empty() {
            return Ok(&[]);
        }
        let len = usize::try_from(self.size()).ok();
        len.and_then(|len| image.bytes(self.range.start, len))
            .ok_or(RecordsError::NotInFile {
                table: self.name,
                start: self.range.start,
                end: self.range.end,
            })
    }
}
