//! ELF files of a few words, written without a compiler.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

/// The size of the loaded segment in bytes.
const SIZE: u64 = 0x300;

/// An ELF file under construction: a guest of a few instructions.
pub struct TinyElf {
    /// Name, flags, address, bytes.
    sections: Vec<(&'static str, u64, u64, Vec<u8>)>,
    /// Name, type, index of the section, address, size.
    symbols: Vec<(String, u8, u16, u64, u64)>,
}

/// `sh_flags` (ELF-64 Object File Format, table 10).
const ALLOC: u64 = 2;
const EXEC: u64 = 4;

impl TinyElf {
    /// The address of the text and of the entry point.
    pub const TEXT: u64 = 0x4020_0000;

    /// The address of `demo_outcome`, after the text in the same segment.
    pub const OUTCOME: u64 = Self::TEXT + 0x200;

    /// A guest that executes `words`, with a `demo_outcome` and one defmt message, `hello`.
    pub fn new(words: &[u32]) -> Self {
        let mut text: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        text.resize(SIZE as usize, 0);
        let entry = "_ZN4tiny5entry17h0123456789abcdefE";
        let hello = r#"{"package":"tiny","tag":"defmt_info","data":"hello","disambiguator":"1","crate_name":"tiny"}"#;
        Self {
            sections: vec![
                (".text", ALLOC | EXEC, Self::TEXT, text),
                (".defmt", 0, 0, vec![0; 8]),
            ],
            symbols: vec![
                (entry.into(), 2, 1, Self::TEXT, 0x100),
                ("demo_outcome".into(), 1, 1, Self::OUTCOME, 16),
                (hello.into(), 1, 2, 1, 1),
                ("_defmt_version_ = 4".into(), 1, 2, 4, 0),
                ("_defmt_encoding_ = rzcobs".into(), 1, 2, 4, 0),
            ],
        }
    }

    /// Adds an allocated section that no segment loads.
    pub fn section(mut self, name: &'static str, address: u64, bytes: &[u8]) -> Self {
        self.sections.push((name, ALLOC, address, bytes.to_vec()));
        self
    }

    /// Removes a symbol.
    pub fn without(mut self, name: &str) -> Self {
        self.symbols.retain(|symbol| symbol.0 != name);
        self
    }

    /// Writes the file into a new directory, which is deleted when the `TempDir` is dropped.
    ///
    /// # Panics
    /// If the file cannot be written.
    pub fn write(&self) -> (TempDir, PathBuf) {
        let directory = TempDir::new().expect("a temporary directory can be created");
        let path = directory.path().join("tiny");
        fs::write(&path, self.bytes()).expect("a file in it can be written");
        (directory, path)
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut names = Strings::new();
        let mut symbols = vec![0; 24];
        for (name, kind, section, address, size) in &self.symbols {
            symbols.extend(names.add(name).to_le_bytes());
            symbols.extend([1 << 4 | kind, 0]);
            symbols.extend(section.to_le_bytes());
            symbols.extend(address.to_le_bytes());
            symbols.extend(size.to_le_bytes());
        }

        // The header, one program header, the contents, the section headers.
        let mut file = vec![0; 64 + 56];
        let mut headers = vec![0; 64];
        let strings_index = self.sections.len() as u32 + 2;
        let mut add = |kind: u32, link: u32, entry: u64, section: (&str, u64, u64, &[u8])| {
            let (name, flags, address, bytes) = section;
            file.resize(file.len().next_multiple_of(16), 0);
            headers.extend(names.add(name).to_le_bytes());
            headers.extend(kind.to_le_bytes());
            for value in [flags, address, file.len() as u64, bytes.len() as u64] {
                headers.extend(value.to_le_bytes());
            }
            headers.extend(link.to_le_bytes());
            headers.extend(1_u32.to_le_bytes());
            headers.extend(1_u64.to_le_bytes());
            headers.extend(entry.to_le_bytes());
            file.extend(bytes);
        };
        for (name, flags, address, bytes) in &self.sections {
            add(1, 0, 0, (name, *flags, *address, bytes));
        }
        add(2, strings_index, 24, (".symtab", 0, 0, &symbols));
        let strings_at = file.len().next_multiple_of(16);
        let name = names.add(".strtab");
        file.resize(strings_at, 0);
        headers.extend(name.to_le_bytes());
        headers.extend(3_u32.to_le_bytes());
        for value in [0, 0, strings_at as u64, names.0.len() as u64, 0, 1, 0] {
            headers.extend(u64::to_le_bytes(value));
        }
        file.extend(&names.0);
        file.resize(file.len().next_multiple_of(16), 0);
        let headers_at = file.len() as u64;

        let mut start = b"\x7fELF\x02\x01\x01".to_vec();
        start.resize(16, 0);
        start.extend([2, 0, 183, 0, 1, 0, 0, 0]);
        for value in [Self::TEXT, 64, headers_at] {
            start.extend(value.to_le_bytes());
        }
        start.extend([0; 4]);
        let count = self.sections.len() as u16 + 3;
        for value in [64, 56, 1, 64, count, count - 1] {
            start.extend(value.to_le_bytes());
        }
        // PT_LOAD, RWX; the text is the first content.
        start.extend([1, 0, 0, 0, 7, 0, 0, 0]);
        for value in [128, Self::TEXT, Self::TEXT, SIZE, SIZE, 16] {
            start.extend(u64::to_le_bytes(value));
        }
        file[..start.len()].copy_from_slice(&start);
        file.extend(headers);
        file
    }
}

/// A string table.
struct Strings(Vec<u8>);

impl Strings {
    fn new() -> Self {
        Self(vec![0])
    }

    fn add(&mut self, text: &str) -> u32 {
        let at = self.0.len() as u32;
        self.0.extend(text.bytes());
        self.0.push(0);
        at
    }
}
