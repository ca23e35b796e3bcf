//! An arm64 image, as a file: sections, symbols, relocations, words.
//!
//! All values of the file are checked here once: for users of this module, ranges are inside the
//! file and addresses do not wrap.

mod elf;
mod error;
mod relocatable;
mod section;
mod symbols;

use std::ops::Range;

pub use error::ImageError;
pub use relocatable::{ELSEWHERE, Relocatable, Unapplied};
pub use section::{ABS64, Relocation, Section, Segment};
pub use symbols::{Place, Symbol, Symbols, demangle};

/// The symbols around the init region, which is freed after boot: those of our example, and of
/// Linux.
const INIT: [(&str, &str); 2] = [
    ("__init_start", "__init_end"),
    ("__init_begin", "__init_end"),
];

/// An image.
#[derive(Clone, Debug)]
pub struct Image {
    data: Vec<u8>,
    entry: u64,
    sections: Vec<Section>,
    /// Indices of the loaded sections that are not empty, by address.
    loaded: Vec<usize>,
    segments: Vec<Segment>,
    symbols: Symbols,
    relocations: Vec<Relocation>,
    pointers: Vec<Relocation>,
    relocatable: Option<Box<Relocatable>>,
}

impl Image {
    /// Reads an image from the bytes of its file.
    ///
    /// # Errors
    /// The file is not a linked little-endian arm64 ELF image, or is damaged.
    pub fn parse(data: Vec<u8>) -> Result<Self, ImageError> {
        elf::parse(data)
    }

    /// As [`parse`](Self::parse), and takes relocatable objects too: they are laid out, see
    /// [`Relocatable`].
    ///
    /// # Errors
    /// As for [`parse`](Self::parse); or a relocation of a table of records cannot be applied.
    pub fn parse_any(data: Vec<u8>) -> Result<Self, ImageError> {
        match relocatable::is_object(&data) {
            true => relocatable::parse(data),
            false => elf::parse(data),
        }
    }

    /// The layout of a relocatable object; `None` for a linked image.
    pub fn relocatable(&self) -> Option<&Relocatable> {
        self.relocatable.as_deref()
    }

    /// The bytes of the file; of a relocatable object, of its sections as they are laid out.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Returns the bytes of the file.
    pub fn into_data(self) -> Vec<u8> {
        self.data
    }

    /// Replaces bytes of the file, such as those of an instruction or a record. All that was read from
    /// headers, symbols and relocations stays, so they must not be parts of these.
    ///
    /// # Panics
    /// The bytes are not in the file.
    pub fn overwrite(&mut self, offset: usize, bytes: &[u8]) {
        self.data[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    /// The entry point.
    pub fn entry(&self) -> u64 {
        self.entry
    }

    /// All sections, in the order of the file.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The loaded sections that are not empty, by address.
    pub fn loaded(&self) -> impl Iterator<Item = &Section> {
        self.loaded.iter().map(|index| &self.sections[*index])
    }

    /// The executable sections, by address.
    pub fn executable(&self) -> impl Iterator<Item = &Section> {
        self.loaded().filter(|section| section.executable)
    }

    /// The segments that are loaded, in the order of the file; empty when the file has no program
    /// headers.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The first section of this name.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// The loaded section that contains an address.
    pub fn section_at(&self, address: u64) -> Option<&Section> {
        let after = self
            .loaded
            .partition_point(|index| self.sections[*index].range.start <= address);
        let section = &self.sections[*self.loaded.get(after.checked_sub(1)?)?];
        section.range.contains(&address).then_some(section)
    }

    /// The bytes of a section; empty if the file has none.
    pub fn contents(&self, section: &Section) -> &[u8] {
        self.data.get(section.file.clone()).unwrap_or_default()
    }

    /// The offset in the file of the byte at an address.
    pub fn offset_of(&self, address: u64) -> Option<usize> {
        self.section_at(address)?.offset_of(address)
    }

    /// The bytes at an address; `None` unless one section contains all of them.
    pub fn bytes(&self, address: u64, len: usize) -> Option<&[u8]> {
        let section = self.section_at(address)?;
        let start = section.offset_of(address)?;
        let end = start.checked_add(len)?;
        (end <= section.file.end).then(|| &self.data[start..end])
    }

    /// The word at an address that has bytes in the file.
    pub fn u32_at(&self, address: u64) -> Option<u32> {
        let bytes = self.bytes(address, 4)?.try_into().ok()?;
        Some(u32::from_le_bytes(bytes))
    }

    /// The pointer at an address, after the relocations of a loader.
    pub fn pointer_at(&self, address: u64) -> Option<u64> {
        let dynamic = self
            .pointers
            .binary_search_by_key(&address, |pointer| pointer.at);
        if let Ok(index) = dynamic {
            return self.pointers.get(index).map(|pointer| pointer.target);
        }
        let bytes = self.bytes(address, 8)?.try_into().ok()?;
        Some(u64::from_le_bytes(bytes))
    }

    /// Whether an address is in an executable section.
    pub fn is_text(&self, address: u64) -> bool {
        let section = self.section_at(address);
        section.is_some_and(|section| section.executable)
    }

    /// Whether the `len` bytes at an address are in one executable section.
    pub fn is_text_for(&self, address: u64, len: u64) -> bool {
        let section = self.section_at(address);
        section.is_some_and(|s| s.executable && len <= s.range.end - address)
    }

    /// The instruction at an address, which must be in an executable section.
    pub fn word(&self, address: u64) -> Option<u32> {
        let is_one = address.is_multiple_of(4) && self.is_text(address);
        self.u32_at(address).filter(|_| is_one)
    }

    /// The aligned words of a section, with their addresses.
    pub fn words<'a>(&'a self, section: &Section) -> impl Iterator<Item = (u64, u32)> + use<'a> {
        let start = section.range.start.next_multiple_of(4);
        let skipped = usize::try_from(start - section.range.start).unwrap_or_default();
        let bytes = self.contents(section).get(skipped..).unwrap_or_default();
        let (words, _) = bytes.as_chunks::<4>();
        let words = words.iter().map(|word| u32::from_le_bytes(*word));
        (start..).step_by(4).zip(words)
    }

    /// The instructions of an executable section, with their addresses: its words except data, by
    /// the mapping symbols.
    pub fn instructions<'a>(
        &'a self,
        section: &Section,
    ) -> impl Iterator<Item = (u64, u32)> + use<'a> {
        let words = self.words(section);
        words.filter(|(address, _)| !self.symbols.is_data(*address))
    }

    /// The symbols; empty when the image has been stripped.
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// The address of the symbol of this exact name.
    pub fn symbol(&self, name: &str) -> Option<u64> {
        self.symbols.get(name).map(|symbol| symbol.range.start)
    }

    /// The symbol to which an address belongs: see [`Symbols::at`].
    pub fn symbol_at(&self, address: u64) -> Option<&Symbol> {
        self.symbols.at(address, self.section_at(address)?)
    }

    /// The addresses of a symbol: its size or, if it has none, up to the next symbol or the end of
    /// the section. `None` if it is not in a loaded section.
    pub fn extent(&self, symbol: &Symbol) -> Option<Range<u64>> {
        let start = symbol.range.start;
        let section = self.section_at(start)?;
        if !symbol.range.is_empty() {
            return Some(symbol.range.clone());
        }
        let next = self.symbols.after(start).map(|next| next.range.start);
        Some(start..next.map_or(section.range.end, |next| next.min(section.range.end)))
    }

    /// The addresses between two symbols, if both exist and are in order.
    pub fn between(&self, start: &str, stop: &str) -> Option<Range<u64>> {
        let range = self.symbol(start)?..self.symbol(stop)?;
        (range.start <= range.end).then_some(range)
    }

    /// The memory that is freed after boot, if symbols of the usual names delimit it.
    pub fn init(&self) -> impl Iterator<Item = Range<u64>> {
        let bounds = INIT.iter();
        bounds.filter_map(|(start, end)| self.between(start, end))
    }

    /// The relocations that the linker kept, by address; empty if the image was not linked with
    /// `--emit-relocs`.
    pub fn relocations(&self) -> &[Relocation] {
        &self.relocations
    }

    /// The pointers that a loader relocates (`.rela.dyn`, `.relr.dyn`), by address.
    pub fn pointers(&self) -> &[Relocation] {
        &self.pointers
    }

    /// The relocations in a range of addresses.
    pub fn relocations_in(&self, range: Range<u64>) -> &[Relocation] {
        let from = self
            .relocations
            .partition_point(|relocation| relocation.at < range.start);
        let to = self
            .relocations
            .partition_point(|relocation| relocation.at < range.end);
        self.relocations.get(from..to).unwrap_or_default()
    }

    /// An address as symbol and offset; `None` if no section contains it.
    pub fn place(&self, address: u64) -> Option<Place> {
        let section = self.section_at(address)?;
        Some(match self.symbols.at(address, section) {
            Some(symbol) => Place {
                symbol: demangle(&symbol.name),
                offset: address - symbol.range.start,
            },
            None => Place {
                symbol: section.name.clone(),
                offset: address - section.range.start,
            },
        })
    }

    /// An address as symbol and offset, or the number if no section contains it.
    pub fn label(&self, address: u64) -> String {
        match self.place(address) {
            Some(place) => place.to_string(),
            None => format!("{address:#x}"),
        }
    }
}
