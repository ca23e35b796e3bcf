//! A payload in memory, as a loader has put it there.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU32;

use alt_image::patching::planned;
use alt_runtime::Insn;
use alt_runtime::livepatch::format::{BASE_IMAGE, MAX_SPAN, Span};
use alt_runtime::livepatch::{Payload, RelocationError, RelocationKind};
use alt_runtime::patch::{Decision, PlanError};
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

/// A payload cannot be at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// A relocation cannot be applied there.
    #[error("the place at +{place:#x}: {error}")]
    Relocation {
        /// The place, from the payload's base.
        place: u32,
        /// The reason.
        error: RelocationError,
    },
    /// The address space ends before the largest payload would.
    #[error("a payload at {base:#x} does not end before the end of the address space")]
    End {
        /// The address of the payload.
        base: u64,
    },
}

impl InMemory {
    /// Puts a payload at `base`, for an image whose build id is at `anchor`. `file` is what
    /// `payload` was parsed from.
    ///
    /// # Errors
    /// A relocation cannot be applied there, or the address space ends there.
    pub fn new(
        file: &[u8],
        payload: &Payload<'_>,
        base: u64,
        anchor: u64,
    ) -> Result<Self, PlaceError> {
        if base.checked_add(MAX_SPAN.into()).is_none() {
            return Err(PlaceError::End { base });
        }
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
                .map_err(|error| PlaceError::Relocation { place, error })?;
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

    /// For each site: its address, its length in instructions, and a region with its records alone;
    /// `None` in place of the region if a callback of the kernel computes its words.
    fn each_site(&self) -> Vec<(u64, usize, Option<Region<'_>>)> {
        let mut sites = Vec::new();
        let mut at = self.branches.0;
        for record in &self.branches.1 {
            let mut region = self.region(Table::new(0, &[]));
            region.branches = Table::new(at, std::slice::from_ref(record));
            region.alternatives = Table::new(0, &[]);
            sites.push((record.site_address(at), 1, Some(region)));
            at += size_of::<BranchRecord>() as u64;
        }
        let (mut at, mut rest) = (self.alternatives.0, &self.alternatives.1[..]);
        while let Some(first) = rest.first() {
            let site = first.site_address(at);
            let addresses = (at..).step_by(size_of::<AlternativeRecord>());
            let same = rest
                .iter()
                .zip(addresses)
                .take_while(|(record, at)| record.site_address(*at) == site);
            let (own, after) = rest.split_at(same.count());
            let computed = own
                .iter()
                .any(|record| record.condition.is_callback() && record.replacement_len != 0);
            let region = (!computed).then(|| {
                let mut region = self.region(Table::new(0, &[]));
                region.branches = Table::new(0, &[]);
                region.alternatives = Table::new(at, own);
                region
            });
            sites.push((site, first.site_len.into(), region));
            at += size_of_val(own) as u64;
            rest = after;
        }
        sites
    }

    /// The words of the executable segment after its sites have been patched, with their addresses;
    /// `None` where a callback of the kernel computes a word.
    ///
    /// # Errors
    /// The patcher refuses a site.
    pub fn patched(&self, decision: Decision<'_>) -> Result<BTreeMap<u64, Option<u32>>, PlanError> {
        let mut words: BTreeMap<_, _> = self.text().map(|(at, word)| (at, Some(word))).collect();
        for (site, len, region) in self.each_site() {
            let after = match region {
                Some(region) => {
                    let planned = planned(&region, decision, site, len)?;
                    planned.after.into_iter().map(Some).collect()
                }
                None => vec![None; len],
            };
            words.extend((site..).step_by(4).zip(after));
        }
        Ok(words)
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
