//! The plan: every record checked, every new word known, nothing written.

use core::fmt;
use core::mem::MaybeUninit;
use core::slice;

use crate::arch::Write;
use crate::cap::CapTable;
use crate::insn::Insn;
use crate::patch::computed::Computed;
use crate::patch::decision::Decision;
use crate::patch::error::{PlanError, Reason};
use crate::patch::replacement::Replacement;
use crate::patch::site::{Record, Site, sites};
use crate::record::{AlternativeRecord, BranchRecord};
use crate::region::Region;

/// What a pass found and did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Report {
    /// Sites of `cpu_has_cap!`.
    pub branches: u32,
    /// Sites of `alternative!`.
    pub alternatives: u32,
    /// Sites that a later pass decides.
    pub pending: u32,
    /// Sites of which an arm applies.
    pub applied: u32,
    /// Sites that changed. Less than `applied` when an arm equals what the text
    /// holds already, as it does in a second pass.
    pub rewritten: u32,
    /// Words that changed.
    pub words: u32,
    /// Data cache lines that held them, each cleaned once unless CTR_EL0.IDC
    /// makes that needless.
    pub lines: u32,
}

impl Report {
    /// Sites in the tables.
    pub const fn sites(&self) -> u32 {
        self.branches + self.alternatives
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} sites rewritten: {} words in {} cache lines",
            self.rewritten,
            self.sites(),
            self.words,
            self.lines
        )
    }
}

/// The writes of one pass over one region, in address order.
#[derive(Debug)]
pub struct Plan<'p> {
    writes: &'p mut [Write],
    report: Report,
}

impl<'p> Plan<'p> {
    /// Decides what every site of `region` becomes under `decision`. Nothing is
    /// written but `room`.
    ///
    /// `room` must hold one entry for each word of each site, or at least for
    /// each word that will change; the section `alt_plan` is of that size.
    ///
    /// # Errors
    /// The first record, in address order, that cannot be applied. The place and the
    /// condition of every site are checked; an arm itself only where it wins, for
    /// all of them see [`check`](super::check).
    pub fn new(
        region: &Region<'_>,
        decision: Decision<'_>,
        room: &'p mut [MaybeUninit<Write>],
    ) -> Result<Self, PlanError> {
        let mut planner = Planner {
            region,
            table: decision.table,
            previous: region.text.range().start,
            end: region.text.range().start,
            room,
            len: 0,
            report: Report::default(),
        };
        let mut branches = sites(region.branches, decision);
        let mut alternatives = sites(region.alternatives, decision);
        let mut branch = branches.next_site(|_| ())?;
        let mut alternative = alternatives.next_site(|_| ())?;
        loop {
            // Both tables are sorted: merged, the text is walked once.
            let is_branch = match (&branch, &alternative) {
                (None, None) => break,
                (Some(b), Some(a)) => b.address <= a.address,
                (b, None) => b.is_some(),
                (None, _) => false,
            };
            if is_branch {
                branch.map_or(Ok(()), |site| planner.branch(&site))?;
                branch = branches.next_site(|_| ())?;
            } else {
                alternative.map_or(Ok(()), |site| planner.alternative(&site))?;
                alternative = alternatives.next_site(|_| ())?;
            }
        }
        let Planner {
            room, len, report, ..
        } = planner;
        // SAFETY: the planner has initialised the first `len` entries.
        let writes = unsafe { slice::from_raw_parts_mut(room.as_mut_ptr().cast(), len) };
        Ok(Self { writes, report })
    }

    /// The writes, in address order.
    pub fn writes(&self) -> &[Write] {
        self.writes
    }

    /// What has been found; `lines` is not known before the commit.
    pub fn report(&self) -> Report {
        self.report
    }
}

struct Planner<'a, 'p> {
    region: &'a Region<'a>,
    table: &'a CapTable,
    /// Where the site before begins and ends.
    previous: u64,
    end: u64,
    room: &'p mut [MaybeUninit<Write>],
    len: usize,
    report: Report,
}

impl Planner<'_, '_> {
    fn branch(&mut self, site: &Site<'_, BranchRecord>) -> Result<(), PlanError> {
        self.report.branches += 1;
        self.report.pending += u32::from(!site.is_decided);
        self.place(site)?;
        if let Some((_, record)) = site.chosen {
            self.rewrite_branch(site.address, record)
                .map_err(|reason| site.error(self.table, reason))?;
        }
        Ok(())
    }

    fn alternative(&mut self, site: &Site<'_, AlternativeRecord>) -> Result<(), PlanError> {
        self.report.alternatives += 1;
        self.report.pending += u32::from(!site.is_decided);
        self.place(site)?;
        if let Some((at, record)) = site.chosen {
            let computes = record.condition.is_callback() && record.replacement_len != 0;
            let rewritten = if computes {
                self.compute_alternative(site.address, at, record)
            } else {
                self.rewrite_alternative(site.address, at, record)
            };
            rewritten.map_err(|reason| site.error(self.table, reason))?;
        }
        Ok(())
    }

    /// Checks that the site lies in the text, behind the one before.
    fn place<R: Record>(&mut self, site: &Site<'_, R>) -> Result<(), PlanError> {
        let (address, len) = (site.address, site.first.len());
        let previous = self.previous;
        let reason = if address % 4 != 0 {
            Reason::MisalignedSite
        } else if len == 0 {
            Reason::ZeroLength
        } else if !self.region.text.contains(address, len.into()) {
            Reason::SiteOutsideText { len }
        } else if address < previous {
            Reason::Unsorted { previous }
        } else if address < self.end {
            Reason::Overlap { previous }
        } else {
            self.previous = address;
            // A text may end at the top of the address space.
            self.end = address.wrapping_add(4 * u64::from(len));
            return Ok(());
        };
        Err(site.error(self.table, reason))
    }

    fn rewrite_branch(&mut self, address: u64, record: &BranchRecord) -> Result<(), Reason> {
        let (found, new) = branch_words(self.region, address, record)?;
        self.report.applied += 1;
        self.report.rewritten += u32::from(self.write(address, found, new)?);
        Ok(())
    }

    fn rewrite_alternative(
        &mut self,
        address: u64,
        at: u64,
        record: &AlternativeRecord,
    ) -> Result<(), Reason> {
        let replacement = Replacement::new(self.region, at, record, address)?;
        self.rewrite(address, record.site_len, |index| replacement.word(index))
    }

    // Out of line, so that only a callback takes the stack that it needs.
    #[inline(never)]
    fn compute_alternative(
        &mut self,
        address: u64,
        at: u64,
        record: &AlternativeRecord,
    ) -> Result<(), Reason> {
        let computed = Computed::new(self.region, at, record, address)?;
        self.rewrite(address, record.site_len, |index| Ok(computed.word(index)))
    }

    /// Plans the words of a site.
    #[inline]
    fn rewrite(
        &mut self,
        address: u64,
        len: u8,
        word: impl Fn(u8) -> Result<Insn, Reason>,
    ) -> Result<(), Reason> {
        let mut changed = false;
        for index in 0..len {
            let new = word(index)?;
            let at = address.wrapping_add(4 * u64::from(index));
            let found = self.found(at)?;
            changed |= self.write(at, found, new)?;
        }
        self.report.applied += 1;
        self.report.rewritten += u32::from(changed);
        Ok(())
    }

    fn found(&self, address: u64) -> Result<Insn, Reason> {
        self.region
            .text
            .get(address)
            .ok_or(Reason::SiteOutsideText { len: 1 })
    }

    /// Plans one word; says whether it changes.
    fn write(&mut self, address: u64, old: Insn, new: Insn) -> Result<bool, Reason> {
        if old == new {
            return Ok(false);
        }
        let text = self.region.text.range().start;
        let (Some(entry), Ok(offset)) =
            (self.room.get_mut(self.len), u32::try_from(address - text))
        else {
            return Err(Reason::PlanTooSmall {
                room: self.room.len(),
            });
        };
        entry.write(Write::new(offset, old, new));
        self.len += 1;
        self.report.words += 1;
        Ok(true)
    }
}

/// What the site of a branch holds, and what it becomes.
pub(super) fn branch_words(
    region: &Region<'_>,
    address: u64,
    record: &BranchRecord,
) -> Result<(Insn, Insn), Reason> {
    let target = address.wrapping_add_signed(4 * i64::from(record.displacement));
    if !region.text.contains(target, 1) {
        return Err(Reason::BranchOutsideText { target });
    }
    // 16 bits of displacement are always within reach of a B.
    let Ok(branch) = Insn::branch(address, target) else {
        return Err(Reason::BranchOutsideText { target });
    };
    let (expected, new) = if record.condition.is_likely() {
        (branch, Insn::NOP)
    } else {
        (Insn::NOP, branch)
    };
    let found = region.text.get(address);
    let found = found.ok_or(Reason::SiteOutsideText { len: 1 })?;
    if found != expected && found != new {
        return Err(Reason::UnexpectedWord { found, expected });
    }
    Ok((found, new))
}
