//! One bucket after the other: checked, and its words planned.

use core::mem;

use crate::finished::{Bucket, Digest, FinishedTable, Kind, Run, Step, TableError};
use crate::insn::Insn;
use crate::patch::alternative::{Alternative, Entries};
use crate::patch::decision::Decision;
use crate::patch::error::PlanError;
use crate::patch::replacement::refuse_leaving;
use crate::record::{AlternativeRecord, Condition};
use crate::region::{Region, Words};
use crate::room::PlannedWrite;

use super::sites::Sites;
use super::verdict::condition;

/// The inputs of a pass, and the words planned so far.
pub(super) struct Pass<'a, 'p> {
    pub region: &'a Region<'a>,
    pub table: &'a FinishedTable<'a>,
    pub decision: &'a Decision<'a>,
    /// Once it has been checked: few buckets need it.
    pub dictionary: Option<&'a [u32]>,
    pub entries: Entries<'p>,
    pub rewritten: u32,
    /// The mark of the entries before the loop over a run.
    pub planned: (usize, usize),
}

impl<'a, 'p> Pass<'a, 'p> {
    /// Checks a bucket that waits: plans its words without room, and forgets them.
    pub fn look_at(&mut self, bucket: &Bucket<'a>) -> Result<(), PlanError> {
        let entries = mem::take(&mut self.entries);
        let rewritten = self.rewritten;
        let result = self.bucket(bucket, false);
        (self.entries, self.rewritten) = (entries, rewritten);
        result
    }

    /// Checks a bucket, and plans the words of its sites. Its callbacks run if it `applies`.
    pub fn bucket(&mut self, bucket: &Bucket<'a>, applies: bool) -> Result<(), PlanError> {
        bucket
            .check()
            .map_err(|error| self.refuse(bucket, None, error))?;
        let (mut found, mut digest) = (0, Digest::EMPTY);
        for run in bucket.runs() {
            let run = run.map_err(|error| self.refuse(bucket, None, error))?;
            let value = run.header().value;
            let sites = match run.kind() {
                Kind::Set => self.halves(bucket, &run, &mut digest, |_| value),
                Kind::Xor => self.halves(bucket, &run, &mut digest, |old| old ^ value),
                Kind::Branch => self.words(bucket, &run, &mut digest, |payload| {
                    Insn::branch_by(payload as i16).0
                }),
                Kind::Copy => self.copy(bucket, &run, &mut digest),
                Kind::Callback => self.callback(bucket, &run, &mut digest, applies),
            };
            found += sites?;
        }
        let stated = bucket.entry().sites;
        if found != stated {
            let error = TableError::Sites { stated, found };
            return Err(self.refuse(bucket, None, error));
        }
        if digest != bucket.entry().text {
            return Err(self.wrong_text(bucket));
        }
        Ok(())
    }

    /// Looks at the sites of a run of one word each, whose steps are halves of words. Returns their
    /// number.
    #[inline(always)]
    fn halves(
        &mut self,
        bucket: &Bucket<'a>,
        run: &Run<'a>,
        digest: &mut Digest,
        new: impl Fn(u32) -> u32,
    ) -> Result<u32, PlanError> {
        let Some(mut sites) = self.sites(run, *digest) else {
            return self.slowly(bucket, run, digest, &[]);
        };
        for &word in run.words() {
            for distance in [word as u16, (word >> 16) as u16] {
                if let Err(site) = sites.step(distance, &new) {
                    return Err(self.outside(bucket, site, 1));
                }
            }
        }
        Ok(self.add(sites, digest))
    }

    /// The same for a run whose steps are words: the new word depends on the high half.
    #[inline(always)]
    fn words(
        &mut self,
        bucket: &Bucket<'a>,
        run: &Run<'a>,
        digest: &mut Digest,
        new: impl Fn(u16) -> u32,
    ) -> Result<u32, PlanError> {
        let Some(mut sites) = self.sites(run, *digest) else {
            return self.slowly(bucket, run, digest, &[]);
        };
        for &word in run.words() {
            if let Err(site) = sites.step(word as u16, |_| new((word >> 16) as u16)) {
                return Err(self.outside(bucket, site, 1));
            }
        }
        Ok(self.add(sites, digest))
    }

    /// The same for a run of any kind, in a text of several ranges or with aliases. `dictionary` has
    /// the words from the run's value on.
    #[cold]
    #[inline(never)]
    fn slowly(
        &mut self,
        bucket: &Bucket<'a>,
        run: &Run<'a>,
        digest: &mut Digest,
        dictionary: &[u32],
    ) -> Result<u32, PlanError> {
        let value = run.header().value;
        let mut sites = 0;
        for Step { offset, payload } in run.steps() {
            let (site, old) = self.site(bucket, offset, 1)?;
            for old in old.iter() {
                *digest = digest.with(old.0);
                let new = match run.kind() {
                    Kind::Set => value,
                    Kind::Xor => old.0 ^ value,
                    Kind::Branch => Insn::branch_by(payload as i16).0,
                    _ => dictionary
                        .get(usize::from(payload))
                        .copied()
                        .unwrap_or_default(),
                };
                self.rewritten += u32::from(self.push(bucket, site, 0, old, Insn(new))?);
            }
            sites += 1;
        }
        Ok(sites)
    }

    /// The same for sites that become words of the dictionary.
    fn copy(
        &mut self,
        bucket: &Bucket<'a>,
        run: &Run<'a>,
        digest: &mut Digest,
    ) -> Result<u32, PlanError> {
        let dictionary = match self.dictionary {
            Some(dictionary) => dictionary,
            None => {
                let checked = self.table.checked_dictionary();
                checked.map_err(|error| self.refuse(bucket, None, error))?
            }
        };
        self.dictionary = Some(dictionary);
        let (len, first) = (run.header().sites_len, run.header().value as usize);
        if len == 1 {
            return self.copy_words(
                bucket,
                run,
                digest,
                dictionary.get(first..).unwrap_or_default(),
            );
        }
        let mut sites = 0;
        for Step { offset, payload } in run.steps() {
            let (site, old) = self.site(bucket, offset, len)?;
            let start = first.saturating_add(payload.into());
            let new = dictionary.get(start..start.saturating_add(len.into()));
            let Some(new) = new else {
                let error = TableError::OutsideDictionary;
                return Err(self.refuse(bucket, Some(site), error));
            };
            sites += 1;
            let mut is_changed = false;
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                *digest = digest.with(old.0);
                is_changed |= self.push(bucket, site, index, old, Insn(*new))?;
            }
            self.rewritten += u32::from(is_changed);
        }
        Ok(sites)
    }

    /// The same for sites of one word each.
    fn copy_words(
        &mut self,
        bucket: &Bucket<'a>,
        run: &Run<'a>,
        digest: &mut Digest,
        dictionary: &[u32],
    ) -> Result<u32, PlanError> {
        let is_inside = |word: &u32| ((word >> 16) as usize) < dictionary.len();
        if !run.words().iter().all(is_inside) {
            return Err(self.refuse(bucket, None, TableError::OutsideDictionary));
        }
        if self.region.text.only().is_none() {
            return self.slowly(bucket, run, digest, dictionary);
        }
        let new = |payload| dictionary.get(usize::from(payload)).copied();
        self.words(bucket, run, digest, |payload| {
            new(payload).unwrap_or_default()
        })
    }

    /// The same for sites that a callback computes, if the bucket `applies`.
    fn callback(
        &mut self,
        bucket: &Bucket<'a>,
        run: &Run<'a>,
        digest: &mut Digest,
        applies: bool,
    ) -> Result<u32, PlanError> {
        let len = run.header().sites_len;
        // As in a record, the callback is relative to the field after the first four bytes.
        let record = AlternativeRecord {
            site: 0,
            replacement: run.header().value as i32,
            condition: Condition::from_bits(Condition::CALLBACK | bucket.entry().term.cap()),
            site_len: len,
            replacement_len: len,
        };
        let mut sites = 0;
        for Step { offset, .. } in run.steps() {
            let (site, old) = self.site(bucket, offset, len)?;
            *digest = old.iter().fold(*digest, |digest, old| digest.with(old.0));
            sites += 1;
            let alternative = Alternative {
                region: self.region,
                record: &record,
                at: run.address(),
                site: old,
                wins: applies,
                is_first_pass: false,
            };
            let is_changed = alternative.plan_callback(&mut self.entries);
            let is_changed =
                is_changed.map_err(|why| self.decision.refuse(site, record.condition, why))?;
            self.rewritten += u32::from(is_changed);
        }
        Ok(sites)
    }

    /// The address of a site and its words.
    pub(super) fn site(
        &self,
        bucket: &Bucket<'_>,
        offset: u64,
        len: u8,
    ) -> Result<(u64, Words<'a>), PlanError> {
        let site = self.table.base().wrapping_add(4 * offset);
        match self.region.text.part(site, len) {
            Some(words) => Ok((site, words)),
            None => Err(self.outside(bucket, site, len)),
        }
    }

    /// Plans the word `index` of a site. Returns whether it changes.
    fn push(
        &mut self,
        bucket: &Bucket<'_>,
        site: u64,
        index: usize,
        old: Insn,
        new: Insn,
    ) -> Result<bool, PlanError> {
        if self.region.text.is_aliased()
            && let Err(why) = refuse_leaving(self.region, site, index, new)
        {
            return Err(self.decision.refuse(site, condition(bucket), why));
        }
        if old == new {
            return Ok(false);
        }
        let offset = site.wrapping_sub(self.region.text.start()) as u32;
        let offset = offset.wrapping_add(4 * index as u32);
        self.entries.push(PlannedWrite::new(offset, old, new));
        Ok(true)
    }

    /// The loop over the sites of a run of one word each; `None` if the text is not one range.
    #[inline(always)]
    fn sites(&mut self, run: &Run<'_>, digest: Digest) -> Option<Sites<'a, 'p>> {
        let text = self.region.text.only()?;
        let start = 4 * u64::from(run.header().start);
        let start = self.table.base().wrapping_add(start);
        let entries = mem::take(&mut self.entries);
        self.planned = entries.mark();
        Some(Sites::new(text, start, digest, entries))
    }

    /// Adds what the loop has planned. Returns the number of its sites.
    #[inline(always)]
    fn add(&mut self, sites: Sites<'a, 'p>, digest: &mut Digest) -> u32 {
        *digest = sites.digest;
        self.entries = sites.entries;
        // Each entry is a site.
        let (room, without_room) = self.entries.mark();
        let planned = self.planned.0 - room + without_room - self.planned.1;
        self.rewritten += planned as u32;
        sites.count
    }
}
