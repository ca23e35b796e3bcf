//! The file of an image that is being changed.

use std::ops::Range;

use alt_image::image::Image;
use alt_object::object::ObjectError;
use alt_object::rewrite::Rewriter;
use object::elf::{SHT_RELA, SHT_SYMTAB, STT_SECTION, STT_TLS};

/// Size of a row of a relocation section and of a symbol, in bytes (ELF-64 object file format).
const RELA: usize = 24;
const SYMBOL: usize = 24;

/// A row of a relocation section: offset, information, addend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The address of the field.
    pub at: u64,
    /// The number of the symbol, 0 for no symbol.
    pub symbol: u32,
    /// The type.
    pub kind: u32,
    /// The addend.
    pub addend: u64,
}

/// The file of an image, by sections and addresses.
pub(crate) struct File<'a> {
    image: &'a Image,
    pub rewriter: Rewriter,
    symbols: Option<usize>,
}

impl<'a> File<'a> {
    pub fn new(image: &'a Image) -> Result<Self, ObjectError> {
        let rewriter = Rewriter::new(image.data().to_vec())?;
        let symbols = (0..rewriter.sections()).find(|it| rewriter.kind(*it) == SHT_SYMTAB);
        Ok(Self {
            image,
            rewriter,
            symbols,
        })
    }

    /// Writes bytes at an address. Returns whether the file has all of them.
    #[must_use]
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> bool {
        // Loaded sections stay where they are in the file.
        let there = self.image.bytes(address, bytes.len()).is_some();
        let Some(offset) = self.image.offset_of(address).filter(|_| there) else {
            return bytes.is_empty();
        };
        self.rewriter.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
        true
    }

    /// The number of the section that has these addresses.
    pub fn section_at(&self, address: u64) -> Option<usize> {
        let found = self.image.section_at(address)?;
        let mut sections = self.image.sections().iter();
        sections.position(|section| std::ptr::eq(section, found))
    }

    /// The number of a symbol, by its name.
    pub fn symbol(&self, name: &str) -> Option<u32> {
        let (table, strings) = self.symbol_table()?;
        let (rows, _) = table.as_chunks::<SYMBOL>();
        let index = rows
            .iter()
            .position(|row| name_of(row, strings) == Some(name.as_bytes()))?;
        u32::try_from(index).ok()
    }

    fn symbol_table(&self) -> Option<(&[u8], &[u8])> {
        let section = self.symbols?;
        let strings = self.rewriter.link(section);
        let strings = (strings < self.rewriter.sections()).then_some(strings)?;
        Some((
            self.rewriter.contents(section)?,
            self.rewriter.contents(strings)?,
        ))
    }

    /// Moves symbols: `moved` gives the new value of a symbol in place of its value and name.
    pub fn move_symbols(&mut self, moved: impl Fn(u64, &[u8]) -> Option<u64>) {
        let Some((table, strings)) = self.symbol_table() else {
            return;
        };
        let mut table = table.to_vec();
        let (rows, _) = table.as_chunks_mut::<SYMBOL>();
        for row in rows {
            let (kind, value) = (row[4] & 0xf, word(row, 8));
            if [STT_SECTION.0, STT_TLS.0].contains(&kind) {
                continue;
            }
            let name = name_of(row, strings).unwrap_or_default();
            if let Some(new) = moved(value, name) {
                row[8..16].copy_from_slice(&new.to_le_bytes());
            }
        }
        if let Some(section) = self.symbols
            && let Some(contents) = self.rewriter.contents_mut(section)
        {
            contents.copy_from_slice(&table);
        }
    }

    /// The symbols of sections: number, and address of the section.
    fn section_symbols(&self) -> Vec<(u32, u64)> {
        let Some((table, _)) = self.symbol_table() else {
            return Vec::new();
        };
        let (rows, _) = table.as_chunks::<SYMBOL>();
        let rows = (0..).zip(rows);
        rows.filter(|(_, row)| row[4] & 0xf == STT_SECTION.0)
            .filter_map(|(index, row)| {
                let section = usize::from(u16::from_le_bytes([row[6], row[7]]));
                let section = self.image.sections().get(section)?;
                section.loaded.then_some((index, section.range.start))
            })
            .collect()
    }

    /// The sections of kept relocations, each with the number of the section that they are for.
    pub fn relocation_sections(&self) -> Vec<(usize, usize)> {
        let sections = 0..self.rewriter.sections();
        sections
            .filter(|section| self.rewriter.kind(*section) == SHT_RELA)
            .filter(|section| !self.image.sections()[*section].loaded)
            .map(|section| (section, self.rewriter.info(section)))
            .collect()
    }

    /// The rows of a relocation section.
    pub fn rows(&self, section: usize) -> Vec<Row> {
        let contents = self.rewriter.contents(section).unwrap_or_default();
        let (rows, _) = contents.as_chunks::<RELA>();
        let rows = rows.iter().map(|row| {
            let info = word(row, 8);
            Row {
                at: word(row, 0),
                symbol: (info >> 32) as u32,
                kind: info as u32,
                addend: word(row, 16),
            }
        });
        rows.collect()
    }

    /// Gives a relocation section other rows.
    pub fn set_rows(&mut self, section: usize, rows: &[Row]) {
        let bytes: Vec<u8> = rows
            .iter()
            .flat_map(|row| {
                let info = u64::from(row.symbol) << 32 | u64::from(row.kind);
                [row.at, info, row.addend].map(u64::to_le_bytes)
            })
            .flatten()
            .collect();
        match self.rewriter.contents_mut(section) {
            Some(contents) if contents.len() == bytes.len() => contents.copy_from_slice(&bytes),
            _ => self.rewriter.replace(section, &bytes, 8),
        }
    }

    /// Relocations that refer into `range` by the symbol of its section refer to the new places.
    pub fn move_references(&mut self, range: &Range<u64>, place: impl Fn(u64) -> u64) {
        let symbols = self.section_symbols();
        for (section, _) in self.relocation_sections() {
            let mut rows = self.rows(section);
            let mut changed = false;
            for row in &mut rows {
                let Ok(index) = symbols.binary_search_by_key(&row.symbol, |(index, _)| *index)
                else {
                    continue;
                };
                let start = symbols[index].1;
                let target = start.wrapping_add(row.addend);
                if range.contains(&target) && place(target) != target {
                    row.addend = place(target).wrapping_sub(start);
                    changed = true;
                }
            }
            if changed {
                self.set_rows(section, &rows);
            }
        }
    }

    pub fn finish(self) -> Result<Vec<u8>, ObjectError> {
        self.rewriter.finish()
    }
}

fn word(row: &[u8; 24], at: usize) -> u64 {
    let bytes = row[at..].first_chunk();
    bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn name_of<'a>(row: &[u8; SYMBOL], strings: &'a [u8]) -> Option<&'a [u8]> {
    let start = u32::from_le_bytes([row[0], row[1], row[2], row[3]]) as usize;
    let rest = strings.get(start..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    Some(&rest[..end])
}
