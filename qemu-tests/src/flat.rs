//! Flat images: what an ELF file loads, as the bytes of memory.

use crate::{Error, Result};
use object::{
    elf::FileHeader64,
    read::elf::{FileHeader, ProgramHeader},
};
use std::{fs, io::Write, path::Path};
use tempfile::NamedTempFile;

/// Writes the loaded bytes of an ELF file by their physical addresses, from the lowest one on, as
/// `objcopy -O binary` does. QEMU boots such a file by the header of an arm64 Image at its start.
///
/// # Errors
/// [`Error::Io`] when a file cannot be read or written, [`Error::Image`] when `path` is not an ELF
/// file that loads something.
pub fn image(path: &Path) -> Result<NamedTempFile> {
    let file = fs::read(path).map_err(Error::io(format!("reading {}", path.display())))?;
    let bytes = loaded(&file).map_err(|problem| Error::Image {
        path: path.to_owned(),
        problem,
    })?;
    let mut flat = NamedTempFile::new().map_err(Error::io("creating a flat image"))?;
    flat.write_all(&bytes)
        .map_err(Error::io("writing a flat image"))?;
    Ok(flat)
}

fn loaded(file: &[u8]) -> std::result::Result<Vec<u8>, String> {
    let wrong = |error: object::Error| error.to_string();
    let header = FileHeader64::<object::Endianness>::parse(file).map_err(wrong)?;
    let endian = header.endian().map_err(wrong)?;
    let mut parts = Vec::new();
    for segment in header.program_headers(endian, file).map_err(wrong)? {
        let bytes = segment
            .data(endian, file)
            .map_err(|()| "a segment is cut off")?;
        if segment.p_type(endian) == object::elf::PT_LOAD && !bytes.is_empty() {
            parts.push((segment.p_paddr(endian), bytes));
        }
    }
    let base = parts.iter().map(|(address, _)| *address).min();
    let base = base.ok_or("it loads nothing; is it linked?")?;
    let mut flat = Vec::new();
    for (address, bytes) in parts {
        let start = (address - base) as usize;
        flat.resize(flat.len().max(start + bytes.len()), 0);
        flat[start..][..bytes.len()].copy_from_slice(bytes);
    }
    Ok(flat)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiny::Tiny;

    #[test]
    fn segments_lie_where_they_are_loaded() {
        let (_directory, path) = Tiny::new(&[0xd503_201f]).write();
        let flat = fs::read(image(&path).unwrap()).unwrap();
        let elf = crate::Image::open(&path).unwrap();
        let text = elf.section(".text").unwrap();
        let start = (text.range.start - elf.load_ranges().next().unwrap().start) as usize;
        assert_eq!(flat[start..][..text.bytes.len()], text.bytes);
    }

    #[test]
    fn other_files_are_refused() {
        let file = NamedTempFile::new().unwrap();
        fs::write(&file, "not an ELF file").unwrap();
        assert!(matches!(image(file.path()), Err(Error::Image { .. })));
    }
}
