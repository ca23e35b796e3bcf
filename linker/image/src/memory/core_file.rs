//! ELF core files: `dump-guest-memory` of QEMU, `/proc/kcore`, `vmcore` of kdump.

use std::ops::Range;

use object::LittleEndian;
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader};

const LE: LittleEndian = LittleEndian;

/// A segment of a core file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The address of its first byte: the physical one if the file has physical addresses, else the
    /// virtual one.
    pub address: u64,
    /// The place of its bytes in the file.
    pub file: Range<usize>,
}

/// A core file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CoreError {
    /// Another kind of file.
    #[error("an ELF core file of another machine: {0:#x}; arm64 is 0xb7, little-endian, 64 bits")]
    Machine(u16),
    /// It ends before its headers or its segments do.
    #[error("the core file is truncated: {0}")]
    Truncated(String),
    /// It has no memory.
    #[error("the core file has no memory: no segment of type PT_LOAD with bytes")]
    Empty,
}

/// The segments of a core file, in its order; `None` if the file is no ELF core file, but raw memory.
///
/// # Errors
/// It is damaged, of another machine, or has no memory.
pub fn segments(data: &[u8]) -> Result<Option<Vec<Segment>>, CoreError> {
    if !data.starts_with(&elf::ELFMAG) {
        return Ok(None);
    }
    // Memory may begin with these four bytes. Other kinds of file are raw memory as well.
    let half = |at: usize| Some(u16::from_le_bytes(data.get(at..at + 2)?.try_into().ok()?));
    if half(16) != Some(elf::ET_CORE.0) {
        return Ok(None);
    }
    let machine = half(18).unwrap_or_default();
    let is_64 = data.get(4) == Some(&elf::ELFCLASS64.0) && data.get(5) == Some(&elf::ELFDATA2LSB.0);
    if machine != elf::EM_AARCH64.0 || !is_64 {
        return Err(CoreError::Machine(machine));
    }
    let header = FileHeader64::<LittleEndian>::parse(data)
        .map_err(|error| CoreError::Truncated(error.to_string()))?;
    let headers = header
        .program_headers(LE, data)
        .map_err(|error| CoreError::Truncated(error.to_string()))?;
    let loads = headers
        .iter()
        .filter(|header| header.p_type(LE) == elf::PT_LOAD && header.p_filesz(LE) != 0);
    let physical = loads.clone().any(|header| header.p_paddr(LE) != 0);
    let mut segments = Vec::new();
    for header in loads {
        let (offset, size) = (header.p_offset(LE), header.p_filesz(LE));
        let range = usize::try_from(offset).ok().and_then(|start| {
            let end = start.checked_add(usize::try_from(size).ok()?)?;
            (end <= data.len()).then_some(start..end)
        });
        let Some(file) = range else {
            return Err(CoreError::Truncated(format!(
                "a segment of {size:#x} bytes at {offset:#x} is past the end"
            )));
        };
        let address = match physical {
            true => header.p_paddr(LE),
            false => header.p_vaddr(LE),
        };
        segments.push(Segment { address, file });
    }
    match segments.is_empty() {
        true => Err(CoreError::Empty),
        false => Ok(Some(segments)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A core file with one segment: ELF-64 Object File Format, figures 3 and 6.
    fn core(kind: u16, machine: u16, (vaddr, paddr): (u64, u64), size: u64) -> Vec<u8> {
        let mut file = b"\x7fELF\x02\x01\x01".to_vec();
        file.resize(16, 0);
        for half in [kind, machine] {
            file.extend(half.to_le_bytes());
        }
        file.extend(1_u32.to_le_bytes());
        for value in [0_u64, 64, 0] {
            file.extend(value.to_le_bytes());
        }
        file.extend([0; 4]);
        for half in [64_u16, 56, 1, 64, 0, 0] {
            file.extend(half.to_le_bytes());
        }
        file.extend(1_u32.to_le_bytes());
        file.extend(7_u32.to_le_bytes());
        for value in [120, vaddr, paddr, size, size, 0] {
            file.extend(value.to_le_bytes());
        }
        file.extend([0xab; 16]);
        file
    }

    #[test]
    fn segments_have_the_physical_address_or_else_the_virtual_one() {
        let file = 120..136;
        for (addresses, address) in [((0x1000, 0x4000), 0x4000), ((0x1000, 0), 0x1000)] {
            let found = segments(&core(4, 183, addresses, 16)).unwrap();
            let file = file.clone();
            assert_eq!(found, Some(vec![Segment { address, file }]));
        }
    }

    #[test]
    fn other_files_are_raw_memory_or_refused() {
        assert_eq!(segments(&[0; 64]), Ok(None));
        assert_eq!(segments(b"\x7fELF"), Ok(None));
        assert_eq!(segments(&core(2, 183, (0, 0), 16)), Ok(None));
        assert_eq!(
            segments(&core(4, 62, (0, 0), 16)),
            Err(CoreError::Machine(62))
        );
        assert_eq!(segments(&core(4, 183, (0, 0), 0)), Err(CoreError::Empty));
        let whole = core(4, 183, (0, 0), 16);
        for len in 20..whole.len() {
            let result = segments(&whole[..len]);
            assert!(matches!(result, Err(CoreError::Truncated(_))), "{len}");
        }
    }
}
