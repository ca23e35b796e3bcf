//! Inputs of a link: object files, archives of them (including rlibs), and LLVM bitcode.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use object::elf::{EM_AARCH64, ET_REL, FileHeader32, FileHeader64, SHF_EXECINSTR, SectionHeader64};
use object::read::archive::ArchiveFile;
use object::read::elf::{FileHeader, SectionHeader};
use object::{BigEndian, Endianness, FileKind, LittleEndian};

use crate::display;

/// The kind of an [`Input`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// A relocatable ELF file for AArch64.
    Elf,
    /// LLVM bitcode, from which a linker generates machine code.
    Bitcode,
    /// A slim object of GCC's link-time optimisation: an ELF file whose code is GIMPLE only, which
    /// no linker reads without GCC's plugin.
    Gimple,
}

/// One object file or member of an archive.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name in messages: `entry.o`, or `libhyp.a(entry.o)`.
    pub name: String,
    /// Its kind.
    pub kind: InputKind,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A file cannot be linked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// The file cannot be read.
    #[error("{}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// Neither an ELF file, nor bitcode, nor an archive.
    #[error("{0}: neither an object file nor an archive nor LLVM bitcode")]
    Unknown(String),
    /// An ELF file of 32 bits.
    #[error("{0}: an ELF file of 32 bits; arm64 objects have 64")]
    Class(String),
    /// Data is big-endian.
    #[error("{0}: a big-endian ELF file; only little-endian objects can be linked")]
    BigEndian(String),
    /// Another architecture.
    #[error("{name}: an ELF file for machine {machine:#x}; arm64 is 0xb7")]
    Machine {
        /// The file.
        name: String,
        /// `e_machine`.
        machine: u16,
    },
    /// A linked file.
    #[error("{name}: an ELF file of type {found}; only objects (1, ET_REL) can be linked")]
    Type {
        /// The file.
        name: String,
        /// `e_type`.
        found: u16,
    },
    /// A slim object of GCC's link-time optimisation where machine code is needed.
    #[error(
        "{0}: code of GCC for link-time optimisation (GIMPLE), which only GCC's own linker plugin \
         reads; compile with -ffat-lto-objects, or without -flto"
    )]
    Gimple(String),
    /// A section says something about another one, as relocations do, in a form that is not known.
    #[error(
        "{name}: section {section}, of type {kind:#x}, is about another section, as relocations are, \
         and cannot be carried over; compile without what makes it, such as --crel"
    )]
    AboutSection {
        /// The file.
        name: String,
        /// The section.
        section: String,
        /// Its type, `sh_type`.
        kind: u32,
    },
    /// A member of a thin archive, which only names its members, cannot be read.
    #[error("{archive}: a thin archive; its member {}: {error}", path.display())]
    ThinMember {
        /// The archive.
        archive: String,
        /// The file that the archive names.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// A thin archive without a path, whose members cannot be found.
    #[error("{0}: a thin archive, which only names its members; give it as a file")]
    Thin(String),
    /// The file is truncated or damaged.
    #[error("{name}: truncated or damaged: {why}")]
    Damaged {
        /// The file.
        name: String,
        /// The reason.
        why: String,
    },
}

/// Reads files; an archive gives one input for each member.
///
/// # Errors
/// The first file that cannot be read, or cannot be part of a link.
pub fn read<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Vec<Input>, InputError> {
    let mut inputs = Vec::new();
    for path in paths {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|error| InputError::Read {
            path: path.to_owned(),
            error,
        })?;
        let name = path.file_name().map_or_else(
            || path.display().to_string(),
            |name| name.to_string_lossy().into_owned(),
        );
        match bytes.starts_with(THIN) {
            // The names are relative to the folder of the archive.
            true => inputs.extend(thin(&name, &bytes, path.parent().unwrap_or(Path::new("")))?),
            false => inputs.extend(parse(name, bytes)?),
        }
    }
    Ok(inputs)
}

/// The first bytes of a thin archive.
const THIN: &[u8] = b"!<thin>\n";

/// Reads the files that a thin archive names.
fn thin(archive: &str, bytes: &[u8], folder: &Path) -> Result<Vec<Input>, InputError> {
    let damaged = |why: object::read::Error| damaged(archive.to_owned(), &why);
    let mut inputs = Vec::new();
    for member in ArchiveFile::parse(bytes).map_err(damaged)?.members() {
        let member = member.map_err(damaged)?;
        let path = folder.join(String::from_utf8_lossy(member.name()).as_ref());
        let bytes = fs::read(&path).map_err(|error| InputError::ThinMember {
            archive: archive.to_owned(),
            path: path.clone(),
            error,
        })?;
        let name = format!("{archive}({})", display::printable(member.name()));
        inputs.push(Input {
            kind: kind(&name, &bytes)?,
            name,
            bytes,
        });
    }
    Ok(inputs)
}

/// Takes the bytes of the file `name`; an archive gives one input for each member.
///
/// # Errors
/// It cannot be part of a link.
pub fn parse(name: String, bytes: Vec<u8>) -> Result<Vec<Input>, InputError> {
    if bytes.starts_with(THIN) {
        return Err(InputError::Thin(name));
    }
    match bytes.starts_with(b"!<arch>\n") {
        true => members(&name, &bytes),
        false => Ok(vec![Input {
            kind: kind(&name, &bytes)?,
            name,
            bytes,
        }]),
    }
}

/// Whether a file is LLVM bitcode, with or without the wrapper header of Apple's tools.
pub fn is_bitcode(bytes: &[u8]) -> bool {
    bytes.starts_with(b"BC\xc0\xde") || bytes.starts_with(&[0xde, 0xc0, 0x17, 0x0b])
}

fn members(archive: &str, bytes: &[u8]) -> Result<Vec<Input>, InputError> {
    let mut inputs = Vec::new();
    let damaged = |why: object::read::Error| damaged(archive.to_owned(), &why);
    for member in ArchiveFile::parse(bytes).map_err(damaged)?.members() {
        let member = member.map_err(damaged)?;
        // The metadata of an rlib contains no code.
        if member.name() == b"lib.rmeta" {
            continue;
        }
        let name = format!("{archive}({})", display::printable(member.name()));
        let bytes = member.data(bytes).map_err(damaged)?;
        inputs.push(Input {
            kind: kind(&name, bytes)?,
            name,
            bytes: bytes.to_vec(),
        });
    }
    Ok(inputs)
}

/// The kind of a file that is not an archive.
pub fn kind(name: &str, bytes: &[u8]) -> Result<InputKind, InputError> {
    if is_bitcode(bytes) {
        return Ok(InputKind::Bitcode);
    }
    let name = name.to_owned();
    match FileKind::parse(bytes) {
        Ok(FileKind::Elf64) => {}
        Ok(FileKind::Elf32) => {
            // The machine may be wrong too; the class is the simpler message.
            return match FileHeader32::<Endianness>::parse(bytes) {
                Ok(_) => Err(InputError::Class(name)),
                Err(why) => Err(damaged(name, &why)),
            };
        }
        _ => return Err(InputError::Unknown(name)),
    }
    if FileHeader64::<BigEndian>::parse(bytes).is_ok_and(|header| header.is_big_endian()) {
        return Err(InputError::BigEndian(name));
    }
    let header = match FileHeader64::<LittleEndian>::parse(bytes) {
        Ok(header) => header,
        Err(why) => return Err(damaged(name, &why)),
    };
    let (machine, found) = (header.e_machine(LittleEndian), header.e_type(LittleEndian));
    if machine != EM_AARCH64 {
        let machine = machine.0;
        return Err(InputError::Machine { name, machine });
    }
    if found != ET_REL {
        return Err(InputError::Type {
            name,
            found: found.0,
        });
    }
    match is_gimple(header, bytes) {
        true => Ok(InputKind::Gimple),
        false => Ok(InputKind::Elf),
    }
}

/// Whether there are sections for GCC's link-time optimisation, and no machine code: with
/// `-ffat-lto-objects` there is both.
fn is_gimple(header: &FileHeader64<LittleEndian>, bytes: &[u8]) -> bool {
    // The code that reads the sections reports damage.
    let Ok(sections) = header.sections(LittleEndian, bytes) else {
        return false;
    };
    let is_code = |section: &SectionHeader64<LittleEndian>| {
        let code = section.sh_flags(LittleEndian).contains(SHF_EXECINSTR);
        code && section.sh_size(LittleEndian) != 0
    };
    let is_lto = |section: &SectionHeader64<LittleEndian>| {
        let name = sections.section_name(LittleEndian, section);
        name.is_ok_and(|name| name.starts_with(b".gnu.lto_"))
    };
    sections.iter().any(is_lto) && !sections.iter().any(is_code)
}

fn damaged(name: String, why: &object::read::Error) -> InputError {
    let why = why.to_string();
    InputError::Damaged { name, why }
}
