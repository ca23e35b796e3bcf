//! The location of a table.

use std::ops::Range;

use alt_runtime::record::Section;

use super::RecordsError;
use crate::image::Image;

/// The section with the bounds that the running kernel reads: its name in the scripts of
/// alt-linker, and without them.
const BOUNDS: [&str; 2] = ["alt_bounds", ".rodata.alt_bounds"];

/// The symbol of that section.
const BOUNDS_SYMBOL: &str = "__alt_bounds";

/// The bounds of a table as the kernel reads them: offsets relative to their own address, 0 for an
/// absent table.
fn stated(image: &Image, name: &str) -> Option<Range<u64>> {
    let index = Section::ALL.iter().position(|known| known.name() == name)?;
    let section = BOUNDS.iter().find_map(|name| image.section(name))?;
    let (bounds, _) = image.contents(section).as_chunks::<8>();
    if bounds.len() != 2 * Section::ALL.len() {
        return None;
    }
    let bound = |index: usize| {
        let offset = i64::from_le_bytes(*bounds.get(index)?);
        let at = section.range.start.checked_add(8 * index as u64)?;
        (offset != 0).then(|| at.wrapping_add_signed(offset))
    };
    let (start, stop) = (bound(2 * index)?, bound(2 * index + 1)?);
    // GNU ld resolves an undefined weak symbol to 0.
    (start != 0 && start <= stop).then_some(start..stop)
}

/// A table: its name and the addresses that it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The name of the section, which is also part of the names of its bounds.
    pub name: &'static str,
    /// The addresses; empty if the table is absent.
    pub range: Range<u64>,
    /// The bytes in the file, if they are not those at its addresses: a finished table is there.
    pub(super) copy: Option<Range<usize>>,
}

impl Table {
    /// An absent table.
    pub(super) fn absent(name: &'static str) -> Self {
        Self::at(name, 0..0)
    }

    /// The table at these addresses.
    pub(crate) fn at(name: &'static str, range: Range<u64>) -> Self {
        Self {
            name,
            range,
            copy: None,
        }
    }

    /// The table between `__start_NAME` and `__stop_NAME`, which the patcher uses; in a stripped
    /// image, by the bounds that the kernel reads, else the section of that name.
    pub(super) fn by_name(image: &Image, name: &'static str) -> Self {
        let (start, stop) = (format!("__start_{name}"), format!("__stop_{name}"));
        let range = image
            .between(&start, &stop)
            .or_else(|| stated(image, name))
            .or_else(|| Some(image.section(name)?.range.clone()))
            .unwrap_or(0..0);
        Self::at(name, range)
    }

    /// The address of the two bounds of a section that the running kernel reads: each 8 bytes, an
    /// offset from its own address.
    pub fn bounds(image: &Image, section: Section) -> Option<u64> {
        let whole = BOUNDS.iter().find_map(|name| image.section(name));
        let whole = whole.filter(|section| section.has_bytes());
        let table = image.symbol(BOUNDS_SYMBOL);
        let table = table.or_else(|| Some(whole?.range.start))?;
        table.checked_add(16 * section as u64)
    }

    /// Its size in bytes.
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
    /// It is not inside one section with bytes in the file.
    pub fn bytes<'a>(&self, image: &'a Image) -> Result<&'a [u8], RecordsError> {
        if self.range.is_empty() {
            return Ok(&[]);
        }
        if let Some(copy) = &self.copy {
            return image
                .data()
                .get(copy.clone())
                .ok_or_else(|| self.not_in_file());
        }
        let len = usize::try_from(self.size()).ok();
        len.and_then(|len| image.bytes(self.range.start, len))
            .ok_or_else(|| self.not_in_file())
    }

    /// Whether it is inside one section, with or without bytes in the file.
    pub(super) fn check(&self, image: &Image) -> Result<(), RecordsError> {
        let section = image.section_at(self.range.start);
        let inside = section.is_some_and(|section| self.range.end <= section.range.end);
        match self.range.is_empty() || inside {
            true => Ok(()),
            false => Err(self.not_in_file()),
        }
    }

    fn not_in_file(&self) -> RecordsError {
        RecordsError::NotInFile {
            table: self.name,
            start: self.range.start,
            end: self.range.end,
        }
    }
}
