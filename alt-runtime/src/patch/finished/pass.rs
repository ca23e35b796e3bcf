//! One bucket after the other: checked, and its words planned.

use core::mem::MaybeUninit;

use crate::finished::{Bucket, Digest, FinishedTable, Kind, Run, Step, TableError};
use crate::insn::Insn;
use crate::patch::alternative::Entries;
use crate::patch::decision::Decision;
use crate::patch::error::PlanError;
use crate::patch::replacement::refuse_leaving;
use crate::region::{Region, Words};
use crate::room::PlannedWrite;

use super::sites::{Planned, Sites, arm_words};
use super::verdict::condition;

/// The inputs of a pass.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a> {
    pub region: &'a Region<'a>,
    pub table: &'a FinishedTable<'a>,
    pub decision: &'a Decision<'a>,
}

/// A pass: its inputs, and the words planned so far.
pub(super) struct Pass<'a, 'p> {
    pub inputs: Inputs<'a>,
    pub room: &'p mut [MaybeUninit<PlannedWrite>],
    pub planned: Planned,
    /// The words of replacements, once they have been checked: few buckets need them.
    pub dictionary: Option<&'a [u32]>,
}

impl<'a> Pass<'a, '_> {
    /// Checks a bucket that waits: plans its words, and forgets them.
    pub fn look_at(&mut self, bucket: Bucket<'a>) -> Result<(), PlanError> {
        let planned = self.planned;
        let result = self.bucket(bucket, false);
        self.planned = planned;
        result
    }

    /// Checks a bucket, and plans the words of its sites. Its callbacks run if it `applies`.
    ///
    /// The digest of the table comes first, that of the instructions at the sites last. So a word is planned
    /// before it is known whether the old one is right: in case of an error, nothing of the plan is used.
    // By value: where the condition of a bucket fails, the caller need not write the bucket to memory.
    pub fn bucket(&mut self, bucket: Bucket<'a>, applies: bool) -> Result<(), PlanError> {
        let (inputs, bucket) = (self.inputs, &bucket);
        let refuse = |error| inputs.refuse(bucket, None, error);
        bucket.check().map_err(refuse)?;
        let (mut found, mut digest) = (0, Digest::EMPTY);
        let mut at = 0;
        while at < bucket.table().len() {
            // Not by the iterator, whose results are longer: here is what each run costs.
            let Some(run) = bucket.run_at(at) else {
                return Err(refuse(TableError::Run { at }));
            };
            at += run.len();
            digest = match self.quickly(bucket, &run, digest) {
                Some(digest) => digest,
                None => self.slowly(bucket, &run, digest, applies)?,
            };
            found += u32::from(run.header().sites);
        }
        let stated = bucket.entry().sites;
        if found != stated {
            return Err(refuse(TableError::Sites { stated, found }));
        }
        if digest != bucket.entry().text {
            return Err(self.wrong_text(bucket));
        }
        Ok(())
    }

    /// Plans the words of a run. Returns the digest with the words found there; `None` if this run needs the
    /// other loop: of callbacks, in a text of several ranges or with aliases, with too little room, or with an
    /// error, which the other loop finds again.
    #[inline(always)]
    fn quickly(&mut self, bucket: &Bucket<'a>, run: &Run<'a>, digest: Digest) -> Option<Digest> {
        let text = self.inputs.region.text.only()?;
        let start = self.inputs.address(run.header().start.into());
        // Rotated, an offset that is no multiple of 4 is higher than any index.
        let index = start.wrapping_sub(text.range().start).rotate_right(2);
        let dictionary = match run.kind() {
            Kind::Copy => self.dictionary(bucket).ok()?,
            _ => &[],
        };
        let room = self.room.get_mut(self.planned.words..)?;
        let entries = room.get_mut(..run.header().words())?;
        let (steps, value) = (run.words(), Insn(run.header().value));
        let sites = Sites { index, digest };
        let (planned, digest) = match run.kind() {
            Kind::Set => sites.halves(text, steps, entries, |_| value),
            Kind::Xor => sites.halves(text, steps, entries, |old| Insn(old.0 ^ value.0)),
            Kind::Branch => {
                sites.words(text, steps, entries, |words| Insn::branch_by(words as i16))
            }
            Kind::Copy => sites.arms(text, run, dictionary, entries),
            Kind::Callback => None,
        }?;
        self.planned.words += planned.words;
        self.planned.sites += planned.sites;
        Some(digest)
    }

    /// The same for a run of any kind, in any text and room.
    #[inline(never)]
    fn slowly(
        &mut self,
        bucket: &Bucket<'a>,
        run: &Run<'a>,
        mut digest: Digest,
        applies: bool,
    ) -> Result<Digest, PlanError> {
        let dictionary = match run.kind() {
            Kind::Copy => self.dictionary(bucket)?,
            _ => &[],
        };
        let inputs = self.inputs;
        let (len, value) = (run.header().len, run.header().value);
        let room = self.room.get_mut(self.planned.words..).unwrap_or_default();
        let available = room.len();
        let mut entries = Entries {
            rest: room.iter_mut(),
            without_room: 0,
        };
        let mut changed = 0;
        for Step { offset, payload } in run.steps() {
            let (site, old) = inputs.site(bucket, offset, len)?;
            digest = old.iter().fold(digest, |digest, old| digest.with(old.0));
            let before = entries.mark();
            let new: &[u32] = match run.kind() {
                Kind::Set => &[value],
                Kind::Xor => &[old.word(0).map_or(value, |old| old.0 ^ value)],
                Kind::Branch => &[Insn::branch_by(payload as i16).0],
                Kind::Copy => {
                    let words = arm_words(dictionary, run, payload);
                    let error = TableError::OutsideDictionary;
                    words.ok_or_else(|| inputs.refuse(bucket, Some(site), error))?
                }
                Kind::Callback => &[],
            };
            match run.kind() {
                Kind::Callback => {
                    let (region, callback) = (inputs.region, run.callback());
                    let planned = entries.callback(region, callback, old, applies, false);
                    let refuse = |why| inputs.decision.refuse(site, condition(bucket), why);
                    planned.map_err(refuse)?;
                }
                _ => inputs.words(bucket, site, old, new, &mut entries)?,
            }
            changed += u32::from(entries.mark() != before);
        }
        let Entries { rest, without_room } = entries;
        self.planned.words += available - rest.len();
        self.planned.without_room += without_room;
        self.planned.sites += changed;
        Ok(digest)
    }

    /// The words of replacements.
    fn dictionary(&mut self, bucket: &Bucket<'a>) -> Result<&'a [u32], PlanError> {
        if let Some(words) = self.dictionary {
            return Ok(words);
        }
        let words = self.inputs.table.checked_dictionary();
        let words = words.map_err(|error| self.inputs.refuse(bucket, None, error))?;
        Ok(self.dictionary.insert(words))
    }
}

impl<'a> Inputs<'a> {
    /// The address of the word with this number, from the lowest site on.
    #[inline(always)]
    pub fn address(&self, offset: u64) -> u64 {
        self.table.base().wrapping_add(4 * offset)
    }

    /// The address of a site and its words.
    #[inline(always)]
    pub fn site(
        &self,
        bucket: &Bucket<'_>,
        offset: u64,
        len: u8,
    ) -> Result<(u64, Words<'a>), PlanError> {
        let site = self.address(offset);
        match self.region.text.part(site, len) {
            Some(words) => Ok((site, words)),
            None => Err(self.outside(bucket, site, len)),
        }
    }

    /// Plans the words of a site that change: it becomes `new` and NOPs.
    #[inline(always)]
    fn words(
        &self,
        bucket: &Bucket<'_>,
        site: u64,
        old: Words<'a>,
        new: &[u32],
        entries: &mut Entries<'_>,
    ) -> Result<(), PlanError> {
        let is_aliased = self.region.text.is_aliased();
        let mut offset = site.wrapping_sub(self.region.text.start()) as u32;
        for (index, old) in old.iter().enumerate() {
            let new = new.get(index).map_or(Insn::NOP, |word| Insn(*word));
            if is_aliased && let Err(why) = refuse_leaving(self.region, site, index, new) {
                return Err(self.decision.refuse(site, condition(bucket), why));
            }
            if old != new {
                entries.push(PlannedWrite::new(offset, old, new));
            }
            offset = offset.wrapping_add(4);
        }
        Ok(())
    }
}
