//! An image in the form that the patcher takes.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use alt_runtime::record::{AlternativeRecord, BranchRecord};
use alt_runtime::region::{Region, Table, Words};
use alt_runtime::{Callback, Insn};

use super::callbacks::answer;
use super::error::HostError;
use super::linux;
use crate::image::Image;
use crate::records::{Arm, Format, Kind, Records, Table as RecordsTable, alt};

/// The largest span of text in bytes. From its middle, a B reaches all of it (Arm ARM C6.2.26:
/// ±128 MiB).
const MAX_SPAN: u64 = 256 << 20;

// Records refer to callbacks by address, which is converted to an index by this size.
const _: () = assert!(
    size_of::<Callback>() == 24,
    "alt runs on hosts of 64 bits: there a callback is as large as in the image"
);

/// An image in the form that the patcher takes: words and tables, at their link addresses.
#[derive(Debug)]
pub struct Host {
    text: (u64, Vec<AtomicU32>),
    branches: (u64, Vec<BranchRecord>),
    alternatives: (u64, Vec<AlternativeRecord>),
    replacements: (u64, Vec<AtomicU32>),
    callbacks: (u64, Vec<Callback>),
    /// The records in which a finished table is, in place of the others.
    finished: Option<FinishedRecords>,
    /// Linux's format: the indices of a record in `alternatives`, by its address in the image.
    indices: HashMap<u64, Range<usize>>,
    /// Records that the tables do not contain.
    left_out: Vec<HostError>,
}

/// A finished table, as the records in whose place it is.
#[derive(Debug)]
enum FinishedRecords {
    Branches(u64, Vec<BranchRecord>),
    Alternatives(u64, Vec<AlternativeRecord>),
}

impl Host {
    /// The image and its records.
    ///
    /// # Errors
    /// There is no text, or a table is not in the file.
    pub fn new(image: &Image, records: &Records) -> Result<Self, HostError> {
        let text = text_words(image)?;
        match records.format {
            Format::Alt => Self::alt(image, records, text),
            Format::Linux => Ok(Self::linux(image, records, text)),
        }
    }

    /// The image without its records.
    ///
    /// # Errors
    /// There is no text.
    pub fn of_text(image: &Image) -> Result<Self, HostError> {
        Ok(Self {
            text: text_words(image)?,
            branches: (0, Vec::new()),
            alternatives: (0, Vec::new()),
            replacements: (0, Vec::new()),
            callbacks: (0, Vec::new()),
            finished: None,
            indices: HashMap::new(),
            left_out: Vec::new(),
        })
    }

    fn alt(
        image: &Image,
        records: &Records,
        text: (u64, Vec<AtomicU32>),
    ) -> Result<Self, HostError> {
        let (words, _) = records.replacements.bytes(image)?.as_chunks::<4>();
        let words = words
            .iter()
            .map(|word| AtomicU32::new(u32::from_ne_bytes(*word)));
        let callbacks = records.callbacks.bytes(image)?.len() / size_of::<Callback>();
        let callbacks = vec![answer(); callbacks];
        Ok(Self {
            text,
            branches: (
                records.branches.range.start,
                alt::branches(image, &records.branches)?,
            ),
            alternatives: (
                records.alternatives.range.start,
                alt::alternatives(image, &records.alternatives)?,
            ),
            replacements: (records.replacements.range.start, words.collect()),
            callbacks: (records.callbacks.range.start, callbacks),
            finished: finished(image, records)?,
            indices: HashMap::new(),
            left_out: Vec::new(),
        })
    }

    fn linux(image: &Image, records: &Records, text: (u64, Vec<AtomicU32>)) -> Self {
        let converted = linux::convert(image, records);
        hide_breakpoints(&text, records);
        Self {
            text,
            branches: (0, Vec::new()),
            alternatives: (records.alternatives.range.start, converted.records),
            replacements: (
                converted.nops,
                (0..linux::MAX_LEN)
                    .map(|_| AtomicU32::new(Insn::NOP.0.to_le()))
                    .collect(),
            ),
            callbacks: (
                converted.callbacks,
                vec![answer(); converted.callback_count],
            ),
            finished: None,
            indices: converted.indices,
            left_out: converted.left_out,
        }
    }

    /// The whole image, as the kernel has it: if it is finished, with the finished table.
    pub fn region(&self) -> Region<'_> {
        let (no_branches, no_alternatives) = (Table::new(0, &[]), Table::new(0, &[]));
        match &self.finished {
            Some(FinishedRecords::Branches(at, table)) => {
                self.region_with(Table::new(*at, table), no_alternatives)
            }
            Some(FinishedRecords::Alternatives(at, table)) => {
                self.region_with(no_branches, Table::new(*at, table))
            }
            None => self.raw_region(),
        }
    }

    /// The whole image with its records, whether or not it is finished.
    pub fn raw_region(&self) -> Region<'_> {
        self.region_with(
            Table::new(self.branches.0, &self.branches.1),
            Table::new(self.alternatives.0, &self.alternatives.1),
        )
    }

    /// For each site, in the order of the tables: its address, and a region with that site
    /// alone.
    pub fn each_site(&self) -> impl Iterator<Item = (u64, Region<'_>)> {
        let branches = chunks(&self.branches, BranchRecord::site_address);
        let alternatives = chunks(&self.alternatives, AlternativeRecord::site_address);
        let branches =
            branches.map(|(site, table)| (site, self.region_with(table, Table::new(0, &[]))));
        let alternatives =
            alternatives.map(|(site, table)| (site, self.region_with(Table::new(0, &[]), table)));
        branches.chain(alternatives)
    }

    /// A region with the records of one arm alone.
    ///
    /// # Errors
    /// The arm has a record that cannot be given to the patcher.
    pub(super) fn region_of(&self, arm: &Arm<'_>) -> Result<Region<'_>, HostError> {
        let (at, len) = (arm.record().at, arm.records().len());
        if let Kind::Branch { .. } = arm.record().kind {
            let table = part(&self.branches, index_of(&self.branches, at), len);
            return Ok(self.region_with(table, Table::new(0, &[])));
        }
        let (index, len) = match self.indices.get(&at) {
            Some(ours) => (ours.start, ours.len()),
            None => match self.left_out_at(at) {
                Some(error) => return Err(error.clone()),
                None => (index_of(&self.alternatives, at), len),
            },
        };
        Ok(self.region_with(Table::new(0, &[]), part(&self.alternatives, index, len)))
    }

    fn left_out_at(&self, address: u64) -> Option<&HostError> {
        self.left_out
            .iter()
            .find(|error| matches!(error, HostError::Record { at, .. } if *at == address))
    }

    /// The largest number of writes in a plan.
    pub(super) fn words_of_sites(&self) -> usize {
        let words = self.alternatives.1.iter().map(|r| usize::from(r.site_len));
        self.branches.1.len() + words.sum::<usize>()
    }

    /// Records that cannot be given to the patcher, with the reason; always empty for our format.
    pub fn left_out(&self) -> &[HostError] {
        &self.left_out
    }

    fn region_with<'a>(
        &'a self,
        branches: Table<'a, BranchRecord>,
        alternatives: Table<'a, AlternativeRecord>,
    ) -> Region<'a> {
        Region {
            text: Words::new(self.text.0, &self.text.1).into(),
            branches,
            alternatives,
            replacements: Words::new(self.replacements.0, &self.replacements.1),
            callbacks: Table::new(self.callbacks.0, &self.callbacks.1),
        }
    }
}

/// The words of a finished table; the table may end before the section.
fn finished(image: &Image, records: &Records) -> Result<Option<FinishedRecords>, HostError> {
    let Some(finished) = &records.finished else {
        return Ok(None);
    };
    let start = finished.range.start;
    let table = RecordsTable::at(finished.place, finished.range.clone());
    Ok(Some(match finished.place {
        alt::BRANCHES => FinishedRecords::Branches(start, alt::branches(image, &table)?),
        _ => FinishedRecords::Alternatives(start, alt::alternatives(image, &table)?),
    }))
}

/// The index of the record at an address.
fn index_of<R>((start, _): &(u64, Vec<R>), at: u64) -> usize {
    usize::try_from(at.wrapping_sub(*start)).map_or(usize::MAX, |offset| offset / size_of::<R>())
}

/// At most `len` records from `index` on.
fn part<R>((start, records): &(u64, Vec<R>), index: usize, len: usize) -> Table<'_, R> {
    let rest = records.get(index..).unwrap_or_default();
    let address = start.wrapping_add((index as u64).wrapping_mul(size_of::<R>() as u64));
    Table::new(address, &rest[..len.min(rest.len())])
}

/// The runs of records of one site.
fn chunks<R>(
    (address, records): &(u64, Vec<R>),
    site: impl Fn(&R, u64) -> u64 + Copy,
) -> impl Iterator<Item = (u64, Table<'_, R>)> {
    let size = size_of::<R>() as u64;
    let mut rest = records.as_slice();
    let mut at = *address;
    std::iter::from_fn(move || {
        let first = site(rest.first()?, at);
        let addresses = (at..).step_by(size_of::<R>());
        let len = rest
            .iter()
            .zip(addresses)
            .take_while(|(record, at)| site(record, *at) == first)
            .count();
        let (chunk, after) = rest.split_at(len);
        let table = Table::new(at, chunk);
        (rest, at) = (after, at + size * len as u64);
        Some((first, table))
    })
}

/// Whether the immediate of a BRK is one that Linux's own code has: `BUG()`, the checks of sanitizers
/// and of CFI (arch/arm64/include/asm/brk-imm.h). Others are those of kprobes, uprobes and kgdb.
fn is_compiled(immediate: u32) -> bool {
    matches!(immediate, 0x100 | 0x800 | 0x900..=0x9ff | 0x5500..=0x55ff | 0x8000..=0x83ff)
}

/// Replaces the BRKs of Linux's own code in sites by UDF #0. Our patcher takes a breakpoint in a site
/// for one that a debugger has set. Linux has `BUG()` in sites: its hypervisor must not come there
/// unless it is protected, where NOPs replace it.
fn hide_breakpoints((start, words): &(u64, Vec<AtomicU32>), records: &Records) {
    let at = |address: u64| usize::try_from(address.checked_sub(*start)? / 4).ok();
    for address in records.sites().flat_map(|site| site.words()) {
        let Some(word) = at(address).and_then(|index| words.get(index)) else {
            continue;
        };
        let old = u32::from_le(word.load(Relaxed));
        // BRK #imm16 (Arm ARM C6.2.50).
        if old & 0xffe0_001f == 0xd420_0000 && is_compiled(old >> 5 & 0xffff) {
            word.store(0, Relaxed);
        }
    }
}

/// The address of the first executable section, and all words from there to the end of the last
/// one, in memory order. Words between sections are 0.
fn text_words(image: &Image) -> Result<(u64, Vec<AtomicU32>), HostError> {
    let Some(start) = image.executable().map(|section| section.range.start).min() else {
        return Err(HostError::NoText);
    };
    let end = image.executable().map(|s| s.range.end).max();
    let span = end.unwrap_or(start) - start;
    if !start.is_multiple_of(4) {
        return Err(HostError::MisalignedText(start));
    }
    if span > MAX_SPAN {
        return Err(HostError::TextTooLarge(span));
    }
    let mut words = vec![0; usize::try_from(span / 4).unwrap_or_default()];
    for section in image.executable() {
        for (address, word) in image.words(section) {
            let index = usize::try_from((address - start) / 4).ok();
            if let Some(place) = index.and_then(|index| words.get_mut(index)) {
                *place = word.to_le();
            }
        }
    }
    Ok((start, words.into_iter().map(AtomicU32::new).collect()))
}
