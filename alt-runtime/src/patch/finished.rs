//! The plan of a pass over a finished table.
//!
//! For each bucket whose condition holds: compare the digest of its table, compute the new words,
//! and compare the digest of the words found at its sites. A word is planned before its digest is
//! known, which is safe: a plan with a wrong digest is an error, and nothing is written.

use core::mem::MaybeUninit;

use crate::cap::CapSet;
use crate::finished::{Bucket, Digest, FinishedTable, Kind, Run, Step, TableError};
use crate::insn::Insn;
use crate::patch::alternative::{Alternative, Entries};
use crate::patch::decision::Decision;
use crate::patch::error::{PlanError, Reason};
use crate::patch::replacement::refuse_leaving;
use crate::patch::report::Report;
use crate::patch::walk::Walked;
use crate::record::{AlternativeRecord, Condition};
use crate::region::{Region, Words};
use crate::room::PlannedWrite;

/// What the condition of a bucket means for a pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    /// It holds: the sites change.
    Holds,
    /// It does not hold.
    Fails,
    /// A later pass decides.
    Pending,
}

/// Evaluates the condition of `bucket`. As for raw tables, the sites wait while one of the cpucaps
/// that their arms test is not decided, whether or not the others suffice.
///
/// # Errors
/// The term whose cpucap the table of cpucaps does not have.
fn judge(bucket: &Bucket<'_>, decision: &Decision<'_>) -> Result<Verdict, Condition> {
    let (mut verdict, mut is_pending) = (Verdict::Holds, false);
    for term in bucket.terms() {
        let cap = term.cap();
        if usize::from(cap) >= decision.table.len() {
            return Err(Condition::from_bits(cap));
        }
        is_pending |= !decision.decided.contains_number(cap);
        let is_present = decision.present.contains_number(cap);
        if !term.is_either() && is_present == term.is_negated() {
            verdict = Verdict::Fails;
        }
    }
    match is_pending {
        true => Ok(Verdict::Pending),
        false => Ok(verdict),
    }
}

/// Whether the condition of `bucket` holds.
///
/// # Errors
/// The table of cpucaps does not have a cpucap of it.
pub(super) fn holds(
    bucket: &Bucket<'_>,
    table: &FinishedTable<'_>,
    decision: &Decision<'_>,
) -> Result<bool, PlanError> {
    match judge(bucket, decision) {
        Ok(verdict) => Ok(verdict == Verdict::Holds),
        Err(term) => Err(decision.refuse(table.base(), term, Reason::UnknownCap)),
    }
}

/// Whether an earlier pass, which knew the cpucaps `decided`, has patched the sites of `bucket`.
fn is_done(bucket: &Bucket<'_>, decided: &CapSet) -> bool {
    bucket
        .terms()
        .all(|term| decided.contains_number(term.cap()))
}

/// Writes the entries of a plan to `room`: of each bucket the words in address order, bucket after
/// bucket. An earlier pass has patched the buckets whose cpucaps are all in `earlier`.
///
/// The first pass (`ALL`) also checks the buckets that wait, so that no later pass is refused after
/// this one has written.
#[inline(never)]
pub(super) fn plan<const ALL: bool>(
    table: Result<FinishedTable<'_>, TableError>,
    region: &Region<'_>,
    decision: Decision<'_>,
    earlier: &CapSet,
    room: &mut [MaybeUninit<PlannedWrite>],
) -> Result<Walked, PlanError> {
    let table = table.map_err(|error| refuse_table(&decision, region, error))?;
    let header = table.header();
    let available = room.len();
    let mut pass = Pass {
        region,
        table: &table,
        decision: &decision,
        dictionary: None,
        entries: Entries {
            rest: room.iter_mut(),
            without_room: 0,
        },
        rewritten: 0,
    };
    let (mut pending, mut applied) = (0, 0);
    for bucket in table.buckets() {
        let verdict = judge(&bucket, &decision);
        let verdict =
            verdict.map_err(|term| decision.refuse(table.base(), term, Reason::UnknownCap))?;
        match verdict {
            Verdict::Fails => {}
            Verdict::Pending => {
                pending += bucket.entry().first;
                if ALL {
                    pass.bucket::<false>(&bucket)?;
                }
            }
            Verdict::Holds => {
                applied += bucket.entry().sites;
                if !is_done(&bucket, earlier) {
                    pass.bucket::<true>(&bucket)?;
                }
            }
        }
    }
    let Entries { rest, without_room } = pass.entries;
    let rewritten = pass.rewritten;
    let planned = available - rest.len();
    let needed = header.words as usize;
    if !ALL && without_room != 0 {
        let reason = Reason::PlanTooSmall {
            room: available,
            needed,
        };
        return Err(decision.refuse(table.base(), Condition::from_bits(0), reason));
    }
    Ok(Walked {
        planned: if without_room == 0 { planned } else { 0 },
        needed,
        report: Report {
            branches: header.branches,
            alternatives: header.alternatives,
            pending,
            applied,
            rewritten,
            words: (planned + without_room) as u32,
            lines: 0,
        },
    })
}

/// What a pass refers to, and what it has planned so far.
struct Pass<'a, 'p> {
    region: &'a Region<'a>,
    table: &'a FinishedTable<'a>,
    decision: &'a Decision<'a>,
    /// Once it has been checked: few buckets need it.
    dictionary: Option<&'a [u32]>,
    entries: Entries<'p>,
    rewritten: u32,
}

impl<'a> Pass<'a, '_> {
    /// Checks a bucket, and plans the words of its sites if it `APPLIES`.
    fn bucket<const APPLIES: bool>(&mut self, bucket: &Bucket<'a>) -> Result<(), PlanError> {
        bucket
            .check()
            .map_err(|error| self.refuse(bucket, None, error))?;
        let (mut found, mut digest) = (0, Digest::EMPTY);
        for run in bucket.runs() {
            let run = run.map_err(|error| self.refuse(bucket, None, error))?;
            let value = run.header().value;
            let sites = match run.kind() {
                Kind::Set => self.run::<APPLIES>(bucket, &run, &mut digest, |_, _| value)?,
                Kind::Xor => {
                    self.run::<APPLIES>(bucket, &run, &mut digest, |old, _| old ^ value)?
                }
                Kind::Branch => {
                    let branch = |_, payload| Insn::branch_by(payload as i16).0;
                    self.run::<APPLIES>(bucket, &run, &mut digest, branch)?
                }
                Kind::Copy => self.copy::<APPLIES>(bucket, &run, &mut digest)?,
                Kind::Callback => self.callback::<APPLIES>(bucket, &run, &mut digest)?,
            };
            found += sites;
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

    /// Looks at the sites of a run, of one word each. Returns their number.
    #[inline(always)]
    fn run<const APPLIES: bool>(
        &mut self,
        bucket: &Bucket<'a>,
        run: &Run<'a>,
        digest: &mut Digest,
        new: impl Fn(u32, u16) -> u32,
    ) -> Result<u32, PlanError> {
        let (base, text) = (self.table.base(), self.region.text);
        let (mut sites, mut sum) = (0, *digest);
        for Step { offset, payload } in run.steps() {
            let site = base.wrapping_add(4 * offset);
            let Some(old) = text.get(site) else {
                return Err(self.outside(bucket, site, 1));
            };
            sum = sum.with(old.0);
            sites += 1;
            if APPLIES {
                let is_changed = self.push(bucket, site, 0, old, Insn(new(old.0, payload)))?;
                self.rewritten += u32::from(is_changed);
            }
        }
        *digest = sum;
        Ok(sites)
    }

    /// The same for sites that become words of the dictionary.
    fn copy<const APPLIES: bool>(
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
                if APPLIES {
                    is_changed |= self.push(bucket, site, index, old, Insn(*new))?;
                }
            }
            self.rewritten += u32::from(is_changed);
        }
        Ok(sites)
    }

    /// The same for sites that a callback computes.
    fn callback<const APPLIES: bool>(
        &mut self,
        bucket: &Bucket<'a>,
        run: &Run<'a>,
        digest: &mut Digest,
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
                wins: APPLIES,
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
    fn site(
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
    #[inline(always)]
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

    /// Why the digest of the words at the sites of `bucket` is wrong: a second look, which need not
    /// be fast.
    #[cold]
    #[inline(never)]
    fn wrong_text(&self, bucket: &Bucket<'a>) -> PlanError {
        let dictionary = self.dictionary.unwrap_or_default();
        for run in bucket.runs().map_while(Result::ok) {
            let (len, value) = (run.header().sites_len, run.header().value);
            for Step { offset, payload } in run.steps() {
                let Ok((site, old)) = self.site(bucket, offset, len) else {
                    break;
                };
                let start = (value as usize).saturating_add(payload.into());
                let mut copied = dictionary.iter().skip(start);
                let is_new = |old: Insn| match run.kind() {
                    Kind::Set => old.0 == value,
                    Kind::Branch => old == Insn::branch_by(payload as i16),
                    Kind::Copy => copied.next() == Some(&old.0),
                    Kind::Xor | Kind::Callback => false,
                };
                if old.iter().all(is_new) {
                    return self.refuse(bucket, Some(site), TableError::Patched);
                }
                if old.iter().any(Insn::is_breakpoint) {
                    return self.refuse(bucket, Some(site), TableError::Text);
                }
            }
        }
        self.refuse(bucket, None, TableError::Text)
    }

    #[cold]
    #[inline(never)]
    fn outside(&self, bucket: &Bucket<'_>, site: u64, len: u8) -> PlanError {
        let core::ops::Range { start, end } = self.region.text.range();
        let reason = Reason::SiteOutsideText { len, start, end };
        self.decision.refuse(site, condition(bucket), reason)
    }

    /// Refuses a bucket for `error`, about the site at `site` or about its first one.
    #[cold]
    #[inline(never)]
    fn refuse(&self, bucket: &Bucket<'_>, site: Option<u64>, error: TableError) -> PlanError {
        let first = || {
            let run = bucket.runs().next()?.ok()?;
            let step = run.steps().next()?;
            Some(self.table.base().wrapping_add(4 * step.offset))
        };
        let site = site.or_else(first).unwrap_or(self.table.base());
        let reason = Reason::Finished {
            bucket: Some(bucket.index()),
            error,
        };
        self.decision.refuse(site, condition(bucket), reason)
    }
}

/// The first term of a bucket, as that of a record.
fn condition(bucket: &Bucket<'_>) -> Condition {
    Condition::from_bits(bucket.entry().term.cap())
}

/// Refuses a table as a whole.
#[cold]
pub(super) fn refuse_table(
    decision: &Decision<'_>,
    region: &Region<'_>,
    error: TableError,
) -> PlanError {
    let reason = Reason::Finished {
        bucket: None,
        error,
    };
    decision.refuse(region.text.start(), Condition::from_bits(0), reason)
}
