//! Linked ELF images: sections, symbols and bytes, by name and by address.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use object::elf::{FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{
    BinaryFormat, Endianness, Object, ObjectSection, ObjectSegment, ObjectSymbol, SectionFlags,
    SymbolKind, elf,
};

/// Why an image cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The file cannot be read.
    #[error("reading {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The file is not a linked arm64 ELF file.
    #[error("{path}: {problem}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The image has no such symbol.
    #[error(
        "{path}: no symbol `{symbol}`; define it as a `#[unsafe(no_mangle)]` static",
        path = path.display()
    )]
    NoSymbol {
        /// The file.
        path: PathBuf,
        /// The missing name.
        symbol: String,
    },
}

/// A linked arm64 ELF image, read once.
#[derive(Clone, Debug)]
pub struct Image {
    path: PathBuf,
    file: Vec<u8>,
    sections: Vec<Section>,
    segments: Vec<Range<u64>>,
    entry: u64,
    /// By address, then by size.
    symbols: Vec<Symbol>,
}

/// An allocated section.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Its addresses.
    pub range: Range<u64>,
    /// Whether it holds instructions.
    pub executable: bool,
    /// Its bytes; empty when the file has none (`.bss`).
    pub bytes: Vec<u8>,
}

/// An address as a symbol and an offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Demangled symbol.
    pub symbol: String,
    /// Bytes from the symbol's start.
    pub offset: u64,
}

#[derive(Clone, Debug)]
struct Symbol {
    name: String,
    range: Range<u64>,
    text: bool,
}

impl Image {
    /// Reads an image.
    ///
    /// # Errors
    /// [`ImageError::Read`] when the file cannot be read, [`ImageError::Malformed`] when it is not
    /// a linked arm64 ELF file.
    pub fn open(path: &Path) -> Result<Self, ImageError> {
        let file = fs::read(path).map_err(|source| ImageError::Read {
            path: path.to_owned(),
            source,
        })?;
        let wrong = |problem: String| ImageError::Malformed {
            path: path.to_owned(),
            problem,
        };
        let elf = object::File::parse(file.as_slice()).map_err(|error| wrong(error.to_string()))?;
        if elf.format() != BinaryFormat::Elf || elf.architecture() != object::Architecture::Aarch64
        {
            return Err(wrong("not an arm64 ELF file".into()));
        }

        let segments = elf
            .segments()
            .map(|segment| segment.address()..segment.address() + segment.size())
            .filter(|range| !range.is_empty())
            .collect::<Vec<_>>();
        if segments.is_empty() {
            return Err(wrong("it loads nothing; is it linked?".into()));
        }
        let sections = elf
            .sections()
            .filter_map(|section| {
                let SectionFlags::Elf { sh_flags, .. } = section.flags() else {
                    return None;
                };
                sh_flags.contains(elf::SHF_ALLOC).then(|| Section {
                    name: section.name().unwrap_or_default().into(),
                    range: section.address()..section.address() + section.size(),
                    executable: sh_flags.contains(elf::SHF_EXECINSTR),
                    bytes: section.data().unwrap_or_default().to_owned(),
                })
            })
            .collect();
        let mut symbols: Vec<_> = elf
            .symbols()
            .filter(|symbol| symbol.is_definition())
            .filter_map(|symbol| {
                let name = symbol.name().ok()?;
                // Mapping symbols ($x, $d) and the assembler's local labels name no place.
                (!name.is_empty() && !name.starts_with('$') && !name.starts_with(".L")).then(|| {
                    Symbol {
                        name: name.into(),
                        range: symbol.address()..symbol.address() + symbol.size(),
                        text: symbol.kind() == SymbolKind::Text,
                    }
                })
            })
            .collect();
        symbols.sort_by_key(|symbol| (symbol.range.start, symbol.range.end));

        Ok(Self {
            path: path.to_owned(),
            sections,
            segments,
            entry: elf.entry(),
            symbols,
            file,
        })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The address of the first instruction.
    pub fn entry(&self) -> u64 {
        self.entry
    }

    /// The file's bytes.
    pub fn file(&self) -> &[u8] {
        &self.file
    }

    /// The address ranges that are loaded, zero-filled parts included.
    pub fn load_ranges(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.segments.iter().cloned()
    }

    /// The allocated sections.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The section of a name; the first, should there be several.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// The file's bytes for an address range, `None` unless one section holds them all.
    pub fn bytes(&self, address: u64, length: usize) -> Option<&[u8]> {
        self.sections.iter().find_map(|section| {
            let from = usize::try_from(address.checked_sub(section.range.start)?).ok()?;
            section.bytes.get(from..from.checked_add(length)?)
        })
    }

    /// The address of a symbol, by its exact name in the file.
    ///
    /// # Errors
    /// [`ImageError::NoSymbol`]
    pub fn symbol(&self, name: &str) -> Result<u64, ImageError> {
        self.symbols
            .iter()
            .find(|symbol| symbol.name == name)
            .map(|symbol| symbol.range.start)
            .ok_or_else(|| ImageError::NoSymbol {
                path: self.path.clone(),
                symbol: name.into(),
            })
    }

    /// The addresses of the function whose demangled path ends in `name`.
    pub fn function(&self, name: &str) -> Option<Range<u64>> {
        let is_it = |symbol: &&Symbol| {
            let path = format!("{:#}", rustc_demangle::demangle(&symbol.name));
            let start = path.strip_suffix(name);
            symbol.text && start.is_some_and(|start| start.is_empty() || start.ends_with("::"))
        };
        let found = self.symbols.iter().find(is_it);
        found.map(|symbol| symbol.range.clone())
    }

    /// The address of the variable whose demangled path ends in `name`.
    pub fn variable(&self, name: &str) -> Option<u64> {
        let found = self.symbols.iter().find(|symbol| {
            let path = format!("{:#}", rustc_demangle::demangle(&symbol.name));
            // LLVM names the rest of an optimised variable `NAME.0`.
            let path = path.split('.').next().unwrap_or_default();
            !symbol.text && path.ends_with(name)
        });
        found.map(|symbol| symbol.range.start)
    }

    /// The loaded bytes by physical address, from the lowest one on, as `objcopy -O binary` writes
    /// them. QEMU boots a file of them by the header of an arm64 Image at its start.
    ///
    /// # Errors
    /// [`ImageError::Malformed`] when a segment is not in the file, or none has bytes.
    pub fn flat(&self) -> Result<Vec<u8>, ImageError> {
        let wrong = |problem: String| ImageError::Malformed {
            path: self.path.clone(),
            problem,
        };
        flat(&self.file).map_err(wrong)
    }

    /// The function that contains an address, or else the nearest symbol before it in its section.
    pub fn place(&self, address: u64) -> Option<Place> {
        let before = &self.symbols[..self
            .symbols
            .partition_point(|symbol| symbol.range.start <= address)];
        let function = before
            .iter()
            .rev()
            .find(|symbol| symbol.text && symbol.range.contains(&address));
        let section = self
            .sections
            .iter()
            .find(|section| section.range.contains(&address))?;
        let symbol = function.or_else(|| {
            before
                .last()
                .filter(|symbol| symbol.range.start >= section.range.start)
        })?;
        Some(Place {
            symbol: format!("{:#}", rustc_demangle::demangle(&symbol.name)),
            offset: address - symbol.range.start,
        })
    }
}

fn flat(file: &[u8]) -> Result<Vec<u8>, String> {
    let wrong = |error: object::Error| error.to_string();
    let header = FileHeader64::<Endianness>::parse(file).map_err(wrong)?;
    let endian = header.endian().map_err(wrong)?;
    let mut parts = Vec::new();
    for segment in header.program_headers(endian, file).map_err(wrong)? {
        let bytes = segment
            .data(endian, file)
            .map_err(|()| "a segment is truncated")?;
        if segment.p_type(endian) == PT_LOAD && !bytes.is_empty() {
            parts.push((segment.p_paddr(endian), bytes));
        }
    }
    let base = parts.iter().map(|(address, _)| *address).min();
    let base = base.ok_or("it has no segment with bytes to load")?;
    let mut flat = Vec::new();
    for (address, bytes) in parts {
        let start = (address - base) as usize;
        flat.resize(flat.len().max(start + bytes.len()), 0);
        flat[start..][..bytes.len()].copy_from_slice(bytes);
    }
    Ok(flat)
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:#x}", self.symbol, self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    use crate::TinyElf;

    const TEXT: u64 = TinyElf::TEXT;
    const OUTCOME: u64 = TinyElf::OUTCOME;

    fn open(elf: &TinyElf) -> Image {
        let (_directory, path) = elf.write();
        Image::open(&path).unwrap()
    }

    #[test]
    fn tiny_image_is_read() {
        let image = open(&TinyElf::new(&[0xd503_201f]));
        assert_eq!(image.symbol("demo_outcome").unwrap(), OUTCOME);
        assert_eq!(image.load_ranges().next(), Some(TEXT..TEXT + 0x300));
        assert_eq!(image.load_ranges().count(), 1);
        assert_eq!(image.bytes(TEXT, 4), Some(&[0x1f, 0x20, 0x03, 0xd5][..]));
        assert_eq!(image.bytes(TEXT + 0x2fe, 4), None);
        assert!(
            image
                .section(".text")
                .is_some_and(|section| section.executable)
        );
        // Not allocated: no address is in it.
        assert!(image.section(".defmt").is_none());
    }

    #[test]
    fn place_is_the_function_or_what_is_nearest() {
        let image = open(&TinyElf::new(&[]));
        let place = |address| image.place(address).map(|place| place.to_string());
        assert_eq!(place(TEXT + 8).as_deref(), Some("tiny::entry+0x8"));
        assert_eq!(place(TEXT + 0x104).as_deref(), Some("tiny::entry+0x104"));
        assert_eq!(place(OUTCOME + 4).as_deref(), Some("demo_outcome+0x4"));
        assert_eq!(place(TEXT + 0x300), None);
        assert_eq!(place(TEXT - 4), None);
    }

    #[test]
    fn segments_are_flattened_by_address() {
        let image = open(&TinyElf::new(&[0xd503_201f]));
        let text = image.section(".text").unwrap();
        let start = (text.range.start - image.load_ranges().next().unwrap().start) as usize;
        let flat = image.flat().unwrap();
        assert_eq!(flat[start..][..text.bytes.len()], text.bytes);
    }

    #[test]
    fn other_files_are_not_flattened() {
        assert!(flat(b"not an ELF file").is_err());
    }

    #[test]
    fn files_that_are_no_image_are_refused() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("file");
        assert!(matches!(Image::open(&path), Err(ImageError::Read { .. })));
        fs::write(&path, "not an ELF file").unwrap();
        assert!(matches!(
            Image::open(&path),
            Err(ImageError::Malformed { .. })
        ));
        let this_program = std::env::current_exe().unwrap();
        if cfg!(not(target_arch = "aarch64")) {
            assert!(matches!(
                Image::open(&this_program),
                Err(ImageError::Malformed { .. })
            ));
        }
    }
}
