//! Gives each part a place, and the bytes of the segments.

use alt_runtime::Insn;
use alt_runtime::livepatch::RelocationKind;
use alt_runtime::livepatch::format::{
    BASE_IMAGE, BASE_PAYLOAD, MAX_SPAN, Relocation, SEGMENT_ALIGN, Span,
};

use super::PayloadBuildError;
use super::part::{Part, PartKind, Reference, Target};
use super::records::{self, Table};

/// A segment: executable, read-only or writable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// The offset from the payload's base.
    pub start: u64,
    /// Its bytes in the file.
    pub bytes: Vec<u8>,
    /// Its size in memory.
    pub size: u64,
}

/// The parts with their places.
#[derive(Debug)]
pub struct Placed {
    /// The offset of each part from the payload's base.
    pub places: Vec<u64>,
    /// Executable, read-only, writable; empty ones have no size.
    pub segments: [Segment; 3],
    /// The places that depend on where the payload is, by place.
    pub relocations: Vec<Relocation>,
    /// Branch records.
    pub branches: Span,
    /// Records of alternatives.
    pub alternatives: Span,
    /// Replacements, in bytes.
    pub replacements: Span,
    /// The offset of each of the names.
    pub names: Vec<u32>,
}

const TEXT: usize = 0;
const READ_ONLY: usize = 1;
const DATA: usize = 2;

/// Places the parts in the given order, and the names after the read-only ones. `anchor` is the
/// address of the image's build id.
pub fn place(
    parts: &[Part],
    order: &[usize],
    names: &[&str],
    anchor: u64,
) -> Result<Placed, PayloadBuildError> {
    let mut placed = Placed {
        places: vec![0; parts.len()],
        segments: Default::default(),
        relocations: Vec::new(),
        branches: Span::default(),
        alternatives: Span::default(),
        replacements: Span::default(),
        names: Vec::new(),
    };
    placed.all(TEXT, parts, order, PartKind::Function)?;
    placed.replacements = placed.all(TEXT, parts, order, PartKind::Replacements)?;
    placed.begin(READ_ONLY, TEXT);
    let branches = records::sorted(parts, order, &placed.places, Table::Branches)?;
    placed.branches = placed.table(&branches, Table::Branches);
    let alternatives = records::sorted(parts, order, &placed.places, Table::Alternatives)?;
    placed.alternatives = placed.table(&alternatives, Table::Alternatives);
    placed.all(READ_ONLY, parts, order, PartKind::Constant)?;
    for name in names {
        let start = placed.put(READ_ONLY, name.as_bytes(), name.len() as u64, 1);
        placed.names.push(offset(start)?);
    }
    placed.begin(DATA, READ_ONLY);
    placed.data(parts, order);
    let size = placed.end();
    if size > MAX_SPAN.into() {
        return Err(PayloadBuildError::TooLarge { size });
    }
    for (number, part) in parts.iter().enumerate() {
        let is_table = matches!(part.kind, PartKind::Branches | PartKind::Alternatives);
        for reference in part.references.iter().filter(|_| !is_table) {
            let at = placed.places[number] + reference.offset;
            placed.relocate(part, reference, at, anchor)?;
        }
    }
    for record in branches
        .iter()
        .zip((u64::from(placed.branches.start)..).step_by(8))
    {
        placed.relocate_record(parts, record, anchor)?;
    }
    for record in alternatives
        .iter()
        .zip((u64::from(placed.alternatives.start)..).step_by(12))
    {
        placed.relocate_record(parts, record, anchor)?;
    }
    placed
        .relocations
        .sort_by_key(|relocation| relocation.place);
    Ok(placed)
}

impl Placed {
    /// The size of the payload in memory.
    fn end(&self) -> u64 {
        let ends = self
            .segments
            .iter()
            .map(|segment| segment.start + segment.size);
        ends.max().unwrap_or_default()
    }

    fn begin(&mut self, segment: usize, after: usize) {
        let end = self.segments[after].start + self.segments[after].size;
        self.segments[segment].start = end.next_multiple_of(SEGMENT_ALIGN.into());
    }

    /// Appends bytes to a segment, and returns their offset from the base.
    fn put(&mut self, segment: usize, bytes: &[u8], size: u64, align: u64) -> u64 {
        let segment = &mut self.segments[segment];
        let start = (segment.start + segment.size).next_multiple_of(align.max(1));
        let from = (start - segment.start) as usize;
        segment.bytes.resize(from, 0);
        segment.bytes.extend_from_slice(bytes);
        segment.size = start - segment.start + size;
        segment.bytes.resize(segment.size as usize, 0);
        start
    }

    /// Appends all parts of a kind. Returns where they are.
    fn all(
        &mut self,
        segment: usize,
        parts: &[Part],
        order: &[usize],
        kind: PartKind,
    ) -> Result<Span, PayloadBuildError> {
        let mut span = None;
        for (number, part) in order.iter().map(|n| (*n, &parts[*n])) {
            if part.kind != kind {
                continue;
            }
            let is_code = matches!(kind, PartKind::Function | PartKind::Replacements);
            if is_code && !part.size.is_multiple_of(4) {
                return Err(PayloadBuildError::Misaligned {
                    name: part.label.clone(),
                    size: part.size,
                });
            }
            let align = if is_code {
                part.align.max(4)
            } else {
                part.align
            };
            let start = self.put(segment, &part.bytes, part.size, align);
            self.places[number] = start;
            span.get_or_insert(start);
        }
        let end = self.segments[segment].start + self.segments[segment].size;
        let start = span.unwrap_or(end);
        Ok(Span {
            start: offset(start)?,
            len: offset(end - start)?,
        })
    }

    fn table(&mut self, records: &[records::Record], table: Table) -> Span {
        let mut bytes = Vec::new();
        for record in records {
            bytes.extend_from_slice(&record.bytes);
        }
        if bytes.is_empty() {
            return Span::default();
        }
        let start = self.put(READ_ONLY, &bytes, bytes.len() as u64, 8);
        debug_assert_eq!(bytes.len(), records.len() * table.size());
        Span {
            start: start as u32,
            len: records.len() as u32,
        }
    }

    /// Statics: those with contents, and then those that are 0, which the file does not have.
    fn data(&mut self, parts: &[Part], order: &[usize]) {
        let is_zero =
            |part: &Part| part.references.is_empty() && part.bytes.iter().all(|byte| *byte == 0);
        let mut file_size = 0;
        for zero in [false, true] {
            for (number, part) in order.iter().map(|n| (*n, &parts[*n])) {
                if part.kind == PartKind::Data && is_zero(part) == zero {
                    self.places[number] = self.put(DATA, &part.bytes, part.size, part.align);
                }
            }
            if !zero {
                file_size = self.segments[DATA].bytes.len();
            }
        }
        self.segments[DATA].bytes.truncate(file_size);
    }

    fn relocate_record(
        &mut self,
        parts: &[Part],
        (record, at): (&records::Record, u64),
        anchor: u64,
    ) -> Result<(), PayloadBuildError> {
        for reference in &record.references {
            self.relocate(
                &parts[record.part],
                reference,
                at + reference.offset,
                anchor,
            )?;
        }
        Ok(())
    }

    /// Writes the place at `at` if its contents are known, or else adds a relocation for the loader.
    fn relocate(
        &mut self,
        part: &Part,
        reference: &Reference,
        at: u64,
        anchor: u64,
    ) -> Result<(), PayloadBuildError> {
        let name = || part.label.clone();
        let &Reference {
            offset: from,
            kind,
            target,
            addend,
        } = reference;
        let unknown = || PayloadBuildError::RelocationType {
            name: name(),
            offset: from,
            kind,
        };
        let number = u16::try_from(kind).map_err(|_| unknown())?;
        let relocation = RelocationKind::new(number).ok_or_else(unknown)?;
        let no_place = || PayloadBuildError::Place {
            name: name(),
            offset: from,
            kind,
        };
        let width = relocation.width() as usize;
        let bytes = self.bytes_at(at, width).ok_or_else(no_place)?;
        if relocation.is_instruction() && !at.is_multiple_of(4) {
            return Err(no_place());
        }
        let low = bytes.first_chunk::<4>().ok_or_else(no_place)?;
        let word = Insn(u32::from_le_bytes(*low));
        let wrong = |error| PayloadBuildError::Relocation {
            name: name(),
            offset: from,
            error,
        };
        relocation.check(number, word).map_err(wrong)?;
        let (base, target) = match target {
            Target::Image(address) => (
                BASE_IMAGE,
                address.wrapping_add_signed(addend).wrapping_sub(anchor),
            ),
            Target::Part(number) => {
                let start = self
                    .places
                    .get(number)
                    .ok_or_else(|| PayloadBuildError::Target {
                        name: name(),
                        offset: from,
                    })?;
                (BASE_PAYLOAD, start.wrapping_add_signed(addend))
            }
        };
        // The base is a multiple of the largest page, so distances and offsets in a page do not
        // depend on it.
        if base == BASE_PAYLOAD && relocation != RelocationKind::Absolute64 {
            let value = relocation.apply(number, word, at, target).map_err(wrong)?;
            let bytes = self.bytes_at(at, width).ok_or_else(no_place)?;
            bytes.copy_from_slice(&value.to_le_bytes()[..width]);
            return Ok(());
        }
        let place = offset(at)?;
        let relocation = Relocation::new(place, number, base, target as i64);
        self.relocations.push(relocation);
        Ok(())
    }

    fn bytes_at(&mut self, at: u64, len: usize) -> Option<&mut [u8]> {
        self.segments.iter_mut().find_map(|segment| {
            let from = usize::try_from(at.checked_sub(segment.start)?).ok()?;
            segment.bytes.get_mut(from..from.checked_add(len)?)
        })
    }
}

/// An offset from the payload's base.
fn offset(value: u64) -> Result<u32, PayloadBuildError> {
    u32::try_from(value).map_err(|_| PayloadBuildError::TooLarge { size: value })
}
