//! The functions that a payload replaces, by its description.

use crate::{Error, Image, Result};
use alt_runtime::livepatch::format::{
    Entry, FUNCTION_LANDING_PAD, Function, Header, Id, PT_DESCRIPTION,
};
use object::{
    LittleEndian,
    elf::{FileHeader64, ProgramType},
    read::elf::{FileHeader, ProgramHeader},
};
use std::{fs, path::Path};

/// A payload, as far as it can be compared with memory.
#[derive(Clone, Debug)]
pub struct Payload {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// The functions that it replaces.
    pub functions: Vec<Replaced>,
}

/// A function of the image that a payload replaces.
#[derive(Clone, Debug)]
pub struct Replaced {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: u64,
    /// Bytes of the old function.
    pub old_size: u32,
    /// Bytes of the new one.
    pub new_size: u32,
    /// The address of the word that becomes a branch.
    pub branch: u64,
}

impl Payload {
    /// Reads a payload for an image.
    ///
    /// # Errors
    /// [`Error::Payload`] when the file is not a payload.
    pub fn open(path: &Path, image: &Image) -> Result<Self> {
        let bytes = fs::read(path).map_err(Error::io(format!("reading {}", path.display())))?;
        let anchor = image.symbol("__alt_build_id_start")?;
        Self::parse(&bytes, anchor).ok_or_else(|| Error::Payload {
            path: path.to_owned(),
        })
    }

    /// The same from the bytes, by the address of the image's build id.
    fn parse(file: &[u8], anchor: u64) -> Option<Self> {
        const ENTRY: usize = 9 * 4;
        let elf = FileHeader64::<LittleEndian>::parse(file).ok()?;
        let segments = elf.program_headers(LittleEndian, file).ok()?;
        let is_description = |segment: &&_| {
            ProgramHeader::p_type(*segment, LittleEndian) == ProgramType(PT_DESCRIPTION)
        };
        let description = segments.iter().find(is_description)?;
        let description = description.data(LittleEndian, file).ok()?;
        let header = Header::from_bytes(description.first_chunk()?)?;
        let part = |start: u32, len: usize| description.get(start as usize..)?.get(..len);
        let name = part(header.name.start, header.name.len as usize)?;
        let table = part(
            header.functions.start,
            header.functions.len as usize * ENTRY,
        )?;
        // A name is at an address of the payload, in a segment.
        let text = |address: u32, len: u32| {
            segments.iter().find_map(|segment| {
                let (address, len) = (u64::from(address), u64::from(len));
                segment.data_range(LittleEndian, file, address, len).ok()?
            })
        };
        let functions = table.chunks_exact(ENTRY).map(|entry| {
            let mut words = [0; 9];
            for (word, bytes) in words.iter_mut().zip(entry.chunks_exact(4)) {
                *word = u32::from_le_bytes(*bytes.first_chunk()?);
            }
            let function = Function::from_words(words);
            let address = anchor.wrapping_add_signed((function.old as i32).into());
            let pad = match function.flags & FUNCTION_LANDING_PAD {
                0 => 0,
                _ => 4,
            };
            let name = text(function.name, function.name_len)?;
            Some(Replaced {
                name: String::from_utf8_lossy(name).into_owned(),
                address,
                old_size: function.old_size,
                new_size: function.new_size,
                branch: address + pad,
            })
        });
        Some(Self {
            id: header.id,
            name: String::from_utf8_lossy(name).into_owned(),
            functions: functions.collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::livepatch::{Fixture, Replacement};

    #[test]
    fn functions_are_read_with_the_place_of_their_branch() {
        let mut fixture = Fixture::new("a name", [1; 20]);
        fixture.functions = vec![
            Replacement::new("one", 0x1000, 12, vec![0xd65f_03c0]),
            Replacement::new("two", 0x2000, 8, vec![0xd503_245f, 0xd65f_03c0]).landing_pad(),
        ];
        let payload = Payload::parse(&fixture.to_bytes(0x1800), 0x1800).unwrap();
        assert_eq!(payload.name, "a name");
        let seen: Vec<_> = payload
            .functions
            .iter()
            .map(|f| (f.name.as_str(), f.address, f.old_size, f.new_size, f.branch))
            .collect();
        assert_eq!(
            seen,
            [
                ("one", 0x1000, 12, 4, 0x1000),
                ("two", 0x2000, 8, 8, 0x2004)
            ]
        );
        assert!(Payload::parse(b"no payload", 0).is_none());
    }
}
