//! The checks of a payload's tables, and of each entry.

use super::description::{part, text};
use super::format::{
    BASE_IMAGE, BASE_PAYLOAD, Entry, Expectation, FUNCTION_LANDING_PAD, FUNCTION_MAY_BE_RUNNING,
    Function, HOOKS, Header, NONE, PAYLOAD_HAS_STATE, Relocation, Span, Symbol,
};
use super::payload::{Payload, branch_offset, hook};
use super::payload_error::{EntryError, PayloadError, Table, TableError};
use super::relocate::Kind;
use crate::insn::Insn;
use crate::record::{AlternativeRecord, BranchRecord};

/// The longest name of a payload in bytes.
const MAX_NAME: u32 = 127;

impl Payload<'_> {
    /// Checks everything, and counts the words of all sites: the room that a plan of them needs.
    pub(super) fn check(&self) -> Result<u32, PayloadError> {
        self.check_header()?;
        self.check_tables()?;
        self.check_functions()?;
        self.check_expectations()?;
        self.check_relocations()?;
        self.check_symbols()?;
        self.check_records()
    }

    fn check_header(&self) -> Result<(), PayloadError> {
        let header = &self.description.header;
        let found = self.description.bytes().len() as u64;
        if u64::from(header.size) != found {
            return Err(PayloadError::Size {
                stated: header.size,
                found,
            });
        }
        let has_state = header.flags & PAYLOAD_HAS_STATE != 0;
        if header.flags & !PAYLOAD_HAS_STATE != 0 || self.segments.data.is_some() && !has_state {
            return Err(PayloadError::Flags {
                found: header.flags,
            });
        }
        for (index, offset) in header.hooks.iter().copied().enumerate() {
            let is_text = offset.is_multiple_of(4) && self.segments.text.contains(offset, 4);
            if let Some(hook) = hook(index).filter(|_| offset != NONE && !is_text) {
                return Err(PayloadError::Hook { hook, offset });
            }
        }
        if header.functions.len == 0 && header.hooks == [NONE; HOOKS] {
            return Err(PayloadError::Nothing);
        }
        Ok(())
    }

    /// Checks where the tables are.
    fn check_tables(&self) -> Result<(), PayloadError> {
        let header = &self.description.header;
        let size = header.size;
        let inside = |table, span: Span, entry: usize| {
            let end = u64::from(span.start) + u64::from(span.len) * entry as u64;
            let first = Header::SIZE as u32;
            refuse(
                table,
                span,
                match () {
                    () if span.len == 0 => None,
                    () if entry > 1 && !span.start.is_multiple_of(4) => {
                        Some(TableError::Misaligned)
                    }
                    () if span.start < first || end > size.into() => Some(TableError::Outside),
                    () => None,
                },
            )
        };
        let name = header.name;
        if name.len == 0 || name.len > MAX_NAME {
            refuse(Table::Name, name, Some(TableError::NotText))?;
        }
        inside(Table::Name, name, 1)?;
        let bytes = part(self.description.bytes(), name.start, name.len);
        if bytes.and_then(text).is_none() {
            refuse(Table::Name, name, Some(TableError::NotText))?;
        }
        inside(Table::Functions, header.functions, Function::SIZE)?;
        inside(Table::Words, header.words, 4)?;
        inside(Table::Expectations, header.expectations, Expectation::SIZE)?;
        inside(Table::Relocations, header.relocations, Relocation::SIZE)?;
        inside(Table::Symbols, header.symbols, Symbol::SIZE)?;
        self.check_record_table(Table::Branches, header.branches, size_of::<BranchRecord>())?;
        let record = size_of::<AlternativeRecord>();
        self.check_record_table(Table::Alternatives, header.alternatives, record)?;
        self.check_replacements()
    }

    /// Records are in the bytes of the read-only segment that the file has.
    fn check_record_table(
        &self,
        table: Table,
        span: Span,
        record: usize,
    ) -> Result<(), PayloadError> {
        let bytes = u32::try_from(record)
            .ok()
            .and_then(|record| span.len.checked_mul(record));
        let is_inside = bytes
            .zip(self.segments.read_only)
            .is_some_and(|(bytes, segment)| segment.part(span.start, bytes).is_some());
        refuse(
            table,
            span,
            match () {
                () if span.len == 0 => None,
                () if !span.start.is_multiple_of(4) => Some(TableError::Misaligned),
                () if !is_inside => Some(TableError::Outside),
                () => None,
            },
        )
    }

    fn check_replacements(&self) -> Result<(), PayloadError> {
        let span = self.description.header.replacements;
        let Span { start, len } = span;
        let segments = [Some(self.segments.text), self.segments.read_only];
        let mut segments = segments.into_iter().flatten();
        refuse(
            Table::Replacements,
            span,
            match () {
                () if len == 0 => None,
                () if !start.is_multiple_of(4) || !len.is_multiple_of(4) => {
                    Some(TableError::Misaligned)
                }
                () if !segments.any(|segment| segment.part(start, len).is_some()) => {
                    Some(TableError::Outside)
                }
                () => None,
            },
        )
    }

    fn check_functions(&self) -> Result<(), PayloadError> {
        let words = self.description.header.words.len;
        let mut end = i64::MIN;
        for (index, function) in (0..).zip(self.functions()) {
            self.check_function(&function, words, &mut end)
                .map_err(|error| entry(Table::Functions, index, error))?;
        }
        Ok(())
    }

    fn check_function(
        &self,
        function: &Function,
        words: u32,
        end: &mut i64,
    ) -> Result<(), EntryError> {
        const KNOWN: u32 = FUNCTION_LANDING_PAD | FUNCTION_MAY_BE_RUNNING;
        let &Function {
            old,
            old_size,
            new,
            new_size,
            name,
            name_len,
            flags,
            first_word,
            word_count,
        } = function;
        aligned([old, old_size, new, new_size])?;
        if flags & !KNOWN != 0 {
            return Err(EntryError::Flags { found: flags });
        }
        let start = i64::from(old as i32);
        if start < *end {
            return Err(EntryError::Order { value: old });
        }
        *end = start + i64::from(old_size);
        let least = branch_offset(function) + 4;
        if let Some(size) = [old_size, new_size].into_iter().find(|size| *size < least) {
            return Err(EntryError::TooShort { size });
        }
        if !self.segments.text.contains(new, new_size) {
            return Err(EntryError::OutsideText {
                start: new,
                size: new_size,
            });
        }
        self.check_name(name, name_len)?;
        let is_inside = first_word <= words && word_count <= words - first_word;
        match word_count == 0 || !is_inside {
            true => Err(EntryError::Words {
                first: first_word,
                count: word_count,
            }),
            false => Ok(()),
        }
    }

    fn check_name(&self, start: u32, len: u32) -> Result<(), EntryError> {
        let bytes = self
            .segments
            .read_only
            .and_then(|segment| segment.part(start, len))
            .ok_or(EntryError::NameOutside { start, len })?;
        text(bytes).map(drop).ok_or(EntryError::NameNotText)
    }

    fn check_expectations(&self) -> Result<(), PayloadError> {
        for (index, expectation) in (0..).zip(self.expectations()) {
            aligned([expectation.place])
                .map_err(|error| entry(Table::Expectations, index, error))?;
        }
        Ok(())
    }

    fn check_relocations(&self) -> Result<(), PayloadError> {
        let mut end = 0;
        for (index, relocation) in (0..).zip(self.relocations()) {
            self.check_relocation(&relocation, &mut end)
                .map_err(|error| entry(Table::Relocations, index, error))?;
        }
        Ok(())
    }

    fn check_relocation(&self, relocation: &Relocation, end: &mut u32) -> Result<(), EntryError> {
        let (place, elf_type) = (relocation.place, relocation.elf_type());
        let kind = Kind::new(elf_type).ok_or(EntryError::UnknownRelocation { kind: elf_type })?;
        let target = relocation.target();
        match relocation.base() {
            BASE_IMAGE => {}
            BASE_PAYLOAD if (0..=i64::from(self.segments.end())).contains(&target) => {}
            BASE_PAYLOAD => return Err(EntryError::TargetOutside { target }),
            found => return Err(EntryError::UnknownBase { found }),
        }
        if kind.is_instruction() {
            aligned([place])?;
        }
        if place < *end {
            return Err(EntryError::Order { value: place });
        }
        let bytes = self
            .segments
            .iter()
            .find_map(|segment| segment.part(place, kind.width()))
            .ok_or(EntryError::PlaceOutside { place })?;
        *end = place.saturating_add(kind.width());
        let word = bytes.first_chunk().copied().unwrap_or_default();
        let word = Insn(u32::from_le_bytes(word));
        kind.check(elf_type, word).map_err(EntryError::Relocation)
    }

    fn check_symbols(&self) -> Result<(), PayloadError> {
        let mut end = 0;
        for (index, symbol) in (0..).zip(self.symbols()) {
            self.check_symbol(&symbol, &mut end)
                .map_err(|error| entry(Table::Symbols, index, error))?;
        }
        Ok(())
    }

    fn check_symbol(&self, symbol: &Symbol, end: &mut u32) -> Result<(), EntryError> {
        let &Symbol {
            start,
            size,
            name,
            name_len,
        } = symbol;
        aligned([start])?;
        if start < *end {
            return Err(EntryError::Order { value: start });
        }
        if !self.segments.text.contains(start, size) {
            return Err(EntryError::OutsideText { start, size });
        }
        *end = start + size;
        self.check_name(name, name_len)
    }

    /// Counts the words of the sites. The plan finds other errors of a record before a word
    /// is written.
    fn check_records(&self) -> Result<u32, PayloadError> {
        let header = &self.description.header;
        let table = |span: Span, record: usize| {
            let bytes = self.bytes_at(span.start).unwrap_or_default();
            bytes.chunks_exact(record).take(span.len as usize)
        };
        // Each record takes bytes of a payload of 32 MiB, so the sum stays below 2^32.
        let mut words = header.branches.len;
        let (mut previous, start) = (None, u64::from(header.alternatives.start));
        let records = table(header.alternatives, size_of::<AlternativeRecord>());
        for (index, bytes) in (0..).zip(records) {
            let bytes = bytes.first_chunk().copied().unwrap_or_default();
            let record = AlternativeRecord::from_le_bytes(bytes);
            if record.site_len == 0 {
                return Err(entry(Table::Alternatives, index, EntryError::EmptySite));
            }
            // The arms of one site are adjacent.
            let at = start + u64::from(index) * size_of::<AlternativeRecord>() as u64;
            let site = record.site_address(at);
            if previous.replace(site) != Some(site) {
                words += u32::from(record.site_len);
            }
        }
        // A plan refuses sites that overlap.
        Ok(words.min(self.segments.text.size / 4))
    }
}

fn refuse(table: Table, span: Span, error: Option<TableError>) -> Result<(), PayloadError> {
    match error {
        None => Ok(()),
        Some(error) => Err(PayloadError::Table {
            table,
            start: span.start,
            len: span.len,
            error,
        }),
    }
}

const fn entry(table: Table, index: u32, error: EntryError) -> PayloadError {
    PayloadError::Entry {
        table,
        index,
        error,
    }
}

fn aligned<const N: usize>(values: [u32; N]) -> Result<(), EntryError> {
    match values.into_iter().find(|value| !value.is_multiple_of(4)) {
        Some(value) => Err(EntryError::Misaligned { value }),
        None => Ok(()),
    }
}
