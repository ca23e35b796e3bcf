//! ELF files made byte by byte, good ones and damaged ones, without a compiler.

/// `sh_type` (ELF-64 Object File Format, table 9): bytes of a program.
pub const PROGBITS: u32 = 1;
/// A section without bytes in the file.
pub const NOBITS: u32 = 8;
const SYMTAB: u32 = 2;
const STRTAB: u32 = 3;
/// Relocations with addends.
pub const RELA: u32 = 4;

/// `sh_flags` (table 10): it is in memory.
pub const ALLOC: u64 = 2;
/// It holds instructions.
pub const EXEC: u64 = 4;

/// A section: its header, and its bytes.
#[derive(Clone)]
pub struct Section {
    /// Its name.
    pub name: &'static str,
    /// `sh_type`.
    pub kind: u32,
    /// `sh_flags`.
    pub flags: u64,
    /// `sh_addr`.
    pub address: u64,
    /// Its bytes in the file.
    pub bytes: Vec<u8>,
    /// `sh_offset`, if it is not the truth.
    pub offset: Option<u64>,
    /// `sh_size`, if it is not the truth.
    pub size: Option<u64>,
    /// `sh_info`; `sh_link` is right by itself.
    pub info: u32,
}

/// A file under construction.
#[derive(Clone)]
pub struct Elf {
    /// The sections after the null section.
    pub sections: Vec<Section>,
    /// Name, type, section by index, address, size.
    pub symbols: Vec<(String, u8, u16, u64, u64)>,
    /// The section headers are before the contents, not after them.
    pub headers_first: bool,
}

/// The bytes of words.
pub fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

impl Section {
    /// A section with bytes.
    pub fn new(name: &'static str, flags: u64, address: u64, bytes: Vec<u8>) -> Self {
        Self {
            name,
            kind: PROGBITS,
            flags,
            address,
            bytes,
            offset: None,
            size: None,
            info: 0,
        }
    }
}

impl Elf {
    /// A file without symbols.
    pub fn new(sections: Vec<Section>) -> Self {
        Self {
            sections,
            symbols: Vec::new(),
            headers_first: false,
        }
    }

    /// Adds a global symbol: `st_info`'s type, `st_shndx`, `st_value` and `st_size`.
    pub fn symbol(&mut self, name: &str, kind: u8, section: u16, address: u64, size: u64) {
        self.symbols
            .push((name.into(), kind, section, address, size));
    }

    /// The section of this name, to be damaged.
    ///
    /// # Panics
    /// There is no such section.
    pub fn section(&mut self, name: &str) -> &mut Section {
        let mut sections = self.sections.iter_mut();
        sections
            .find(|section| section.name == name)
            .expect("it is there")
    }

    /// Its file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut names = vec![0];
        let mut add = |name: &str| {
            let at = names.len() as u32;
            names.extend(name.bytes().chain([0]));
            at
        };
        let mut symbols = vec![0; 24];
        for (name, kind, section, address, size) in &self.symbols {
            symbols.extend(add(name).to_le_bytes());
            symbols.extend([1 << 4 | kind, 0]);
            symbols.extend(section.to_le_bytes());
            symbols.extend(address.to_le_bytes());
            symbols.extend(size.to_le_bytes());
        }
        let mut all = self.sections.clone();
        all.push(Section {
            kind: SYMTAB,
            bytes: symbols,
            ..Section::new(".symtab", 0, 0, Vec::new())
        });
        let mut at: Vec<u32> = all.iter().map(|section| add(section.name)).collect();
        at.push(add(".strtab"));
        all.push(Section {
            kind: STRTAB,
            bytes: names,
            ..Section::new(".strtab", 0, 0, Vec::new())
        });

        let count = all.len() as u16 + 1;
        let contents: usize = all.iter().map(|s| s.bytes.len().next_multiple_of(8)).sum();
        let size_of_headers = 64 * usize::from(count);
        let (headers_at, mut offset) = match self.headers_first {
            true => (64, 64 + size_of_headers),
            false => (64 + contents, 64),
        };
        let (mut headers, mut data) = (vec![0; 64], Vec::new());
        for (section, name) in all.iter().zip(at) {
            headers.extend(name.to_le_bytes());
            headers.extend(section.kind.to_le_bytes());
            let size = section.size.unwrap_or(section.bytes.len() as u64);
            let from = section.offset.unwrap_or(offset as u64);
            for value in [section.flags, section.address, from, size] {
                headers.extend(value.to_le_bytes());
            }
            // The last two sections are the symbols and their names.
            let (link, entry) = match section.kind {
                SYMTAB => (count - 1, 24_u64),
                RELA => (count - 2, 24),
                _ => (0, 0),
            };
            headers.extend(u32::from(link).to_le_bytes());
            headers.extend(section.info.to_le_bytes());
            headers.extend(8_u64.to_le_bytes());
            headers.extend(entry.to_le_bytes());
            data.extend(&section.bytes);
            data.resize(data.len().next_multiple_of(8), 0);
            offset += section.bytes.len().next_multiple_of(8);
        }

        let mut file = b"\x7fELF\x02\x01\x01".to_vec();
        file.resize(16, 0);
        file.extend([2, 0, 183, 0, 1, 0, 0, 0]);
        let entry = self.sections.first().map_or(0, |section| section.address);
        for value in [entry, 0, headers_at as u64] {
            file.extend(value.to_le_bytes());
        }
        file.extend([0; 4]);
        for value in [64, 56, 0, 64, count, count - 1] {
            file.extend(value.to_le_bytes());
        }
        let parts = match self.headers_first {
            true => [headers, data],
            false => [data, headers],
        };
        file.extend(parts.concat());
        file
    }
}
