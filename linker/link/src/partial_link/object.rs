//! The output of the partial link, in the form that the lints use.

use alt_object::display;
use alt_object::object::{Object, Place, Relocation};
use object::elf::{
    SHF_ALLOC, SHF_EXECINSTR, SHT_NOBITS, SHT_NULL, SHT_RELA, STT_FILE, STT_FUNC, STT_NOTYPE,
    STT_SECTION, SectionFlags, SymbolType,
};

use super::error::PartialLinkError;

/// The object; both lists are indexed by the numbers of the file.
pub(super) struct LinkedObject<'a> {
    pub sections: Vec<LinkedSection<'a>>,
    pub symbols: Vec<LinkedSymbol<'a>>,
}

pub(super) struct LinkedSection<'a> {
    pub name: &'a str,
    pub flags: SectionFlags,
    pub size: u64,
    /// Empty for `SHT_NOBITS`.
    pub bytes: &'a [u8],
    pub link: usize,
    pub relocations: Vec<Relocation>,
    /// From the mapping symbols: the offsets where data begins (true) and where code begins.
    mapping: Vec<(u64, bool)>,
}

pub(super) struct LinkedSymbol<'a> {
    pub name: &'a str,
    pub kind: SymbolType,
    pub place: Place,
    pub size: u64,
    pub local: bool,
}

impl<'a> LinkedObject<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PartialLinkError> {
        let object = Object::parse(bytes)?;
        check_layout(&object, bytes.len())?;
        let mut sections = Vec::new();
        for (index, section) in object.sections.iter().enumerate() {
            sections.push(LinkedSection {
                name: text(section.name)?,
                flags: section.flags,
                size: section.size,
                bytes: object.contents(index)?,
                link: section.link,
                relocations: Vec::new(),
                mapping: Vec::new(),
            });
        }
        let mut symbols = Vec::new();
        for symbol in &object.symbols {
            let symbol = LinkedSymbol {
                name: text(symbol.name)?,
                kind: symbol.kind,
                place: symbol.place,
                size: symbol.size,
                local: symbol.local,
            };
            if let (true, Place::In(section, offset)) = (symbol.is_mapping(), symbol.place)
                && let Some(section) = sections.get_mut(section)
            {
                section
                    .mapping
                    .push((offset, symbol.name.starts_with("$d")));
            }
            symbols.push(symbol);
        }
        // The name of a relocation section is arbitrary after a partial link; `sh_info` counts.
        for (index, rows) in object.sections.iter().enumerate() {
            if rows.kind == SHT_RELA
                && let Some(relocations) = object.relocations(index)?
                && let Some(target) = sections.get_mut(rows.info)
            {
                target.relocations.extend(relocations.list);
            }
        }
        for section in &mut sections {
            section.mapping.sort_by_key(|(offset, _)| *offset);
            section
                .relocations
                .sort_by_key(|relocation| relocation.offset);
        }
        Ok(Self { sections, symbols })
    }

    /// The sections that are loaded, with their indices.
    pub fn loaded(&self) -> impl Iterator<Item = (usize, &LinkedSection<'a>)> {
        self.sections
            .iter()
            .enumerate()
            .filter(|(_, section)| section.is_loaded())
    }

    /// The place that a relocation refers to.
    pub fn target(&self, relocation: &Relocation) -> Option<(usize, u64)> {
        match self.symbols.get(relocation.symbol)?.place {
            Place::In(section, value) => Some((
                section,
                value.wrapping_add_signed(relocation.addend.unwrap_or(0)),
            )),
            _ => None,
        }
    }
}

/// Checks the requirements for rewriting the object, and that it takes no more memory than the file
/// has bytes: a linker gives each section its own bytes, and aligns them in the file too.
fn check_layout(object: &Object<'_>, len: usize) -> Result<(), PartialLinkError> {
    let wrong = |what: String| Err(PartialLinkError::Object(what));
    if object.has_program_headers() {
        return wrong("it has program headers".into());
    }
    let mut left = len as u64;
    for section in &object.sections {
        if [SHT_NULL, SHT_NOBITS].contains(&section.kind) {
            continue;
        }
        let (at, align) = (section.offset, section.align);
        if !align.is_power_of_two() || !at.is_multiple_of(align) {
            return wrong(format!(
                "a section at {at:#x} of the file, aligned to {align:#x}"
            ));
        }
        match left.checked_sub(section.size) {
            Some(rest) => left = rest,
            None => return wrong("the sections take more room than the file has".into()),
        }
    }
    Ok(())
}

impl LinkedSection<'_> {
    pub fn is_loaded(&self) -> bool {
        self.flags.contains(SHF_ALLOC)
    }

    pub fn is_code(&self) -> bool {
        self.flags.contains(SHF_EXECINSTR)
    }

    /// Whether there is data at an offset in a section of code.
    pub fn is_data(&self, offset: u64) -> bool {
        let after = self.mapping.partition_point(|(value, _)| *value <= offset);
        after
            .checked_sub(1)
            .is_some_and(|at| self.mapping.get(at).is_some_and(|(_, data)| *data))
    }

    /// The instructions of a section of code, with their offsets.
    pub fn instructions(&self) -> impl Iterator<Item = (u64, u32)> {
        let words = self
            .bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|word| u32::from_le_bytes(*word));
        (0..)
            .step_by(4)
            .zip(words)
            .filter(|(offset, _)| self.is_code() && !self.is_data(*offset))
    }
}

impl LinkedSymbol<'_> {
    /// `$x` and `$d` mark where code and data begin.
    pub fn is_mapping(&self) -> bool {
        self.kind == STT_NOTYPE && self.name.starts_with('$')
    }

    /// Whether it names code or data, unlike the symbols of files, sections and mappings.
    pub fn is_name(&self) -> bool {
        ![STT_FILE, STT_SECTION].contains(&self.kind) && !self.is_mapping() && !self.name.is_empty()
    }

    pub fn is_function(&self) -> bool {
        self.kind == STT_FUNC
    }
}

/// A name as text. A lossy conversion could make two different names equal.
pub(super) fn text(bytes: &[u8]) -> Result<&str, NotUtf8> {
    str::from_utf8(bytes).map_err(|_| NotUtf8(display::name(bytes)))
}

/// A name that no compiler generates.
#[derive(Debug, thiserror::Error)]
#[error("the name `{0}` is not UTF-8")]
pub(super) struct NotUtf8(String);

impl From<NotUtf8> for PartialLinkError {
    fn from(error: NotUtf8) -> Self {
        Self::Object(error.to_string())
    }
}
