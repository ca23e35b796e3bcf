//! The words of a replacement, as they must be at the site.

use crate::insn::{Class, Form, Insn, OutOfReach};
use crate::patch::error::Reason;
use crate::patch::relaxed::Relaxed;
use crate::patch::site::Record;
use crate::record::AlternativeRecord;
use crate::region::{Region, Table, Words};

/// Up to this many NOPs are executed; a longer run is branched over.
const MAX_NOPS: u8 = 3;

/// A replacement that has been found to lie where it should.
pub(super) struct Replacement<'a> {
    region: &'a Region<'a>,
    words: Words<'a>,
    site: u64,
    site_len: u8,
}

/// The site of `records` that shares a word with `start..end`.
///
/// If the table is not sorted the answer may be wrong, but then there is no plan.
fn overlapped<R: Record>(records: Table<'_, R>, start: u64, end: u64) -> Option<u64> {
    let (at, record) = records.last_below(end, Record::site)?;
    let site = record.site(at);
    (start < site.wrapping_add(4 * u64::from(record.len()))).then_some(site)
}

impl<'a> Replacement<'a> {
    /// Checks the lengths and bounds of the replacement of `record`, which is at
    /// `at` and for the site at `site`. A callback's has no instructions: then the
    /// site becomes NOPs.
    pub fn new(
        region: &'a Region<'a>,
        at: u64,
        record: &AlternativeRecord,
        site: u64,
    ) -> Result<Self, Reason> {
        let AlternativeRecord {
            site_len,
            replacement_len: len,
            ..
        } = *record;
        let start = record.replacement_address(at);
        let is_nops = record.condition.is_callback();
        if site_len == 0 || (len == 0 && !is_nops) {
            return Err(Reason::ZeroLength);
        }
        if len > site_len {
            return Err(Reason::ReplacementTooLong {
                site: site_len,
                replacement: len,
            });
        }
        let words = if is_nops {
            Words::new(start, &[])
        } else if let Some(words) = region.replacements.part(start, len) {
            words
        } else {
            near(region, start, len)?
        };
        Ok(Self {
            region,
            words,
            site,
            site_len,
        })
    }

    /// The word for the site's instruction `index`, below its length.
    #[inline(always)]
    pub fn word(&self, index: u8) -> Result<Insn, Reason> {
        match self.words.word(index.into()) {
            Some(Insn::NOP) => Ok(self.nop(index)),
            Some(word) if word.is_ordinary() => Ok(word),
            Some(word) => self.aimed(index, word),
            None => Ok(self.padding(index)),
        }
    }

    /// Length in instructions, at most that of the site.
    #[inline]
    fn len(&self) -> u8 {
        self.words.len() as u8
    }

    /// What the NOP at `index` is at the site: the first half of a pair that a linker relaxed.
    fn nop(&self, index: u8) -> Insn {
        // Few NOPs have an ADR behind them.
        let next = self.words.word(usize::from(index) + 1);
        match next.is_some_and(Insn::is_adr) {
            true => self.expand(index).map_or(Insn::NOP, |[adrp, _]| adrp),
            false => Insn::NOP,
        }
    }

    /// NOP and ADR at `index` as they must be at the site, if ADR does not reach from there.
    #[cold]
    fn expand(&self, index: u8) -> Option<[Insn; 2]> {
        let to = self.site.wrapping_add(4 * u64::from(index));
        Relaxed::at(self.words, index)?.expand(self.words, to)
    }

    /// The word of the replacement at `index`, as it must be at the site.
    #[inline]
    pub fn aimed(&self, index: u8, word: Insn) -> Result<Insn, Reason> {
        let offset = 4 * u64::from(index);
        let start = self.words.range().start;
        let (from, to) = (start.wrapping_add(offset), self.site.wrapping_add(offset));
        let refuse = |error| Reason::CannotMove { index, word, error };
        let relative = match word.classify() {
            Class::NotRelative => return Ok(word),
            Class::Relative(relative) => relative,
            _ => return word.relocate(from, to).map_err(refuse),
        };
        if relative.form != Form::Adrp {
            let target = relative.target(from);
            // A target within the replacement, its end included, moves along:
            // the end means "go on after the site". Data among instructions
            // would be taken for instructions, so literals are left out.
            let offset = target.wrapping_sub(start);
            let loads = matches!(relative.form, Form::Ldr | Form::Ldrsw | Form::LdrSimd);
            if offset <= 4 * u64::from(self.len()) && !loads {
                return Ok(word);
            }
            if self.region.replacements.holds(target) {
                return Err(Reason::TargetsReplacements {
                    index,
                    word,
                    target,
                });
            }
        }
        match word.aim(relative, from, to) {
            Err(error) if relative.form == Form::Adr => self.too_far(index, word, error),
            aimed => aimed.map_err(|error| refuse(error.into())),
        }
    }

    /// An ADR that does not reach from the site: the second half of a pair that a linker
    /// relaxed, or refused.
    #[cold]
    fn too_far(&self, index: u8, word: Insn, error: OutOfReach) -> Result<Insn, Reason> {
        let first = index.checked_sub(1);
        let is_pair = first.is_some_and(|first| Relaxed::at(self.words, first).is_some());
        match first.and_then(|first| self.expand(first)) {
            Some([_, add]) => Ok(add),
            None if is_pair => Err(Reason::Relaxed { index, word, error }),
            None => Err(Reason::CannotMove {
                index,
                word,
                error: error.into(),
            }),
        }
    }

    /// NOPs up to the end of the site; many of them are branched over.
    fn padding(&self, index: u8) -> Insn {
        let rest = self.site_len - index;
        if index == self.len() && rest > MAX_NOPS {
            // At most 255 instructions forward, so always in reach.
            Insn::branch(0, 4 * u64::from(rest)).unwrap_or(Insn::NOP)
        } else {
            Insn::NOP
        }
    }
}

/// The words of a replacement that must stay near its function, and is in the text.
#[cold]
fn near<'a>(region: &Region<'a>, start: u64, len: u8) -> Result<Words<'a>, Reason> {
    let Some(words) = region.text.part(start, len) else {
        return Err(Reason::ReplacementOutside { replacement: start });
    };
    let end = start.wrapping_add(4 * u64::from(len));
    let site = overlapped(region.branches, start, end)
        .or_else(|| overlapped(region.alternatives, start, end));
    match site {
        Some(site) => Err(Reason::ReplacementOverlaps {
            replacement: start,
            site,
        }),
        None => Ok(words),
    }
}
