//! The calls of an object to helpers of outline atomics, and which of them can become sites.

use alt_object::object::{Object, ObjectError, Place, Relocation};
use alt_runtime::atomics::{Helper, WORD_PREFIX};
use alt_runtime::record::Section;
use object::elf::{R_AARCH64_NONE, SHF_LINK_ORDER, STT_SECTION};

use super::report::{Left, Reason};

/// The section of the code that rewrites text; nothing in it may be a site.
const PATCHER: &[u8] = b".text.alt_patcher";

/// A call that can become a site.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    /// The section of the call.
    pub section: usize,
    /// Its offset in the section.
    pub offset: u64,
    /// The symbol of the helper, whose prefix a namespace may have changed.
    pub symbol: &'a str,
}

/// The calls of an object.
#[derive(Debug, Default)]
pub(super) struct Calls<'a> {
    /// Those that can become sites, in the order of the file.
    pub taken: Vec<Call<'a>>,
    /// The others.
    pub left: Vec<Left>,
}

/// A site of the object: its section, its offset and its length in bytes; or a replacement.
struct Extent {
    section: usize,
    start: u64,
    len: u64,
    reason: Reason,
}

impl<'a> Calls<'a> {
    /// Finds the calls. `refuse` returns the reason if a helper must be called.
    pub(super) fn find(
        name: &str,
        object: &Object<'a>,
        refuse: impl Fn(Helper, &str) -> Option<Reason>,
    ) -> Result<Self, ObjectError> {
        let mut calls = Self::default();
        if !object
            .symbols
            .iter()
            .any(|symbol| helper(symbol.name).is_some())
        {
            return Ok(calls);
        }
        let extents = extents(object)?;
        let compact = object.sections.iter().any(|section| section.is_crel());
        for rows in 0..object.sections.len() {
            let Some(relocations) = object.relocations(rows)? else {
                continue;
            };
            let section = object.sections[rows].info;
            let Some(of) = object.sections.get(section).filter(|of| may_run(of)) else {
                continue;
            };
            let contents = object.contents(section)?;
            for relocation in relocations.list {
                let symbol = object.symbols.get(relocation.symbol);
                // A relocation that changes nothing uses nothing.
                let Some(symbol) = symbol.filter(|_| relocation.kind != R_AARCH64_NONE) else {
                    continue;
                };
                let Some((helper, symbol)) = helper(symbol.name) else {
                    continue;
                };
                let inside = || {
                    let at = relocation.offset;
                    let mut extents = extents.iter();
                    extents.find(|e| e.section == section && e.holds(at))
                };
                let reason = match &inside() {
                    // A record that an earlier link has made.
                    Some(extent) if extent.len == 4 && extent.reason == Reason::InsideSite => {
                        continue;
                    }
                    Some(extent) => Some(extent.reason.clone()),
                    None if of.name == Section::Replacements.name().as_bytes() => {
                        Some(Reason::InReplacement)
                    }
                    None if of.name.starts_with(PATCHER) => Some(Reason::InPatcher),
                    None if of.comdat.is_some() => Some(Reason::Comdat),
                    None if compact => Some(Reason::CompactRelocations),
                    None => form(&relocation, contents)
                        .or_else(|| refuse(helper, symbol))
                        .or_else(|| {
                            anchor(object, section)
                                .is_none()
                                .then_some(Reason::NoSymbol)
                        }),
                };
                match reason {
                    None => calls.taken.push(Call {
                        section,
                        offset: relocation.offset,
                        symbol,
                    }),
                    Some(reason) => calls.left.push(Left {
                        object: name.to_owned(),
                        section: String::from_utf8_lossy(of.name).into_owned(),
                        offset: relocation.offset,
                        helper,
                        reason,
                    }),
                }
            }
        }
        Ok(calls)
    }
}

impl Extent {
    fn holds(&self, offset: u64) -> bool {
        offset
            .checked_sub(self.start)
            .is_some_and(|at| at < self.len)
    }
}

/// Whether the section holds instructions of the image: text, or replacements.
fn may_run(section: &alt_object::object::Section<'_>) -> bool {
    let is_replacement = section.name == Section::Replacements.name().as_bytes();
    section.is_loaded() && (section.is_code() || is_replacement)
}

/// The helper that a symbol names, and the name as text.
pub(super) fn helper(name: &[u8]) -> Option<(Helper, &str)> {
    let name = std::str::from_utf8(name).ok()?;
    Some((Helper::named(name)?, name))
}

/// The symbol of the replacement of the helper `symbol`, in the same namespace.
pub fn word_symbol(symbol: &str) -> String {
    let (namespace, name) = symbol
        .rsplit_once(alt_runtime::atomics::PREFIX)
        .unwrap_or_default();
    format!("{namespace}{WORD_PREFIX}{name}")
}

/// A local symbol in the section, to which a record can refer, and its offset. Each section of code
/// has one: AAELF64 requires a mapping symbol at its start.
pub(super) fn anchor(object: &Object<'_>, section: usize) -> Option<(usize, u64)> {
    let mut symbols = object.symbols.iter().enumerate();
    symbols.find_map(|(index, symbol)| match symbol.place {
        Place::In(of, offset) if of == section && symbol.local => Some((index, offset)),
        _ => None,
    })
}

/// Why an instruction cannot replace the relocated word.
fn form(relocation: &Relocation, contents: &[u8]) -> Option<Reason> {
    let word = usize::try_from(relocation.offset)
        .ok()
        .and_then(|at| contents.get(at..))
        .and_then(|rest| rest.first_chunk())
        .map(|bytes| u32::from_le_bytes(*bytes));
    let word = word.filter(|_| relocation.offset.is_multiple_of(4));
    Reason::of_form(
        relocation.kind.0,
        relocation.addend.unwrap_or_default(),
        word,
    )
}

/// The sites of alternatives in the object and the replacements in its text.
fn extents(object: &Object<'_>) -> Result<Vec<Extent>, ObjectError> {
    let mut extents = Vec::new();
    for rows in 0..object.sections.len() {
        let Some(table) = object.sections.get(object.sections[rows].info) else {
            continue;
        };
        if !is_table(table) {
            continue;
        }
        let Some(relocations) = object.relocations(rows)? else {
            continue;
        };
        let contents = object.contents(object.sections[rows].info)?;
        for relocation in relocations.list {
            let (record, field) = (relocation.offset / 12 * 12, relocation.offset % 12);
            // Site and replacement, each with the byte that has its length.
            let (len, reason) = match field {
                0 => (10, Reason::InsideSite),
                4 => (11, Reason::InReplacement),
                _ => continue,
            };
            let Some(symbol) = object.symbols.get(relocation.symbol) else {
                continue;
            };
            let Place::In(section, value) = symbol.place else {
                continue;
            };
            let at = usize::try_from(record + len).unwrap_or(usize::MAX);
            let len = contents.get(at).copied().unwrap_or_default();
            let addend = relocation.addend.unwrap_or_default();
            extents.push(Extent {
                section,
                start: value.wrapping_add_signed(addend),
                len: 4 * u64::from(len),
                reason,
            });
        }
    }
    Ok(extents)
}

/// Whether this is the table of the sites of a section of text.
pub(super) fn is_table(section: &alt_object::object::Section<'_>) -> bool {
    section.name == Section::Alternatives.name().as_bytes()
        && section.flags.contains(SHF_LINK_ORDER)
}

/// Whether a symbol is that of a section.
pub(super) fn is_section(symbol: &alt_object::object::Symbol<'_>) -> bool {
    symbol.kind == STT_SECTION
}
