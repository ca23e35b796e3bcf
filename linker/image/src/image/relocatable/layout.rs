//! The addresses of an object's sections.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use alt_object::object::{Object, Place};
use alt_runtime::record;
use object::elf::{
    SHF_LINK_ORDER, SHF_TLS, SHF_WRITE, SHT_CREL, SHT_GROUP, SHT_NOBITS, SHT_NULL, SHT_REL,
    SHT_RELA, SHT_STRTAB, SHT_SYMTAB, SHT_SYMTAB_SHNDX, SectionType,
};

use super::got::Got;
use super::{callbacks, damaged};
use crate::image::elf::{LAST_PAGE, Names};
use crate::image::{ImageError, Section};

/// The first address. Low, and not 0, which would pass for "unknown".
const START: u64 = 0x1_0000;

/// The alignment of the first section of each kind, in bytes.
const PAGE: u64 = 4096;

/// The largest alignment of a section that is respected, in bytes: that of a large page. Nothing
/// here depends on it, and a damaged file may ask for any.
const MAX_ALIGN: u64 = 2 << 20;

/// The table of Linux.
const LINUX: &str = ".altinstructions";

/// Its alignment in bytes in an image, by Linux's linker script. Objects state 1.
const LINUX_ALIGN: u64 = 4;

/// The table of callbacks: the size of one in bytes, and the offset of its function, which is the
/// last field (docs/records.md).
const CALLBACKS: &str = record::Section::Callbacks.name();
const CALLBACK: u64 = record::Section::Callbacks.element_size();
const FUNCTION: usize = CALLBACK as usize - 8;

/// The section of symbols that other objects define.
pub(super) const UNDEFINED: &str = "*UND*";

/// The section of addresses that the link would make.
const GOT: &str = "*GOT*";

/// The room for each of them, in bytes: more than a page offset that a relocation adds.
pub(super) const ROOM: u64 = 256;

/// The layout, with the bytes of all sections.
pub(super) struct Layout {
    pub data: Vec<u8>,
    pub sections: Vec<Section>,
    /// Addresses, and the offset in the file of the first, by address.
    pub pieces: Vec<(Range<u64>, usize)>,
    /// The address, and the offset in `data`, of each section of the object; `None` if it is not
    /// loaded.
    pub places: Vec<Option<(u64, Option<usize>)>>,
    /// The addresses of symbols that other objects define or that the linker allocates, by number.
    elsewhere: HashMap<usize, u64>,
    /// The number of symbols that other objects define.
    pub undefined: usize,
    /// The end of the placed sections.
    at: u64,
}

/// Whether sections of this name make one table: a linker puts them together.
pub(super) fn is_table(name: &[u8]) -> bool {
    let ours = record::Section::ALL.iter();
    let mut tables = ours.map(|table| table.name()).chain([LINUX]);
    tables.any(|table| table.as_bytes() == name)
}

/// Sections without bytes of the program.
const UNUSED: [SectionType; 8] = [
    SHT_NULL,
    SHT_RELA,
    SHT_REL,
    SHT_CREL,
    SHT_SYMTAB,
    SHT_STRTAB,
    SHT_GROUP,
    SHT_SYMTAB_SHNDX,
];

/// The sections in the order of memory, with their kind: 0 for code, then constants, data, memory
/// without bytes. Parts of a table are in the order of the code that they belong to.
fn order(object: &Object<'_>) -> Vec<(u8, usize)> {
    let kind = |section: &alt_object::object::Section<'_>| {
        let writable = section.flags.contains(SHF_WRITE);
        match (section.kind == SHT_NOBITS, section.is_code(), writable) {
            (_, true, _) => 0,
            (true, ..) => 3,
            (_, _, false) => 1,
            (_, _, true) => 2,
        }
    };
    let sections = object.sections.iter().enumerate();
    let mut order: Vec<_> = sections.map(|(index, s)| (kind(s), index)).collect();
    order.sort_by_key(|(kind, index)| {
        let section = &object.sections[*index];
        let linked = section.flags.contains(SHF_LINK_ORDER);
        let code = if linked { section.link } else { 0 };
        let table = is_table(section.name).then_some((section.name, code));
        (*kind, table, *index)
    });
    order
}

impl Layout {
    pub fn new(object: &Object<'_>, file: usize, names: &mut Names) -> Result<Self, ImageError> {
        let mut layout = Self {
            data: Vec::new(),
            sections: vec![Section::null()],
            pieces: Vec::new(),
            places: vec![None; object.sections.len()],
            elsewhere: HashMap::new(),
            undefined: 0,
            at: START,
        };
        // Sections may share bytes; together they must not be larger than the file.
        let mut left = file as u64;
        let mut foreign = callbacks::foreign(object, file)?;
        let order = order(object);
        let (code, rest) = order.split_at(order.partition_point(|(kind, _)| *kind == 0));
        // Functions of other objects are near the code, so that branches reach them.
        for part in [code, rest] {
            let mut before = None;
            let mut part = part.iter().peekable();
            while let Some((kind, index)) = part.next() {
                let first = before.replace(*kind) != Some(*kind);
                layout.place(object, *index, first, (&mut left, names))?;
                // Behind the callbacks that the object has itself.
                let name = |index: usize| object.sections[index].name == CALLBACKS.as_bytes();
                if name(*index) && !part.peek().is_some_and(|(_, next)| name(*next)) {
                    layout.callbacks(&mut foreign)?;
                }
            }
            if layout.elsewhere.is_empty() {
                layout.elsewhere(object)?;
            }
        }
        layout.callbacks(&mut foreign)?;
        Ok(layout)
    }

    /// Places a section, if it is one that an image has.
    fn place(
        &mut self,
        object: &Object<'_>,
        index: usize,
        first: bool,
        (left, names): (&mut u64, &mut Names),
    ) -> Result<(), ImageError> {
        let section = &object.sections[index];
        let loaded = section.is_loaded() && !section.flags.contains(SHF_TLS);
        let debug = !section.is_loaded() && section.name.starts_with(b".debug");
        if UNUSED.contains(&section.kind) || debug {
            return Ok(());
        }
        let name = names.copy(section.name)?;
        let mut bytes = &[][..];
        if section.kind != SHT_NOBITS {
            *left = left.checked_sub(section.size).ok_or_else(|| {
                ImageError::Truncated("the sections take more room than the file has".into())
            })?;
            bytes = object.contents(index).map_err(damaged("a section"))?;
        }
        if !section.align.is_power_of_two() {
            return Err(ImageError::Truncated(format!(
                "section {name} is aligned to {}, which is not a power of 2",
                section.align
            )));
        }
        let least = match (first, section.name == LINUX.as_bytes()) {
            (true, _) => PAGE,
            (_, true) => LINUX_ALIGN,
            _ => 1,
        };
        let align = section.align.clamp(least, MAX_ALIGN);
        // Sections that are not loaded have no address, but a size.
        let start = match loaded {
            true => self.at.checked_next_multiple_of(align),
            false => Some(0),
        };
        let range = start.and_then(|start| Some(start..start.checked_add(section.size)?));
        let range = range.filter(|range| range.end <= LAST_PAGE);
        let range = range.ok_or_else(|| ImageError::Wraps {
            section: name.clone(),
            address: self.at,
        })?;
        let offset = self.data.len();
        self.data.extend_from_slice(bytes);
        if loaded {
            self.at = range.end;
            let in_data = (!bytes.is_empty()).then_some(offset);
            self.places[index] = Some((range.start, in_data));
            let from = usize::try_from(section.offset).ok();
            if let Some(from) = from.filter(|_| in_data.is_some()) {
                self.pieces.push((range.clone(), from));
            }
        }
        let new = Section {
            name,
            range,
            file: offset..self.data.len(),
            loaded,
            executable: section.is_code(),
            writable: section.flags.contains(SHF_WRITE),
            thread_local: section.flags.contains(SHF_TLS),
        };
        self.add(new, is_table(section.name));
        Ok(())
    }

    /// Adds a section, or lengthens the one before it if both are parts of one table.
    fn add(&mut self, new: Section, table: bool) {
        if let Some(last) = self.sections.last_mut()
            && table
            && last.name == new.name
            && last.loaded == new.loaded
            && last.file.end == new.file.start
        {
            match new.loaded {
                false => last.range.end = last.range.end.saturating_add(new.range.end),
                true if new.range.start == last.range.end => last.range.end = new.range.end,
                // Aligned to more than the size of a record: it stays apart, which is a finding.
                true => return self.sections.push(new),
            }
            last.file.end = new.file.end;
            return;
        }
        self.sections.push(new);
    }

    /// Gives addresses to symbols that other objects define, or that the linker allocates.
    fn elsewhere(&mut self, object: &Object<'_>) -> Result<(), ImageError> {
        let wraps = || ImageError::Wraps {
            section: UNDEFINED.into(),
            address: START,
        };
        let start = self.at.checked_next_multiple_of(PAGE).ok_or_else(wraps)?;
        let mut end = start;
        for (index, symbol) in object.symbols.iter().enumerate().skip(1) {
            let size = match symbol.place {
                Place::Undefined => ROOM,
                Place::Common => symbol.size.max(ROOM),
                _ => continue,
            };
            self.undefined += usize::from(symbol.place == Place::Undefined);
            self.elsewhere.insert(index, end);
            let next = end.checked_add(size);
            let next = next.and_then(|end| end.checked_next_multiple_of(ROOM));
            end = next.filter(|end| *end <= LAST_PAGE).ok_or_else(wraps)?;
        }
        if end > start {
            self.at = end;
            self.sections.push(Section {
                name: UNDEFINED.into(),
                range: start..end,
                file: 0..0,
                loaded: true,
                // Nearly all are functions.
                executable: true,
                writable: false,
                thread_local: false,
            });
        }
        Ok(())
    }

    /// Adds the callbacks of other objects to the table, and empties the list.
    fn callbacks(&mut self, foreign: &mut BTreeSet<usize>) -> Result<(), ImageError> {
        let has_table = |last: &Section| last.loaded && last.name == CALLBACKS;
        if !foreign.is_empty() && !self.sections.last().is_some_and(has_table) {
            // At another address than the bounds of the section before it.
            self.at = self.at.saturating_add(1);
        }
        for symbol in std::mem::take(foreign) {
            let start = self.at.checked_next_multiple_of(8);
            let range = start.and_then(|start| Some(start..start.checked_add(CALLBACK)?));
            let range = range.filter(|range| range.end <= LAST_PAGE);
            let range = range.ok_or_else(|| ImageError::Wraps {
                section: CALLBACKS.into(),
                address: self.at,
            })?;
            self.at = range.end;
            // Its function is where the symbol would be otherwise.
            let function = self.elsewhere.insert(symbol, range.start);
            let offset = self.data.len();
            self.data.extend([0; FUNCTION]);
            self.data.extend(function.unwrap_or_default().to_le_bytes());
            let new = Section {
                name: CALLBACKS.into(),
                range,
                file: offset..self.data.len(),
                loaded: true,
                executable: false,
                writable: false,
                thread_local: false,
            };
            self.add(new, true);
        }
        Ok(())
    }

    /// Where the global offset table is put: at a page behind everything.
    pub fn got(&self) -> u64 {
        self.at.checked_next_multiple_of(PAGE).unwrap_or(LAST_PAGE)
    }

    /// Adds the global offset table, unless it is empty.
    pub fn add_got(&mut self, got: &Got) -> Result<(), ImageError> {
        let bytes = got.bytes();
        if bytes.is_empty() {
            return Ok(());
        }
        let end = got.start.checked_add(bytes.len() as u64);
        let end = end.filter(|end| *end <= LAST_PAGE);
        let end = end.ok_or_else(|| ImageError::Wraps {
            section: GOT.into(),
            address: got.start,
        })?;
        self.at = end;
        let offset = self.data.len();
        self.data.extend(bytes);
        self.sections.push(Section {
            name: GOT.into(),
            range: got.start..end,
            file: offset..self.data.len(),
            loaded: true,
            executable: false,
            writable: false,
            thread_local: false,
        });
        Ok(())
    }

    /// The address of a symbol; `None` if it has no place.
    pub fn address(&self, object: &Object<'_>, symbol: usize) -> Option<u64> {
        let found = object.symbols.get(symbol)?;
        match found.place {
            Place::In(section, offset) => {
                let (start, _) = (*self.places.get(section)?)?;
                Some(start.wrapping_add(offset))
            }
            Place::Undefined | Place::Common => self.elsewhere.get(&symbol).copied(),
            Place::Absolute => Some(found.value),
        }
    }

    /// Indices of the loaded sections that are not empty, by address.
    pub fn loaded(&self) -> Vec<usize> {
        let sections = self.sections.iter().enumerate();
        let loaded = sections.filter(|(_, section)| {
            section.loaded && !section.range.is_empty() && !section.thread_local
        });
        let mut loaded: Vec<_> = loaded.map(|(index, _)| index).collect();
        loaded.sort_by_key(|index| self.sections[*index].range.start);
        loaded
    }
}
