//! An ELF file that is being changed.
//!
//! All bytes of the file stay where they are, and all numbers of sections stay the same: a section
//! whose contents change in size gets a new place after the file, with new section headers. So
//! segments, groups, debug information and sections of unknown types need no care. The same changes
//! give the same bytes.

use object::elf::{SHT_SYMTAB_SHNDX, SectionFlags, SectionType};

use crate::object::ObjectError;

/// Size of a section header in bytes.
const HEADER: usize = 64;

// Offsets in the ELF header and in a section header (ELF-64 object file format).
const E_SHOFF: usize = 0x28;
const E_SHNUM: usize = 0x3c;
const E_SHSTRNDX: usize = 0x3e;
const SH_NAME: usize = 0;
const SH_TYPE: usize = 0x04;
const SH_FLAGS: usize = 0x08;
const SH_ADDR: usize = 0x10;
const SH_OFFSET: usize = 0x18;
const SH_SIZE: usize = 0x20;
const SH_LINK: usize = 0x28;
const SH_INFO: usize = 0x2c;
const SH_ALIGN: usize = 0x30;
const SH_ENTRY: usize = 0x38;

/// From this number on, an ELF file stores numbers of sections elsewhere.
const MAX_SECTIONS: usize = 0xff00;

/// A section to add.
#[derive(Clone, Copy, Debug)]
pub struct NewSection<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type.
    pub kind: SectionType,
    /// Its flags.
    pub flags: SectionFlags,
    /// `sh_link`.
    pub link: usize,
    /// `sh_info`.
    pub info: usize,
    /// Its alignment in bytes.
    pub align: u64,
    /// The size of an element in bytes; 0 if it has none.
    pub entry: u64,
}

/// A little-endian ELF file of 64 bits that is being changed.
#[derive(Debug)]
pub struct Rewriter {
    /// The bytes of the file: those of the old file, with those of changed sections after them.
    pub bytes: Vec<u8>,
    headers: Vec<[u8; HEADER]>,
    /// The section of the names of sections, and its contents.
    names: (usize, Vec<u8>),
    names_changed: bool,
}

fn error(why: &str) -> ObjectError {
    ObjectError(why.to_owned())
}

impl Rewriter {
    /// Reads the section headers of a file.
    ///
    /// # Errors
    /// They are damaged, or too many for the field of the ELF header.
    pub fn new(bytes: Vec<u8>) -> Result<Self, ObjectError> {
        let damaged = || error("the section headers are damaged");
        let half = |at: usize| {
            let field = bytes.get(at..)?.first_chunk()?;
            Some(usize::from(u16::from_le_bytes(*field)))
        };
        let count = half(E_SHNUM).ok_or_else(damaged)?;
        let names = half(E_SHSTRNDX).ok_or_else(damaged)?;
        let start = bytes.get(E_SHOFF..).and_then(|rest| rest.first_chunk());
        let start = start.map(|field| u64::from_le_bytes(*field));
        let start = start.and_then(|start| usize::try_from(start).ok());
        let table = start.and_then(|start| bytes.get(start..));
        let (headers, _) = table.ok_or_else(damaged)?.as_chunks::<HEADER>();
        let headers = headers.get(..count).ok_or_else(damaged)?.to_vec();
        if count == 0 || names >= count {
            return Err(error("it has more sections than can be extended"));
        }
        let mut file = Self {
            bytes,
            headers,
            names: (names, Vec::new()),
            names_changed: false,
        };
        let sections = 0..count;
        if sections.clone().any(|it| file.kind(it) == SHT_SYMTAB_SHNDX) {
            return Err(error("it has more sections than can be extended"));
        }
        file.names.1 = file.contents(names).ok_or_else(damaged)?.to_vec();
        Ok(file)
    }

    /// The number of sections, the first, empty one included.
    pub fn sections(&self) -> usize {
        self.headers.len()
    }

    /// The type of a section.
    ///
    /// # Panics
    /// The number is not less than [`sections`](Self::sections). So do all functions here that take
    /// the number of a section.
    pub fn kind(&self, section: usize) -> SectionType {
        SectionType(self.half(section, SH_TYPE))
    }

    /// The size of a section in bytes.
    pub fn size(&self, section: usize) -> u64 {
        self.field(section, SH_SIZE)
    }

    /// `sh_link` of a section.
    pub fn link(&self, section: usize) -> usize {
        self.half(section, SH_LINK) as usize
    }

    /// `sh_info` of a section.
    pub fn info(&self, section: usize) -> usize {
        self.half(section, SH_INFO) as usize
    }

    /// The current bytes of a section; `None` if they are not in the file.
    pub fn contents(&self, section: usize) -> Option<&[u8]> {
        let start = usize::try_from(self.field(section, SH_OFFSET)).ok()?;
        let end = start.checked_add(usize::try_from(self.size(section)).ok()?)?;
        self.bytes.get(start..end)
    }

    /// The same, to change them.
    pub fn contents_mut(&mut self, section: usize) -> Option<&mut [u8]> {
        let start = usize::try_from(self.field(section, SH_OFFSET)).ok()?;
        let end = start.checked_add(usize::try_from(self.size(section)).ok()?)?;
        self.bytes.get_mut(start..end)
    }

    /// Sets the size of a section, in bytes.
    pub fn set_size(&mut self, section: usize, size: u64) {
        self.set(section, SH_SIZE, size);
    }

    /// Sets the address of a section.
    pub fn set_address(&mut self, section: usize, address: u64) {
        self.set(section, SH_ADDR, address);
    }

    /// Sets `sh_info` of a section.
    pub fn set_info(&mut self, section: usize, info: usize) {
        let field = &mut self.headers[section][SH_INFO..SH_INFO + 4];
        field.copy_from_slice(&(info as u32).to_le_bytes());
    }

    /// Gives a section other contents, after the file.
    pub fn replace(&mut self, section: usize, data: &[u8], align: usize) {
        self.bytes
            .resize(self.bytes.len().next_multiple_of(align), 0);
        self.set(section, SH_OFFSET, self.bytes.len() as u64);
        self.set(section, SH_SIZE, data.len() as u64);
        self.bytes.extend_from_slice(data);
    }

    /// Adds a section after the others; returns its number.
    pub fn add(&mut self, new: NewSection<'_>, data: &[u8]) -> usize {
        let mut header = [0; HEADER];
        let names = &mut self.names.1;
        let fields: [(usize, &[u8]); 7] = [
            (SH_NAME, &(names.len() as u32).to_le_bytes()),
            (SH_TYPE, &new.kind.0.to_le_bytes()),
            (SH_FLAGS, &new.flags.0.to_le_bytes()),
            (SH_LINK, &(new.link as u32).to_le_bytes()),
            (SH_INFO, &(new.info as u32).to_le_bytes()),
            (SH_ALIGN, &new.align.to_le_bytes()),
            (SH_ENTRY, &new.entry.to_le_bytes()),
        ];
        for (at, value) in fields {
            header[at..at + value.len()].copy_from_slice(value);
        }
        names.extend_from_slice(new.name.as_bytes());
        names.push(0);
        self.names_changed = true;
        let index = self.headers.len();
        self.headers.push(header);
        self.replace(index, data, new.align.max(1) as usize);
        index
    }

    /// The section of the names of sections.
    pub fn names_section(&self) -> usize {
        self.names.0
    }

    /// Adds bytes to the names of sections, which some files share with the names of symbols; returns
    /// their offset.
    pub fn add_name(&mut self, name: &str) -> u32 {
        let at = self.names.1.len() as u32;
        self.names.1.extend_from_slice(name.as_bytes());
        self.names.1.push(0);
        self.names_changed = true;
        at
    }

    /// The bytes of the changed file.
    ///
    /// # Errors
    /// It has too many sections.
    pub fn finish(mut self) -> Result<Vec<u8>, ObjectError> {
        if self.headers.len() >= MAX_SECTIONS {
            return Err(error("it has more sections than can be extended"));
        }
        if self.names_changed {
            let (section, names) = std::mem::take(&mut self.names);
            self.replace(section, &names, 1);
        }
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let start = self.bytes.len() as u64;
        self.bytes[E_SHOFF..E_SHOFF + 8].copy_from_slice(&start.to_le_bytes());
        let count = self.headers.len() as u16;
        self.bytes[E_SHNUM..E_SHNUM + 2].copy_from_slice(&count.to_le_bytes());
        self.bytes.extend(self.headers.iter().flatten());
        Ok(self.bytes)
    }

    fn half(&self, section: usize, field: usize) -> u32 {
        let bytes = self.headers[section][field..].first_chunk();
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }

    fn field(&self, section: usize, field: usize) -> u64 {
        let bytes = self.headers[section][field..].first_chunk();
        bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    fn set(&mut self, section: usize, field: usize, value: u64) {
        self.headers[section][field..field + 8].copy_from_slice(&value.to_le_bytes());
    }
}
