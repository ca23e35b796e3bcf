//! The words of a replacement, as they must be at the site.

use crate::insn::{Class, Form, Insn, OutOfReach};
use crate::patch::error::Reason;
use crate::patch::relaxed::Relaxed;
use crate::record::{AlternativeRecord, Record};
use crate::region::{Region, Table, Words};

/// Up to this many NOPs are executed; a longer run is branched over.
const MAX_NOPS: usize = 3;

/// Finds the words of the replacement of `record`, which is at `at`, in the section of replacements;
/// `None` if they are not there, or the lengths do not fit.
#[inline(always)]
pub(super) fn find_quickly<'a>(
    region: &Region<'a>,
    record: &AlternativeRecord,
    at: u64,
) -> Option<Words<'a>> {
    let (site, len) = (record.site_len, record.replacement_len);
    let start = record.replacement_address(at);
    if record.condition.is_callback() {
        return Some(Words::new(start, &[]));
    }
    match len != 0 && len <= site {
        true => region.replacements.part(start, len),
        false => None,
    }
}

/// The same for a replacement anywhere. That of NOPs has no words.
pub(super) fn find<'a>(
    region: &Region<'a>,
    record: &AlternativeRecord,
    at: u64,
) -> Result<Words<'a>, Reason> {
    if let Some(words) = find_quickly(region, record, at) {
        return Ok(words);
    }
    let (site, len) = (record.site_len, record.replacement_len);
    if len == 0 {
        return Err(Reason::ZeroLength);
    }
    if len > site {
        return Err(Reason::ReplacementTooLong {
            site,
            replacement: len,
        });
    }
    let start = record.replacement_address(at);
    find_in_text(region, start, len)
}

/// Finds the words of a replacement that must stay near its function, and is in the text.
#[cold]
#[inline(never)]
fn find_in_text<'a>(region: &Region<'a>, start: u64, len: u8) -> Result<Words<'a>, Reason> {
    let words = region.text.part(start, len);
    let words = words.ok_or(Reason::ReplacementOutside { replacement: start })?;
    match overlapped(region, start, len) {
        Some(site) => Err(Reason::ReplacementOverlaps {
            replacement: start,
            site,
        }),
        None => Ok(words),
    }
}

/// The `word` at `index` of the replacement `words`, as it must be at the site.
pub(super) fn word(
    region: &Region<'_>,
    words: Words<'_>,
    site: u64,
    index: usize,
    word: Insn,
) -> Result<Insn, Reason> {
    match word {
        Insn::NOP => Ok(nop(words, site, index)),
        _ if word.is_position_independent() => Ok(word),
        _ => relocate(region, words, site, index, word),
    }
}

/// A B to a place outside of the replacement, moved to the site, if it reaches from there: the most
/// frequent word that depends on its address.
#[inline(always)]
pub(super) fn move_branch(
    region: &Region<'_>,
    words: Words<'_>,
    site: u64,
    index: usize,
    word: Insn,
) -> Option<Insn> {
    let start = words.range().start;
    let offset = 4 * index as u64;
    let from = start.wrapping_add(offset);
    let target = from.wrapping_add_signed(word.branch_displacement()?);
    let is_inside = target.wrapping_sub(start) <= 4 * words.len() as u64;
    if is_inside || region.replacements.holds(target) {
        return None;
    }
    Insn::branch(site.wrapping_add(offset), target).ok()
}

/// A word between the end of the replacement and the end of the site, which is `rest` words ahead:
/// NOP, or a branch over many NOPs.
pub(super) fn padding(rest: usize, is_first: bool) -> Insn {
    match is_first && rest > MAX_NOPS {
        // At most 255 instructions.
        true => Insn::branch_by(rest as i16),
        false => Insn::NOP,
    }
}

/// The PC-relative `word` at `index` of a replacement, as it must be at the site.
#[cold]
fn relocate(
    region: &Region<'_>,
    words: Words<'_>,
    site: u64,
    index: usize,
    word: Insn,
) -> Result<Insn, Reason> {
    let start = words.range().start;
    let offset = 4 * index as u64;
    let (from, to) = (start.wrapping_add(offset), site.wrapping_add(offset));
    let refuse = |error| Reason::CannotMove {
        index: index as u8,
        word,
        error,
    };
    let relative = match word.classify() {
        Class::NotRelative => return Ok(word),
        Class::Relative(relative) => relative,
        _ => return word.relocate(from, to).map_err(refuse),
    };
    if relative.form != Form::Adrp {
        let target = relative.target(from);
        // A target within the replacement, its end included, moves along: the end means "continue
        // after the site". Data among instructions would be taken for instructions, so literals
        // are excluded.
        let offset = target.wrapping_sub(start);
        let loads = matches!(relative.form, Form::Ldr | Form::Ldrsw | Form::LdrSimd);
        if offset <= 4 * words.len() as u64 && !loads {
            return Ok(word);
        }
        if region.replacements.holds(target) {
            return Err(Reason::TargetsReplacements {
                index: index as u8,
                word,
                target,
            });
        }
    }
    match word.aim(relative, from, to) {
        Err(error) if relative.form == Form::Adr => relax_back(words, site, index, word, error),
        aimed => aimed.map_err(|error| refuse(error.into())),
    }
}

/// An ADR that does not reach from the site: the second half of a pair that a linker relaxed, or
/// an error.
fn relax_back(
    words: Words<'_>,
    site: u64,
    index: usize,
    word: Insn,
    error: OutOfReach,
) -> Result<Insn, Reason> {
    let first = index.checked_sub(1);
    let is_pair = first.is_some_and(|first| Relaxed::at(words, first).is_some());
    match first.and_then(|first| expand(words, site, first)) {
        Some([_, add]) => Ok(add),
        None if is_pair => Err(Reason::Relaxed {
            index: index as u8,
            word,
            error,
        }),
        None => Err(Reason::CannotMove {
            index: index as u8,
            word,
            error: error.into(),
        }),
    }
}

/// Whether the word at `index` is a NOP, and not the first half of a pair that a linker relaxed.
#[inline(always)]
pub(super) fn is_nop(words: Words<'_>, index: usize, word: Insn) -> bool {
    word == Insn::NOP && !words.word(index + 1).is_some_and(Insn::is_adr)
}

/// The NOP at `index`: the first half of a pair that a linker relaxed, if an ADR follows.
#[cold]
#[inline(never)]
fn nop(words: Words<'_>, site: u64, index: usize) -> Insn {
    match words.word(index + 1).is_some_and(Insn::is_adr) {
        true => expand(words, site, index).map_or(Insn::NOP, |[adrp, _]| adrp),
        false => Insn::NOP,
    }
}

/// NOP and ADR at `index` as they must be at the site, if the ADR does not reach from there.
#[cold]
fn expand(words: Words<'_>, site: u64, index: usize) -> Option<[Insn; 2]> {
    let to = site.wrapping_add(4 * index as u64);
    Relaxed::at(words, index)?.expand(words, to)
}

/// The site that shares a word with the `len` words at `start`.
///
/// If a table is not sorted the answer may be wrong, but then there is no plan.
#[cold]
fn overlapped(region: &Region<'_>, start: u64, len: u8) -> Option<u64> {
    fn overlapped<R: Record>(records: &Table<'_, R>, start: u64, end: u64) -> Option<u64> {
        let (at, record) = records.last_below(end, Record::site_address)?;
        let site = record.site_address(at);
        (start < site.wrapping_add(4 * u64::from(record.site_len()))).then_some(site)
    }
    let end = start.wrapping_add(4 * u64::from(len));
    overlapped(&region.branches, start, end)
        .or_else(|| overlapped(&region.alternatives, start, end))
}

/// Refuses the breakpoint `word`.
#[cold]
pub(super) fn breakpoint(index: usize, word: Insn) -> Reason {
    Reason::Breakpoint {
        index: index as u8,
        word,
    }
}

/// Refuses `word`, the instruction `index` of the site at `site`, if it refers to something outside
/// of a range that also executes at another address.
///
/// A PC-relative instruction has another target at each address at which it executes. Within a
/// range that moves as a whole all are right; a reference out of the range is right at one of the
/// addresses only.
#[cold]
#[inline(never)]
pub(super) fn refuse_leaving(
    region: &Region<'_>,
    site: u64,
    index: usize,
    word: Insn,
) -> Result<(), Reason> {
    let Some(range) = region.text.range_of(site) else {
        return Ok(());
    };
    let (Some(alias), Class::Relative(relative)) = (range.alias(), word.classify()) else {
        return Ok(());
    };
    let target = relative.target(site.wrapping_add(4 * index as u64));
    let words = range.words();
    // A branch may go to the end of the last word; ADRP names a page.
    let is_inside = match relative.form {
        Form::Adrp => range.shares_page(target),
        _ => words.holds(target) || target == words.range().end,
    };
    match is_inside {
        true => Ok(()),
        false => Err(Reason::LeavesAliasedRange {
            index: index as u8,
            word,
            target,
            alias,
        }),
    }
}
