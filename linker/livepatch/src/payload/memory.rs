//! A payload in memory, as a loader has put it there.

use std::sync::atomic::AtomicU32;

use alt_runtime::Insn;
use alt_runtime::livepatch::format::{BASE_IMAGE, Span};
use alt_runtime::livepatch::{Payload, RelocationError, RelocationKind};
use alt_runtime::record::{AlternativeRecord, BranchRecord};
use alt_runtime::region::{Region, Table, Words};
use object::read::elf::{ElfFile64, ProgramHeader as _};
use object::{LittleEndian, elf};

/// A payload at an address, before its sites are patched.
#[derive(Debug)]
pub struct InMemory {
    base: u64,
    /// Offset from the base and the words of the executable segment.
    text: (u64, Vec<AtomicU32>),
    /// Offset from the base and the bytes of the other segments that have some in the file.
    others: Vec<(u64, Vec<u8>)>,
    branches: (u64, Vec<BranchRecord>),
    alternatives: (u64, Vec<AlternativeRecord>),
    replacements: (u64, Vec<AtomicU32>),
}

/// A relocation that cannot be applied at this address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the place at +{place:#x}: {error}")]
pub struct PlaceError {
    /// The place, from the payload's base.
    pub place: u32,
    /// The reason.
    pub error: RelocationError,
}

impl InMemory {
    /// Puts a payload at `base`, for an image whose build id is at `anchor`. `file` is what
    /// `payload` was parsed from.
    ///
    /// # Errors
    /// A relocation cannot be applied there.
    pub fn new(
        file: &[u8],
        payload: &Payload<'_>,
        base: u64,
        anchor: u64,
    ) -> Result<Self, PlaceError> {
        let mut segments = segments(file);
        for relocation in payload.relocations() {
            let place = relocation.place;
            let kind = relocation.elf_type();
            let at = segments.iter_mut().find_map(|(start, bytes)| {
                let from = usize::try_from(u64::from(place).checked_sub(*start)?).ok()?;
                bytes.get_mut(from..)
            });
            // `Payload::parse` has checked that the type is known, and the place in the file.
            let (Some(to), Some(applied)) = (at, RelocationKind::new(kind)) else {
                continue;
            };
            let from = match relocation.base() {
                BASE_IMAGE => anchor,
                _ => base,
            };
            let target = from.wrapping_add_signed(relocation.target());
            let word = to
                .first_chunk()
                .map_or(0, |bytes| u32::from_le_bytes(*bytes));
            let value = applied
                .apply(kind, Insn(word), base + u64::from(place), target)
                .map_err(|error| PlaceError { place, error })?;
            let width = applied.width() as usize;
            if let Some(to) = to.get_mut(..width) {
                to.copy_from_slice(&value.to_le_bytes()[..width]);
            }
        }
        let header = payload.header();
        let part = |span: Span, size: usize| {
            let bytes = segments.iter().find_map(|(start, bytes)| {
                let from = usize::try_from(u64::from(span.start).checked_sub(*start)?).ok()?;
                bytes.get(from..from.checked_add(span.len as usize * size)?)
            });
            bytes.unwrap_or_default()
        };
        let at = |span: Span| base + u64::from(span.start);
        let branches = part(header.branches, size_of::<BranchRecord>());
        let alternatives = part(header.alternatives, size_of::<AlternativeRecord>());
        let branches = branches.as_chunks().0.iter();
        let alternatives = alternatives.as_chunks().0.iter();
        let mut loaded = Self {
            base,
            branches: (
                at(header.branches),
                branches.map(|b| BranchRecord::from_le_bytes(*b)).collect(),
            ),
            alternatives: (
                at(header.alternatives),
                alternatives
                    .map(|b| AlternativeRecord::from_le_bytes(*b))
                    .collect(),
            ),
            replacements: (at(header.replacements), words(part(header.replacements, 1))),
            text: (0, Vec::new()),
            others: Vec::new(),
        };
        // The executable segment is the first one.
        let mut segments = segments.into_iter();
        if let Some((start, bytes)) = segments.next() {
            loaded.text = (start, words(&bytes));
        }
        loaded.others = segments.collect();
        Ok(loaded)
    }

    /// The region that the loader patches. Callbacks are those of the image.
    pub fn region<'a>(&'a self, callbacks: Table<'a, alt_runtime::Callback>) -> Region<'a> {
        Region {
            text: Words::new(self.base + self.text.0, &self.text.1).into(),
            branches: Table::new(self.branches.0, &self.branches.1),
            alternatives: Table::new(self.alternatives.0, &self.alternatives.1),
            replacements: Words::new(self.replacements.0, &self.replacements.1),
            callbacks,
        }
    }

    /// The words of the executable segment before its sites are patched, with their addresses.
    pub fn text(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        let words = self.text.1.iter();
        let words = words.map(|word| u32::from_le(word.load(std::sync::atomic::Ordering::Relaxed)));
        (self.base + self.text.0..).step_by(4).zip(words)
    }
}

fn words(bytes: &[u8]) -> Vec<AtomicU32> {
    let words = bytes.as_chunks::<4>().0.iter();
    words
        .map(|word| AtomicU32::new(u32::from_ne_bytes(*word)))
        .collect()
}

/// Offset from the base, and the bytes in the file, of each loaded segment.
fn segments(file: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let Ok(parsed) = ElfFile64::<LittleEndian>::parse(file) else {
        return Vec::new();
    };
    let headers = parsed.elf_program_headers().iter();
    let loaded = headers.filter(|header| header.p_type(LittleEndian) == elf::PT_LOAD);
    loaded
        .filter_map(|header| {
            let bytes = header.data(LittleEndian, file).ok()?;
            Some((header.p_vaddr(LittleEndian), bytes.to_vec()))
        })
        .collect()
}
