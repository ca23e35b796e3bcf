//! The calls of helpers in an image, and which of them can become sites.

use std::collections::HashMap;
use std::ops::Range;

use alt_image::atomics::called_at;
use alt_image::image::{Image, Relocation};
use alt_image::patcher;
use alt_image::records::{Kind, Records, Site, Term};
use alt_linker::atomics::{Left, Reason, word_symbol};
use alt_runtime::atomics::{Helper, WORD_PREFIX};
use object::elf::R_AARCH64_NONE;

use super::AtomicsError;

/// A call that can become a site.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Its address.
    pub at: u64,
    /// The address of its replacement.
    pub word: u64,
    /// The symbol of that address.
    pub word_symbol: String,
    /// The condition of the helper.
    pub term: Term,
}

/// The calls of an image.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Those that can become sites, by address.
    pub taken: Vec<Call>,
    /// The others.
    pub left: Vec<Left>,
    /// The number of calls that are sites already.
    pub before: usize,
    /// The number of calls, if the image has no helpers of alt-runtime.
    pub without_helpers: usize,
}

impl Calls {
    pub(super) fn find(image: &Image, records: &Records, name: &str) -> Result<Self, AtomicsError> {
        let mut calls = Self::default();
        let mut symbols = image.symbols().iter();
        if !symbols.any(|symbol| Helper::named(&symbol.name).is_some()) {
            return Ok(calls);
        }
        let has_words = image.symbols().iter().any(|s| s.name.contains(WORD_PREFIX));
        let kept = image.relocations().iter();
        let mut kept = kept.filter(|kept| image.is_text(kept.at));
        let mut search = Search::new(image, records);
        if kept.next().is_none() {
            // Of an image that alt-ld has linked, all calls that can be are sites.
            return match has_words && search.has_calls() {
                true => Err(AtomicsError::NoRelocations),
                false => Ok(calls),
            };
        }
        let in_replacements = |at| records.replacements.range.contains(&at);
        let kept = image.relocations().iter();
        for kept in kept.filter(|kept| image.is_text(kept.at) || in_replacements(kept.at)) {
            // A relocation that changes nothing uses nothing.
            if kept.kind == R_AARCH64_NONE.0 {
                continue;
            }
            let Some(helper) = Helper::named(&kept.symbol) else {
                continue;
            };
            let reason = match search.judge(kept, helper, has_words) {
                Judged::IsSite => {
                    calls.before += 1;
                    continue;
                }
                Judged::Taken(call) => {
                    calls.taken.push(call);
                    continue;
                }
                Judged::Left(reason) => reason,
            };
            if !has_words && reason == Reason::NoHelper {
                calls.without_helpers += 1;
                continue;
            }
            let section = image.section_at(kept.at);
            calls.left.push(Left {
                object: name.to_owned(),
                section: section.map_or_else(String::new, |section| section.name.clone()),
                offset: section.map_or(0, |section| kept.at - section.range.start),
                helper,
                reason,
            });
        }
        Ok(calls)
    }
}

enum Judged {
    IsSite,
    Taken(Call),
    Left(Reason),
}

/// The data with which the calls are compared.
struct Search<'a> {
    image: &'a Image,
    replacements: Range<u64>,
    /// By address.
    sites: Vec<Site<'a>>,
    patcher: Vec<Range<u64>>,
    /// The replacement of each helper, by symbol, or why there is none.
    helpers: HashMap<String, Result<(u64, Term), Reason>>,
}

impl<'a> Search<'a> {
    fn new(image: &'a Image, records: &'a Records) -> Self {
        Self {
            image,
            replacements: records.replacements.range.clone(),
            sites: records.sites().collect(),
            patcher: patcher::ranges(image).collect(),
            helpers: HashMap::new(),
        }
    }

    /// Whether there is a call that is not a site and might become one, by the symbol at its target.
    fn has_calls(&self) -> bool {
        let is_left = |at: u64| {
            called_at(self.image, at).is_some()
                && self.site_at(at).is_none()
                && !self.patcher.iter().any(|range| range.contains(&at))
                && !self.replacements.contains(&at)
        };
        let mut sections = self.image.executable();
        sections.any(|section| {
            let mut instructions = self.image.instructions(section);
            instructions.any(|(at, _)| is_left(at))
        })
    }

    /// The site that an address is in.
    fn site_at(&self, at: u64) -> Option<Site<'a>> {
        let after = self.sites.partition_point(|site| site.address() <= at);
        let site = self.sites[..after].last()?;
        site.range().contains(&at).then_some(*site)
    }

    fn judge(&mut self, kept: &Relocation, helper: Helper, has_words: bool) -> Judged {
        if let Some(site) = self.site_at(kept.at) {
            let is_call = site.len() == 4 && word_of(self.image, &site) == Some(helper.insn().0);
            return match is_call {
                true => Judged::IsSite,
                false => Judged::Left(Reason::InsideSite),
            };
        }
        if self.replacements.contains(&kept.at) {
            return Judged::Left(Reason::InReplacement);
        }
        if self.patcher.iter().any(|range| range.contains(&kept.at)) {
            return Judged::Left(Reason::InPatcher);
        }
        let word = self.image.word(kept.at);
        if let Some(reason) = Reason::of_form(kept.kind, kept.addend, word) {
            return Judged::Left(reason);
        }
        let known = self.helpers.get(&kept.symbol).cloned();
        let replacement = known.unwrap_or_else(|| {
            let found = self.helper(&kept.symbol, helper, kept.target, has_words);
            self.helpers.insert(kept.symbol.clone(), found.clone());
            found
        });
        match replacement {
            Ok((word, term)) => Judged::Taken(Call {
                at: kept.at,
                word,
                word_symbol: word_symbol(&kept.symbol),
                term,
            }),
            Err(reason) => Judged::Left(reason),
        }
    }

    /// The first word of the replacement of the helper at an address, and its condition.
    fn helper(
        &self,
        symbol: &str,
        helper: Helper,
        address: u64,
        has_words: bool,
    ) -> Result<(u64, Term), Reason> {
        // After a landing pad, if it has one.
        let site = [address, address.wrapping_add(4)].into_iter();
        let mut sites = site.filter_map(|at| self.site_at(at).filter(|site| site.address() == at));
        let site = sites.next();
        let Some([record]) = site.map(|site| site.records()) else {
            let other = has_words && self.image.symbol(symbol).is_some();
            let is_foreign = other && self.image.symbol(&word_symbol(symbol)).is_none();
            return Err(match is_foreign {
                true => Reason::Overridden("the kernel".into()),
                false => Reason::NoHelper,
            });
        };
        match record.kind {
            Kind::Code { address, len: 4.. }
                if self.image.u32_at(address) == Some(helper.insn().0) && !record.term.and_next =>
            {
                Ok((address, record.term))
            }
            _ => Err(Reason::Overridden("the kernel".into())),
        }
    }
}

/// The only replacement of a site, if it is one instruction.
fn word_of(image: &Image, site: &Site<'_>) -> Option<u32> {
    match site.records() {
        [record] => match record.kind {
            Kind::Code { address, len: 4 } => image.u32_at(address),
            _ => None,
        },
        _ => None,
    }
}
