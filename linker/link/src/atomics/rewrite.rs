//! Adds records to an object.
//!
//! Numbers of sections and symbols stay the same: see [`Rewriter`].

use std::collections::BTreeMap;

use alt_object::object::{Object, ObjectError, Place};
use alt_object::rewrite::{NewSection, Rewriter};
use alt_runtime::atomics::CAP_SYMBOL;
use alt_runtime::record::Section;
use object::elf::{
    R_AARCH64_ABS16, R_AARCH64_PREL32, SHF_ALLOC, SHF_INFO_LINK, SHF_LINK_ORDER, SHT_NOBITS,
    SHT_PROGBITS, SHT_RELA, SHT_SYMTAB, STB_GLOBAL, STT_NOTYPE, STV_HIDDEN,
};

use super::calls::{Call, anchor, is_section, is_table, word_symbol};

/// Size of an alternative's record, of a row of a relocation section and of a symbol, in bytes.
const RECORD: u64 = Section::Alternatives.element_size();
const RELA: usize = 24;
const SYMBOL: usize = 24;

/// The object with a record for each of `calls`.
pub(super) fn add_records(
    bytes: &[u8],
    object: &Object<'_>,
    calls: &[Call<'_>],
) -> Result<Vec<u8>, ObjectError> {
    let mut by_section: BTreeMap<usize, Vec<&Call<'_>>> = BTreeMap::new();
    for call in calls {
        by_section.entry(call.section).or_default().push(call);
    }
    let mut file = File::new(bytes, object)?;
    for (text, mut calls) in by_section {
        calls.sort_by_key(|call| call.offset);
        file.add(text, &calls)?;
    }
    file.finish()
}

/// An object that is being rewritten.
struct File<'a> {
    object: &'a Object<'a>,
    file: Rewriter,
    symbol_section: usize,
    symbols: Vec<u8>,
    /// The names of symbols, unless they share a table with those of sections, as LLVM's do.
    strings: Vec<u8>,
    string_section: usize,
    /// The symbols that were added, or found, by name.
    known: BTreeMap<String, usize>,
}

/// A row of a relocation section.
struct Row {
    offset: u64,
    kind: u32,
    symbol: usize,
    addend: i64,
}

impl Row {
    fn bytes(&self) -> [u8; RELA] {
        let mut bytes = [0; RELA];
        let info = (self.symbol as u64) << 32 | u64::from(self.kind);
        bytes[..8].copy_from_slice(&self.offset.to_le_bytes());
        bytes[8..16].copy_from_slice(&info.to_le_bytes());
        bytes[16..].copy_from_slice(&self.addend.to_le_bytes());
        bytes
    }
}

fn no_site() -> ObjectError {
    ObjectError("a record does not refer to its site by a relocation".to_owned())
}

fn error<T>(why: &str) -> Result<T, ObjectError> {
    Err(ObjectError(why.to_owned()))
}

impl<'a> File<'a> {
    fn new(bytes: &[u8], object: &'a Object<'a>) -> Result<Self, ObjectError> {
        let damaged = || ObjectError("the section headers are damaged".to_owned());
        let file = Rewriter::new(bytes.to_vec())?;
        if file.sections() != object.sections.len() {
            return error("it has more sections than can be extended");
        }
        let mut sections = object.sections.iter();
        let symbol_section = sections
            .position(|section| section.kind == SHT_SYMTAB)
            .ok_or_else(damaged)?;
        let string_section = object.sections[symbol_section].link;
        let known = object
            .symbols
            .iter()
            .enumerate()
            .filter_map(|(index, symbol)| {
                let name = std::str::from_utf8(symbol.name).ok()?;
                (!name.is_empty()).then(|| (name.to_owned(), index))
            });
        Ok(Self {
            object,
            file,
            symbol_section,
            symbols: object.contents(symbol_section)?.to_vec(),
            strings: object.contents(string_section)?.to_vec(),
            string_section,
            known: known.collect(),
        })
    }

    /// Adds the records of the calls in one section of text, in address order.
    ///
    /// A section of text may have several tables, one for each site. The linker puts them after each
    /// other in the order of the file, so a record goes into the table of the site before its call.
    fn add(&mut self, text: usize, calls: &[&Call<'_>]) -> Result<(), ObjectError> {
        let mut tables = Vec::new();
        for (index, section) in self.object.sections.iter().enumerate() {
            if is_table(section) && section.link == text && section.size != 0 {
                let rows = self.rows(self.rows_of(index))?;
                tables.push((index, self.site(&rows, 0).ok_or_else(no_site)?));
            }
        }
        let mut rest = calls;
        for (number, (table, _)) in tables.iter().enumerate() {
            let next = tables.get(number + 1).map_or(u64::MAX, |(_, site)| *site);
            let (mine, others) = rest.split_at(rest.partition_point(|call| call.offset < next));
            rest = others;
            if !mine.is_empty() {
                self.add_to(text, Some(*table), mine)?;
            }
        }
        match rest {
            [] => Ok(()),
            _ => self.add_to(text, None, rest),
        }
    }

    /// Adds records to a table, or to a new one.
    fn add_to(
        &mut self,
        text: usize,
        table: Option<usize>,
        calls: &[&Call<'_>],
    ) -> Result<(), ObjectError> {
        let (anchor, start) = match anchor(self.object, text) {
            Some(anchor) => anchor,
            None => return error("a section of text has no local symbol"),
        };
        let cap = self.symbol(CAP_SYMBOL);
        let rows_section = table.and_then(|table| self.rows_of(table));
        let (old, old_rows) = match table {
            Some(table) => (self.object.contents(table)?, self.rows(rows_section)?),
            None => (&[][..], Vec::new()),
        };
        // The offset of the site of each old record. A table is sorted, and the records of a site
        // stay together: no call is inside a site.
        let count = old.len() as u64 / RECORD;
        let sites = (0..count).map(|record| self.site(&old_rows, record));
        let sites = sites.collect::<Option<Vec<u64>>>().ok_or_else(no_site)?;
        let (mut data, mut rows, mut moved) = (Vec::new(), Vec::new(), Vec::new());
        let mut calls = calls.iter().peekable();
        let mut call_record = |file: &mut Self, call: &Call<'_>, data: &mut Vec<u8>| {
            let word = file.symbol(&word_symbol(call.symbol));
            let at = data.len() as u64;
            // Lengths of site and replacement are one instruction; the rest comes by relocation.
            data.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
            let row = |field, kind: object::elf::RelocationType, symbol, addend| Row {
                offset: at + field,
                kind: kind.0,
                symbol,
                addend,
            };
            let site = call.offset.wrapping_sub(start).cast_signed();
            rows.push(row(0, R_AARCH64_PREL32, anchor, site));
            rows.push(row(4, R_AARCH64_PREL32, word, 0));
            rows.push(row(8, R_AARCH64_ABS16, cap, 0));
        };
        for (record, site) in sites.into_iter().enumerate() {
            while let Some(call) = calls.next_if(|call| call.offset < site) {
                call_record(self, call, &mut data);
            }
            moved.push(data.len() as u64);
            let from = record * RECORD as usize;
            data.extend_from_slice(&old[from..from + RECORD as usize]);
        }
        for call in calls {
            call_record(self, call, &mut data);
        }
        let added = data.len() as u64 / RECORD - count;
        let place = |offset: u64| {
            let record = usize::try_from(offset / RECORD).ok();
            match record.and_then(|record| moved.get(record)) {
                Some(start) => start + offset % RECORD,
                None => data.len() as u64,
            }
        };
        for row in old_rows {
            rows.push(Row {
                offset: place(row.offset),
                ..row
            });
        }
        rows.sort_by_key(|row| row.offset);
        if let Some(table) = table {
            self.move_references(table, &place)?;
        }
        let rows: Vec<u8> = rows.iter().flat_map(Row::bytes).collect();
        let table = match table {
            Some(table) => {
                self.file.replace(table, &data, 4);
                table
            }
            None => {
                let new = NewSection {
                    name: Section::Alternatives.name(),
                    kind: SHT_PROGBITS,
                    flags: SHF_ALLOC | SHF_LINK_ORDER,
                    link: text,
                    info: 0,
                    align: 4,
                    entry: 0,
                };
                self.file.add(new, &data)
            }
        };
        match rows_section {
            Some(section) => self.file.replace(section, &rows, 8),
            None => {
                let new = NewSection {
                    name: &format!(".rela{}", Section::Alternatives.name()),
                    kind: SHT_RELA,
                    flags: SHF_INFO_LINK,
                    link: self.symbol_section,
                    info: table,
                    align: 8,
                    entry: RELA as u64,
                };
                self.file.add(new, &rows);
            }
        }
        self.add_room(text, added);
        Ok(())
    }

    /// States the room that the sites need in a plan.
    fn add_room(&mut self, text: usize, sites: u64) {
        let size = Section::PlanSize.element_size() * sites;
        match self.linked(text, Section::PlanSize) {
            Some(section) => {
                let size = size + self.file.size(section);
                self.file.set_size(section, size);
            }
            None => {
                let new = NewSection {
                    name: Section::PlanSize.name(),
                    kind: SHT_NOBITS,
                    flags: SHF_LINK_ORDER,
                    link: text,
                    info: 0,
                    align: 4,
                    entry: 0,
                };
                let section = self.file.add(new, &[]);
                self.file.set_size(section, size);
            }
        }
    }

    /// The section of this name that is linked to a section of text.
    fn linked(&self, text: usize, name: Section) -> Option<usize> {
        let mut sections = self.object.sections.iter();
        sections.position(|section| {
            section.name == name.name().as_bytes()
                && section.flags.contains(SHF_LINK_ORDER)
                && section.link == text
        })
    }

    fn rows_of(&self, table: usize) -> Option<usize> {
        let mut sections = self.object.sections.iter();
        sections.position(|section| section.kind == SHT_RELA && section.info == table)
    }

    fn rows(&self, section: Option<usize>) -> Result<Vec<Row>, ObjectError> {
        let Some(relocations) = section
            .map(|section| self.object.relocations(section))
            .transpose()?
            .flatten()
        else {
            return Ok(Vec::new());
        };
        let rows = relocations.list.iter().map(|row| Row {
            offset: row.offset,
            kind: row.kind.0,
            symbol: row.symbol,
            addend: row.addend.unwrap_or_default(),
        });
        Ok(rows.collect())
    }

    /// The offset of the site of a record in its section.
    fn site(&self, rows: &[Row], record: u64) -> Option<u64> {
        let row = rows.iter().find(|row| row.offset == record * RECORD)?;
        match self.object.symbols.get(row.symbol)?.place {
            Place::In(_, value) => Some(value.wrapping_add_signed(row.addend)),
            _ => None,
        }
    }

    /// Symbols in the table, and relocations that refer to it by the symbol of the section, follow
    /// the records to their new places.
    fn move_references(
        &mut self,
        table: usize,
        place: &impl Fn(u64) -> u64,
    ) -> Result<(), ObjectError> {
        let mut by_section = Vec::new();
        for (index, symbol) in self.object.symbols.iter().enumerate() {
            match symbol.place {
                Place::In(section, _) if section == table && is_section(symbol) => {
                    by_section.push(index);
                }
                Place::In(section, value) if section == table => {
                    let at = index * SYMBOL + 8;
                    self.symbols[at..at + 8].copy_from_slice(&place(value).to_le_bytes());
                }
                _ => {}
            }
        }
        for (index, section) in self.object.sections.iter().enumerate() {
            if section.kind != SHT_RELA || by_section.is_empty() {
                continue;
            }
            for (number, row) in self.rows(Some(index))?.iter().enumerate() {
                let offset = u64::try_from(row.addend);
                if let (true, Ok(offset)) = (by_section.contains(&row.symbol), offset) {
                    let at = section.offset as usize + number * RELA + 16;
                    self.file.bytes[at..at + 8].copy_from_slice(&place(offset).to_le_bytes());
                }
            }
        }
        Ok(())
    }

    /// The number of a symbol of this name; a new one is undefined.
    fn symbol(&mut self, name: &str) -> usize {
        if let Some(index) = self.known.get(name) {
            return *index;
        }
        let index = self.symbols.len() / SYMBOL;
        let mut row = [0; SYMBOL];
        let at = match self.string_section == self.file.names_section() {
            true => self.file.add_name(name),
            false => self.strings.len() as u32,
        };
        row[..4].copy_from_slice(&at.to_le_bytes());
        row[4] = STB_GLOBAL.0 << 4 | STT_NOTYPE.0;
        row[5] = STV_HIDDEN.0;
        self.symbols.extend(row);
        self.strings.extend_from_slice(name.as_bytes());
        self.strings.push(0);
        self.known.insert(name.to_owned(), index);
        index
    }

    fn finish(mut self) -> Result<Vec<u8>, ObjectError> {
        self.file.replace(self.symbol_section, &self.symbols, 8);
        if self.string_section != self.file.names_section() {
            self.file.replace(self.string_section, &self.strings, 1);
        }
        self.file.finish()
    }
}
