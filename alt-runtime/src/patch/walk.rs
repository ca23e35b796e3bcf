//! The walk over both tables of a region, in the order of the sites.
//!
//! For each site: check its place in the text, evaluate the conditions of its arms, compute the words
//! of the arm that wins, and add an entry for each word that changes. The first pass over a region
//! checks the other arms as well.

use core::cell::OnceCell;
use core::mem::MaybeUninit;
use core::ops::Range;

use crate::insn::Insn;
use crate::patch::alternative::{Alternative, Entries};
use crate::patch::decision::{Choice, Decision, States, TermError};
use crate::patch::error::{PlanError, Reason};
use crate::patch::replacement::refuse_leaving;
use crate::patch::report::Report;
use crate::patch::site::{Arm, Arms, is_further};
use crate::record::{AlternativeRecord, BranchRecord, Condition, Record};
use crate::region::{Region, Table};
use crate::room::PlannedWrite;

/// The outcome of a walk.
pub(super) struct Walked {
    /// The number of entries that were written, from the start of the room on; 0 if the room is too
    /// small.
    pub planned: usize,
    /// Number of words of all sites.
    pub needed: usize,
    pub report: Report,
}

#[cfg(not(feature = "raw-tables"))]
impl Walked {
    /// The outcome for a region without records.
    ///
    /// # Errors
    /// The region has some: this kernel is for finished images.
    pub fn without_records(
        region: &Region<'_>,
        decision: &Decision<'_>,
    ) -> Result<Self, PlanError> {
        let branch = region.branches.iter().next();
        let branch = branch.map(|(at, record)| (record.site_address(at), record.condition));
        let alternative = region.alternatives.iter().next();
        let first = branch.or_else(|| {
            alternative.map(|(at, record)| (record.site_address(at), record.condition))
        });
        match first {
            Some((site, term)) => Err(decision.refuse(site, term, Reason::RawTable)),
            None => Ok(Self {
                planned: 0,
                needed: 0,
                report: Report::default(),
            }),
        }
    }
}

/// Writes the entries of a plan to `room`. Looks at every arm (`ALL`), or at the arms that win.
///
/// The code for most records is inlined into the loop here, which keeps its state in registers:
/// functions out of line receive values, and no reference to that state.
///
/// The error is stored in `error`: so results are small, and no function copies the error of another one.
// Its stack is free again when the plan is committed.
#[inline(never)]
pub(super) fn walk<'e, const ALL: bool>(
    region: &Region<'_>,
    decision: Decision<'_>,
    room: &mut [MaybeUninit<PlannedWrite>],
    error: &'e OnceCell<PlanError>,
) -> Result<Walked, &'e PlanError> {
    let mut states = States::NONE;
    states.fill(&decision);
    let walk = Walk::<'_, '_, ALL> {
        region,
        decision: &decision,
        states: &states,
        error,
    };
    let available = room.len();
    let mut branches = Arms::new(region.branches);
    let mut alternatives = Arms::new(region.alternatives);
    let (mut several_branches, mut several_alternatives) = (Several::new(), Several::new());
    // The end of the last site in either table, in bytes from the start of the text: a text may
    // end at the top of the address space.
    let mut end = 0;
    let mut totals = Totals::default();
    let mut entries = Entries {
        rest: room.iter_mut(),
        without_room: 0,
    };
    // Both tables in the order of the sites.
    let without_room = 'walk: loop {
        while branches.next_site() <= alternatives.next_site()
            && let Some(arm) = branches.next()
        {
            let site = arm.site;
            walk.branch(
                arm,
                &mut end,
                &mut several_branches,
                &mut entries,
                &mut totals,
            )?;
            if !ALL && entries.without_room != 0 {
                break 'walk Some(site);
            }
        }
        let Some(arm) = alternatives.next() else {
            break None;
        };
        let site = arm.site;
        walk.alternative(
            arm,
            &mut end,
            &mut several_alternatives,
            &mut entries,
            &mut totals,
        )?;
        if !ALL && entries.without_room != 0 {
            break Some(site);
        }
    };
    if let Some(site) = without_room {
        return Err(too_small(&walk, available, site));
    }
    let Totals {
        words_of_alternatives,
        pending,
        applied,
        unchanged,
    } = totals;
    let Entries { rest, without_room } = entries;
    let planned = available - rest.len();
    let words = planned + without_room;
    let branches = region.branches.len() - several_branches.records;
    let alternatives = region.alternatives.len() - several_alternatives.records;
    Ok(Walked {
        planned: if without_room == 0 { planned } else { 0 },
        needed: branches + words_of_alternatives - several_alternatives.words,
        report: Report {
            branches: branches as u32,
            alternatives: alternatives as u32,
            pending,
            applied,
            rewritten: applied - unchanged,
            words: words as u32,
            lines: 0,
        },
    })
}

/// The inputs of a walk, and the place for its error.
struct Walk<'a, 'e, const ALL: bool> {
    region: &'a Region<'a>,
    decision: &'a Decision<'a>,
    states: &'a States,
    error: &'e OnceCell<PlanError>,
}

/// The sums of a walk.
#[derive(Default)]
struct Totals {
    /// Lengths that the records of alternatives state.
    words_of_alternatives: usize,
    /// Sites that a later pass decides.
    pending: u32,
    /// Sites with an arm that wins.
    applied: u32,
    /// Those of them that hold its words already.
    unchanged: u32,
}

/// The state of a walk over one table, for sites with several records.
struct Several<'a, R> {
    /// The outcome for the site before.
    choice: Choice<'a, R>,
    /// Records so far that are not the first ones of their sites.
    records: usize,
    /// The lengths that these state.
    words: usize,
}

impl<R> Several<'_, R> {
    const fn new() -> Self {
        Self {
            choice: Choice::Default,
            records: 0,
            words: 0,
        }
    }
}

impl<'a, 'e, const ALL: bool> Walk<'a, 'e, ALL> {
    /// Distance of an address from the start of the text, in bytes.
    #[inline(always)]
    fn offset(&self, address: u64) -> u64 {
        address.wrapping_sub(self.region.text.start())
    }

    /// The site before the record at `at`, in the order of the walk; 0 for the first record.
    #[cold]
    fn site_before(&self, at: u64) -> u64 {
        let mut branches = Arms::new(self.region.branches);
        let mut alternatives = Arms::new(self.region.alternatives);
        let mut before = 0;
        loop {
            let next = match branches.next_site() <= alternatives.next_site() {
                true => branches.next().map(|arm| (arm.at, arm.site)),
                false => None,
            };
            let next = next.or_else(|| alternatives.next().map(|arm| (arm.at, arm.site)));
            match next {
                Some((other, site)) if other != at => before = site,
                _ => return before,
            }
        }
    }

    /// Checks that the site of `arm` begins after the one before. Returns whether it is the same
    /// site, of which this is a further record.
    #[inline(always)]
    fn is_further<R: Record>(
        &self,
        arm: &Arm<'a, R>,
        table: &Table<'a, R>,
        end: u64,
    ) -> Result<bool, &'e PlanError> {
        let is_before = self.offset(arm.site) < end;
        let is_further = is_before && is_further(table, arm.at, arm.site);
        if arm.record.site_len() == 0 || is_before && !is_further {
            let (term, len) = (arm.record.condition(), arm.record.site_len());
            return Err(self.misplaced(term, len, arm.at, arm.site));
        }
        Ok(is_further)
    }

    /// Whether the arm that begins with the record of `arm` wins.
    #[inline(always)]
    fn wins<R: Record>(
        &self,
        arm: &Arm<'a, R>,
        condition: Condition,
        is_further: bool,
        table: &Table<'a, R>,
        several: &mut Several<'a, R>,
        totals: &mut Totals,
    ) -> Result<bool, &'e PlanError> {
        if is_further {
            several.records += 1;
            several.words += usize::from(arm.record.site_len());
            return Ok(several.choice.is_arm(arm.record));
        }
        if arm.is_followed {
            several.choice = match self.states.choose_among(table, arm.at, arm.site) {
                Ok(choice) => choice,
                Err((term, why)) => return Err(self.refuse_term(arm.site, term, why)),
            };
            totals.pending += u32::from(matches!(several.choice, Choice::Pending));
            return Ok(several.choice.is_arm(arm.record));
        }
        match self.states.choose(condition) {
            Ok(Some(wins)) => Ok(wins),
            Ok(None) => {
                totals.pending += 1;
                Ok(false)
            }
            Err(why) => Err(self.refuse_term(arm.site, condition, why)),
        }
    }

    /// Looks at the record of a branch, and adds its word to the plan if its arm wins.
    ///
    /// A branch that is there already may leave the text, unless every arm is looked at; one that
    /// is written may not.
    #[inline(always)]
    fn branch(
        &self,
        arm: Arm<'a, BranchRecord>,
        end: &mut u64,
        several: &mut Several<'a, BranchRecord>,
        entries: &mut Entries<'_>,
        totals: &mut Totals,
    ) -> Result<(), &'e PlanError> {
        let (region, record, site) = (self.region, arm.record, arm.site);
        let (condition, displacement) = (record.condition, record.displacement);
        let Some(found) = region.text.get(site) else {
            return Err(self.misplaced(condition, 1, arm.at, site));
        };
        let is_further = self.is_further(&arm, &region.branches, *end)?;
        *end = self.offset(site) + 4;
        let wins = self.wins(
            &arm,
            condition,
            is_further,
            &region.branches,
            several,
            totals,
        )?;
        if !wins && !ALL {
            return Ok(());
        }
        let branch = Insn::branch_by(displacement);
        let is_likely = condition.is_likely();
        if !is_likely || ALL {
            let target = site.wrapping_add_signed(4 * i64::from(displacement));
            if (!region.text.holds(target) || region.text.is_aliased())
                && let Err(why) = self.check_target(record, site, target)
            {
                return Err(why);
            }
        }
        let (expected, new) = match is_likely {
            true => (branch, Insn::NOP),
            false => (Insn::NOP, branch),
        };
        totals.applied += u32::from(wins);
        if found == expected {
            if wins {
                let offset = site.wrapping_sub(region.text.start()) as u32;
                entries.push(PlannedWrite::new(offset, expected, new));
            }
            return Ok(());
        }
        if found != new {
            let reason = Reason::UnexpectedWord { found, expected };
            return Err(self.refuse(condition, site, reason));
        }
        totals.unchanged += u32::from(wins);
        Ok(())
    }

    /// Looks at a record of an alternative, and adds the words that change to the plan if its arm
    /// wins.
    #[inline(always)]
    fn alternative(
        &self,
        arm: Arm<'a, AlternativeRecord>,
        end: &mut u64,
        several: &mut Several<'a, AlternativeRecord>,
        entries: &mut Entries<'_>,
        totals: &mut Totals,
    ) -> Result<(), &'e PlanError> {
        let (region, record, site) = (self.region, arm.record, arm.site);
        let len = record.site_len;
        let Some(old) = region.text.part(site, len) else {
            return Err(self.misplaced(record.condition, len, arm.at, site));
        };
        let is_further = self.is_further(&arm, &region.alternatives, *end)?;
        *end = self.offset(site) + 4 * u64::from(len);
        totals.words_of_alternatives += usize::from(len);
        let wins = self.wins(
            &arm,
            record.condition,
            is_further,
            &region.alternatives,
            several,
            totals,
        )?;
        if !wins && !ALL {
            return Ok(());
        }
        let alternative = Alternative {
            region,
            record,
            at: arm.at,
            site: old,
            wins,
            is_first_pass: ALL,
        };
        match alternative.plan(entries) {
            Ok(is_changed) => totals.unchanged += u32::from(wins && !is_changed),
            Err(why) => return Err(self.refuse(record.condition, site, why)),
        }
        totals.applied += u32::from(wins);
        Ok(())
    }

    /// Checks the target of a branch that leaves the text, or whose text also executes elsewhere.
    #[cold]
    #[inline(never)]
    fn check_target(
        &self,
        record: &BranchRecord,
        site: u64,
        target: u64,
    ) -> Result<(), &'e PlanError> {
        let branch = Insn::branch_by(record.displacement);
        let checked = match self.region.text.holds(target) {
            true => refuse_leaving(self.region, site, 0, branch),
            false => Err(Reason::BranchOutsideText { target }),
        };
        checked.map_err(|why| self.refuse(record.condition, site, why))
    }

    #[cold]
    #[inline(never)]
    fn refuse_term(&self, site: u64, term: Condition, why: TermError) -> &'e PlanError {
        let error = self.decision.refuse(site, term, why.into());
        self.error.get_or_init(|| error)
    }

    #[cold]
    #[inline(never)]
    fn refuse(&self, term: Condition, site: u64, reason: Reason) -> &'e PlanError {
        let error = self.decision.refuse(site, term, reason);
        self.error.get_or_init(|| error)
    }

    /// Why the site of `len` instructions is not after the one before in the text. Its record is at `at`.
    #[cold]
    #[inline(never)]
    fn misplaced(&self, term: Condition, len: u8, at: u64, site: u64) -> &'e PlanError {
        let previous = self.site_before(at);
        let reason = match site {
            _ if !site.is_multiple_of(4) => Reason::MisalignedSite,
            _ if len == 0 => Reason::ZeroLength,
            _ if !self.region.text.contains(site, len.into()) => {
                let Range { start, end } = self.region.text.range();
                Reason::SiteOutsideText { len, start, end }
            }
            _ if site < previous => Reason::Unsorted { previous },
            _ => Reason::Overlap { previous },
        };
        self.refuse(term, site, reason)
    }
}

/// Reports that there is too little room for the words of the site at `site`.
#[cold]
#[inline(never)]
fn too_small<'e, const ALL: bool>(
    walk: &Walk<'_, 'e, ALL>,
    room: usize,
    site: u64,
) -> &'e PlanError {
    fn words<R: Record>(table: Table<'_, R>) -> usize {
        let arms = Arms::new(table);
        let firsts = arms.filter(|arm| !is_further(&table, arm.at, arm.site));
        firsts.map(|arm| usize::from(arm.record.site_len())).sum()
    }
    fn condition<R: Record>(table: Table<'_, R>, site: u64) -> Option<Condition> {
        let mut arms = Arms::new(table);
        Some(arms.find(|arm| arm.site == site)?.record.condition())
    }
    let Region {
        branches,
        alternatives,
        ..
    } = *walk.region;
    let needed = words(branches) + words(alternatives);
    let condition = condition(branches, site).or_else(|| condition(alternatives, site));
    let condition = condition.unwrap_or(Condition::from_bits(0));
    let reason = Reason::PlanTooSmall { room, needed };
    let error = walk.decision.refuse(site, condition, reason);
    walk.error.get_or_init(|| error)
}
