//! A relocatable object (a kernel module, `foo.o`) as an image.
//!
//! An object has no addresses: a linker or the kernel's loader chooses them. So its sections get
//! addresses here, and its relocations are applied for them. Sites, records and replacements then
//! refer to each other as they will in a running kernel. Symbols of other objects get addresses after
//! the sections, in a section that has no bytes; the global offset table of position-independent code
//! comes after that.

mod callbacks;
mod got;
mod layout;
mod relocate;

use std::ops::Range;

use alt_object::object::{Object, Place, Section};

use super::elf::{Names, mapping_symbol};
use super::{Image, ImageError, Symbol, Symbols};
use layout::{Layout, ROOM, UNDEFINED};
use object::elf;

pub use relocate::Unapplied;

/// The layout of a relocatable object.
#[derive(Clone, Debug)]
pub struct Relocatable {
    /// The bytes of the file.
    file: Vec<u8>,
    /// Addresses, and the offset in the file of the first, by address.
    pieces: Vec<(Range<u64>, usize)>,
    /// The number of symbols that other objects define.
    undefined: usize,
    unapplied: Vec<Unapplied>,
}

impl Relocatable {
    /// The bytes of the file.
    pub fn file(&self) -> &[u8] {
        &self.file
    }

    /// The offset in the file of the byte at an address of the layout.
    pub fn offset_in_file(&self, address: u64) -> Option<usize> {
        let after = self
            .pieces
            .partition_point(|(range, _)| range.start <= address);
        let (range, offset) = self.pieces.get(after.checked_sub(1)?)?;
        let inside = range.contains(&address).then(|| address - range.start)?;
        offset.checked_add(usize::try_from(inside).ok()?)
    }

    /// The number of symbols that it takes from other objects.
    pub fn undefined(&self) -> usize {
        self.undefined
    }

    /// The relocations that could not be applied; none of them is in a table of records.
    pub fn unapplied(&self) -> &[Unapplied] {
        &self.unapplied
    }
}

/// Whether this is an ELF file of type ET_REL.
pub(super) fn is_object(data: &[u8]) -> bool {
    data.starts_with(&elf::ELFMAG) && data.get(16..18) == Some(&elf::ET_REL.0.to_le_bytes())
}

pub(super) fn parse(file: Vec<u8>) -> Result<Image, ImageError> {
    super::elf::check_identity(&file)?;
    let machine = file
        .get(18..20)
        .map(|two| u16::from_le_bytes([two[0], two[1]]));
    if let Some(other) = machine.filter(|machine| *machine != elf::EM_AARCH64.0) {
        return Err(ImageError::Machine(other));
    }
    let mut names = Names::new(file.len());
    let object = Object::parse(&file).map_err(|why| ImageError::Truncated(why.to_string()))?;
    let mut layout = Layout::new(&object, file.len(), &mut names)?;
    let symbols = symbols(&object, &layout, &mut names)?;
    let (relocations, unapplied) = relocate::all(&object, file.len(), &mut layout, &mut names)?;
    let undefined = layout.undefined;
    let loaded = layout.loaded();
    let Layout {
        data,
        sections,
        pieces,
        ..
    } = layout;
    Ok(Image {
        data,
        entry: 0,
        sections,
        loaded,
        segments: Vec::new(),
        symbols,
        relocations,
        pointers: Vec::new(),
        relocatable: Some(Box::new(Relocatable {
            file,
            pieces,
            undefined,
            unapplied,
        })),
    })
}

/// The symbols at their addresses, those of other objects included.
fn symbols(object: &Object<'_>, layout: &Layout, names: &mut Names) -> Result<Symbols, ImageError> {
    let (mut symbols, mut mapping) = (Vec::new(), Vec::new());
    for (index, symbol) in object.symbols.iter().enumerate().skip(1) {
        let no_place = [elf::STT_FILE, elf::STT_SECTION, elf::STT_TLS];
        let Some(start) = layout.address(object, index) else {
            continue;
        };
        if no_place.contains(&symbol.kind) {
            continue;
        }
        if let Some(data) = mapping_symbol(symbol.name).filter(|_| symbol.kind == elf::STT_NOTYPE) {
            if let Place::In(section, _) = symbol.place
                && object.sections.get(section).is_some_and(Section::is_code)
            {
                mapping.push((start, data));
            }
            continue;
        }
        if symbol.name.is_empty() || symbol.name.starts_with(b".L") {
            continue;
        }
        symbols.push(Symbol {
            name: names.copy(symbol.name)?,
            // A symbol of another object covers its room, so that no other symbol does.
            range: match symbol.place {
                Place::Undefined => start..start.saturating_add(ROOM),
                _ => start..start.saturating_add(symbol.size),
            },
            function: symbol.kind == elf::STT_FUNC,
            absolute: symbol.place == Place::Absolute,
        });
    }
    Ok(Symbols::new(symbols, mapping))
}

/// The name of the section of symbols that other objects define, as in the output of `objdump`.
pub const ELSEWHERE: &str = UNDEFINED;

/// The error about a damaged object.
fn damaged(what: &str) -> impl Fn(alt_object::object::ObjectError) -> ImageError {
    move |why| ImageError::Truncated(format!("{what}: {why}"))
}
