//! What a link is given: object files, archives of them (rlibs too), and LLVM bitcode.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use object::elf::{EM_AARCH64, ET_REL, FileHeader32, FileHeader64};
use object::read::archive::ArchiveFile;
use object::read::elf::FileHeader;
use object::{BigEndian, Endianness, FileKind, LittleEndian};

/// What an [`Input`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// A relocatable ELF file for AArch64.
    Elf,
    /// LLVM bitcode: it has no machine code before it has been linked.
    Bitcode,
}

/// One object file, maybe out of an archive.
#[derive(Clone, Debug)]
pub struct Input {
    /// What messages call it: `entry.o`, or `libhyp.a(entry.o)`.
    pub name: String,
    /// What is in it.
    pub kind: InputKind,
    /// The file.
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
        /// What the system says.
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
    /// Linked already.
    #[error("{name}: an ELF file of type {found}; only objects (1, ET_REL) can be linked")]
    Type {
        /// The file.
        name: String,
        /// `e_type`.
        found: u16,
    },
    /// The archive names files and does not hold them.
    #[error("{0}: a thin archive, which only names its members; make it without `--thin`")]
    Thin(String),
    /// The file ends early, or its headers are damaged.
    #[error("{name}: truncated or damaged: {why}")]
    Damaged {
        /// The file.
        name: String,
        /// The parser's words.
        why: String,
    },
}

/// Reads files, and archives by their members.
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
        inputs.extend(parse(name, bytes)?);
    }
    Ok(inputs)
}

/// Takes a file that is called `name`: an archive by its members, anything else as it is.
///
/// # Errors
/// It cannot be part of a link.
pub fn parse(name: String, bytes: Vec<u8>) -> Result<Vec<Input>, InputError> {
    if bytes.starts_with(b"!<thin>\n") {
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

/// Whether a file is LLVM bitcode: bare, or with the wrapper header that Apple's tools put on.
pub fn is_bitcode(bytes: &[u8]) -> bool {
    bytes.starts_with(b"BC\xc0\xde") || bytes.starts_with(&[0xde, 0xc0, 0x17, 0x0b])
}

fn members(archive: &str, bytes: &[u8]) -> Result<Vec<Input>, InputError> {
    let mut inputs = Vec::new();
    let damaged = |why: object::read::Error| InputError::Damaged {
        name: archive.to_owned(),
        why: why.to_string(),
    };
    for member in ArchiveFile::parse(bytes).map_err(damaged)?.members() {
        let member = member.map_err(damaged)?;
        // Of an rlib: what rustc knows about the crate, and no code.
        if member.name() == b"lib.rmeta" {
            continue;
        }
        let name = format!("{archive}({})", String::from_utf8_lossy(member.name()));
        let bytes = member.data(bytes).map_err(damaged)?;
        inputs.push(Input {
            kind: kind(&name, bytes)?,
            name,
            bytes: bytes.to_vec(),
        });
    }
    Ok(inputs)
}

/// What a file is that is no archive.
pub fn kind(name: &str, bytes: &[u8]) -> Result<InputKind, InputError> {
    if is_bitcode(bytes) {
        return Ok(InputKind::Bitcode);
    }
    let name = name.to_owned();
    match FileKind::parse(bytes) {
        Ok(FileKind::Elf64) => {}
        Ok(FileKind::Elf32) => {
            // Some would be refused for their machine, too; this is the simpler thing to say.
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
    Ok(InputKind::Elf)
}

fn damaged(name: String, why: &object::read::Error) -> InputError {
    let why = why.to_string();
    InputError::Damaged { name, why }
}
