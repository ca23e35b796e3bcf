//! The ELF side of a payload: header and segments.

use super::format::{Header, MAX_SPAN, PT_DESCRIPTION, SEGMENT_ALIGN};
use super::memory::Rights;
use super::payload_error::{PayloadError, SegmentError};

/// A segment that is loaded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    /// Offset from the payload's base.
    pub start: u32,
    /// Its bytes in the file; the rest is 0.
    pub bytes: &'a [u8],
    /// Bytes in memory.
    pub size: u32,
}

impl<'a> Segment<'a> {
    /// Offset of the end from the payload's base.
    pub const fn end(&self) -> u32 {
        self.start + self.size
    }

    /// `len` bytes of the file's part, from `start` on, which counts from the payload's base.
    pub fn part(&self, start: u32, len: u32) -> Option<&'a [u8]> {
        super::description::part(self.bytes, start.checked_sub(self.start)?, len)
    }

    /// Whether `size` bytes at `start` are inside.
    pub const fn contains(&self, start: u32, size: u32) -> bool {
        match start.checked_sub(self.start) {
            Some(offset) => offset <= self.size && size <= self.size - offset,
            None => false,
        }
    }
}

/// The segments of a payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segments<'a> {
    pub text: Segment<'a>,
    pub read_only: Option<Segment<'a>>,
    pub data: Option<Segment<'a>>,
}

impl<'a> Segments<'a> {
    /// Those that there are, in address order.
    pub fn iter(&self) -> impl Iterator<Item = Segment<'a>> + use<'a> {
        [Some(self.text), self.read_only, self.data]
            .into_iter()
            .flatten()
    }

    /// Offset of the end of the last one.
    pub fn end(&self) -> u32 {
        self.iter().map(|segment| segment.end()).max().unwrap_or(0)
    }
}

/// Bytes of the ELF header, and of a program header.
const ELF_HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;

/// Three segments and the description.
const MAX_SEGMENTS: u16 = 4;

const PT_LOAD: u32 = 1;
const EXECUTE: u32 = 1;
const WRITE: u32 = 2;
const READ: u32 = 4;

/// The fields of the ELF header whose value is fixed: name, offset, bytes, value.
const FIELDS: [(&str, usize, usize, u64); 9] = [
    ("EI_CLASS", 4, 1, 2),     // ELFCLASS64
    ("EI_DATA", 5, 1, 1),      // ELFDATA2LSB
    ("EI_VERSION", 6, 1, 1),   // EV_CURRENT
    ("EI_OSABI", 7, 1, 0),     // ELFOSABI_NONE
    ("e_type", 16, 2, 3),      // ET_DYN
    ("e_machine", 18, 2, 183), // EM_AARCH64
    ("e_version", 20, 4, 1),   // EV_CURRENT
    ("e_ehsize", 52, 2, ELF_HEADER as u64),
    ("e_phentsize", 54, 2, PROGRAM_HEADER as u64),
];

/// Reads and checks the headers. Returns the segments and the bytes of the description.
pub(super) fn parse(file: &[u8]) -> Result<(Segments<'_>, &[u8]), PayloadError> {
    let truncated = |what, needed| PayloadError::Truncated {
        what,
        needed,
        len: file.len() as u64,
    };
    if !file.starts_with(b"\x7fELF") {
        return Err(PayloadError::NotElf);
    }
    let header = file
        .get(..ELF_HEADER)
        .ok_or(truncated("the ELF header", ELF_HEADER as u64))?;
    for (field, at, len, expected) in FIELDS {
        let found = field_at(header, at, len);
        if found != expected {
            return Err(PayloadError::Header {
                field,
                found,
                expected,
            });
        }
    }
    let (offset, count) = (field_at(header, 32, 8), field_at(header, 56, 2) as u16);
    if !(2..=MAX_SEGMENTS).contains(&count) {
        return Err(PayloadError::SegmentCount { found: count });
    }
    let size = PROGRAM_HEADER as u64 * u64::from(count);
    let headers = slice(file, offset, size).ok_or(truncated(
        "the program headers",
        offset.saturating_add(size),
    ))?;

    let mut found = Found::default();
    for (index, header) in (0..).zip(headers.chunks_exact(PROGRAM_HEADER)) {
        let header = ProgramHeader::new(header);
        let bytes = slice(file, header.offset, header.file_size).ok_or(truncated(
            "a segment",
            header.offset.saturating_add(header.file_size),
        ))?;
        found
            .add(&header, bytes)
            .map_err(|error| PayloadError::Segment { index, error })?;
    }
    let Found {
        description,
        segments: [text, read_only, data],
        ..
    } = found;
    let (offset, description) = description.ok_or(PayloadError::NoDescription)?;
    let sizes = Header::SIZE..=MAX_SPAN as usize;
    if !offset.is_multiple_of(4) || !sizes.contains(&description.len()) {
        return Err(PayloadError::Description {
            offset,
            size: description.len() as u64,
        });
    }
    let text = text.ok_or(PayloadError::NoText)?;
    let segments = Segments {
        text,
        read_only,
        data,
    };
    Ok((segments, description))
}

/// The segments that the program headers have listed so far.
#[derive(Default)]
struct Found<'a> {
    description: Option<(u64, &'a [u8])>,
    /// Executable, read-only, writable.
    segments: [Option<Segment<'a>>; 3],
    /// The end of the last segment.
    end: u64,
}

impl<'a> Found<'a> {
    fn add(&mut self, header: &ProgramHeader, bytes: &'a [u8]) -> Result<(), SegmentError> {
        match header.kind {
            PT_LOAD => self.load(header, bytes),
            PT_DESCRIPTION if self.description.is_some() => Err(SegmentError::Twice),
            PT_DESCRIPTION => {
                self.description = Some((header.offset, bytes));
                Ok(())
            }
            found => Err(SegmentError::Type { found }),
        }
    }

    fn load(&mut self, header: &ProgramHeader, bytes: &'a [u8]) -> Result<(), SegmentError> {
        let &ProgramHeader {
            flags,
            address,
            file_size,
            size,
            ..
        } = header;
        if flags & (WRITE | EXECUTE) == WRITE | EXECUTE {
            return Err(SegmentError::WritableAndExecutable);
        }
        let rights = rights(flags).ok_or(SegmentError::Flags { found: flags })?;
        let place = rights as usize;
        if self.segments.get(place).is_some_and(Option::is_some) {
            return Err(SegmentError::Twice);
        }
        if self.segments.iter().skip(place).any(Option::is_some) || address < self.end {
            return Err(SegmentError::Order { address });
        }
        if !address.is_multiple_of(SEGMENT_ALIGN.into()) {
            return Err(SegmentError::Misaligned { address });
        }
        if size == 0 {
            return Err(SegmentError::Empty);
        }
        let is_text = rights == Rights::ReadExecute;
        if file_size > size || is_text && (file_size < size || !size.is_multiple_of(4)) {
            return Err(SegmentError::Sizes {
                file: file_size,
                memory: size,
            });
        }
        let end = address.saturating_add(size);
        if end > MAX_SPAN.into() {
            return Err(SegmentError::TooLarge { end });
        }
        self.end = end;
        // Both fit, since the end does.
        let (start, size) = (address as u32, size as u32);
        if let Some(segment) = self.segments.get_mut(place) {
            *segment = Some(Segment { start, bytes, size });
        }
        Ok(())
    }
}

/// The access by `p_flags`.
fn rights(flags: u32) -> Option<Rights> {
    const READ_EXECUTE: u32 = READ | EXECUTE;
    const READ_WRITE: u32 = READ | WRITE;
    match flags {
        READ_EXECUTE => Some(Rights::ReadExecute),
        READ => Some(Rights::Read),
        READ_WRITE => Some(Rights::ReadWrite),
        _ => None,
    }
}

struct ProgramHeader {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    file_size: u64,
    size: u64,
}

impl ProgramHeader {
    fn new(bytes: &[u8]) -> Self {
        Self {
            kind: field_at(bytes, 0, 4) as u32,
            flags: field_at(bytes, 4, 4) as u32,
            offset: field_at(bytes, 8, 8),
            address: field_at(bytes, 16, 8),
            file_size: field_at(bytes, 32, 8),
            size: field_at(bytes, 40, 8),
        }
    }
}

/// A little-endian number of `len` bytes. Missing bytes count as 0; the caller has checked that
/// it is there.
fn field_at(bytes: &[u8], at: usize, len: usize) -> u64 {
    let field = bytes.get(at..at + len).unwrap_or_default();
    let digits = field.iter().rev();
    digits.fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// `len` bytes of the file from `offset` on.
fn slice(file: &[u8], offset: u64, len: u64) -> Option<&[u8]> {
    file.get(usize::try_from(offset).ok()?..)?
        .get(..usize::try_from(len).ok()?)
}
