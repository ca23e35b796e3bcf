//! Walking the tables of a region: the arms that win, in the order of their sites.

use crate::cap::CapTable;
use crate::patch::decision::Decision;
use crate::patch::error::{PlanError, Reason};
use crate::patch::records::{Brief, Plain, Records};
use crate::patch::site::{Record, Site, error};
use crate::patch::states::States;
use crate::patch::writer::Writer;
use crate::record::{AlternativeRecord, BranchRecord};
use crate::region::{Region, Words};

/// Above all addresses that are far enough from the top of the address space.
const TOP: u64 = u64::MAX - (1 << 32);

/// An arm that wins, and the address of its site.
enum Arm<'a> {
    Branch(u64, &'a BranchRecord),
    /// The second address is that of the record.
    Alternative(u64, u64, &'a AlternativeRecord),
}

impl Arm<'_> {
    /// Tells a writer, by value: the usual case keeps it in registers.
    #[cold]
    #[inline(never)]
    fn tell<'a, 'p>(
        self,
        mut writer: Writer<'a, 'p>,
        table: &CapTable,
    ) -> Result<Writer<'a, 'p>, PlanError> {
        let told = match self {
            Self::Branch(site, record) => writer
                .rewrite_branch(site, record)
                .map_err(|why| error(table, site, record.condition, why)),
            Self::Alternative(site, at, record) => writer
                .rewrite_alternative(site, at, record)
                .map_err(|why| error(table, site, record.condition, why)),
        };
        told.map(|()| writer)
    }
}

/// Both tables, merged: they are sorted, so that the text is walked once. Finds all that
/// can be wrong with the place and the condition of a site, whether or not an arm wins.
#[derive(Clone)]
pub(super) struct Walk<'a> {
    pub branches: Records<'a, BranchRecord>,
    pub alternatives: Records<'a, AlternativeRecord>,
    /// Sites of which a later pass decides.
    pub pending: u32,
    text: Words<'a>,
    table: &'a CapTable,
    states: &'a States,
    /// From here on each site is looked at closely: the end of the text, or the last site
    /// of a table.
    stop: u64,
    /// Where the site before ends.
    end: u64,
}

impl<'a> Walk<'a> {
    pub fn new(region: &Region<'a>, decision: Decision<'a>, states: &'a States) -> Self {
        let text = region.text.range();
        let branches = Records::new(region.branches);
        let alternatives = Records::new(region.alternatives);
        let stop = branches.last_site().min(alternatives.last_site());
        // At the top of the address space sums overflow; there, and in a text that is not
        // aligned, each site is looked at closely.
        let is_usual = text.start.is_multiple_of(4) && text.start <= text.end && text.end < TOP;
        Self {
            branches,
            alternatives,
            pending: 0,
            text: region.text,
            table: decision.table,
            states,
            stop: if is_usual { stop.min(text.end) } else { 0 },
            end: text.start,
        }
    }

    /// Tells `writer` the arms that win; answers what has been found and done.
    ///
    /// # Errors
    /// The first site, in the order of the walk, with a fault, or that `writer` refuses.
    #[inline(always)]
    pub fn run<'p>(
        mut self,
        mut writer: Writer<'a, 'p>,
    ) -> Result<(Self, Writer<'a, 'p>), PlanError> {
        let table = self.table;
        loop {
            if self.branches.site() <= self.alternatives.site() {
                // SAFETY: `stop` is not above the last site.
                match unsafe { self.branches.look(self.states, &mut self.end, self.stop) } {
                    Brief::Passed => continue,
                    Brief::Pending => {
                        self.pending += 1;
                        continue;
                    }
                    Brief::Applies(Plain { site, record, .. }) => {
                        // SAFETY: the site lies between `end` and `stop`, hence in the text.
                        if unsafe { writer.flip(site, record) }.is_none() {
                            writer = Arm::Branch(site, record).tell(writer, table)?;
                        }
                        continue;
                    }
                    Brief::Unclear => {}
                }
            } else {
                // SAFETY: `stop` is not above the last site.
                match unsafe {
                    self.alternatives
                        .look(self.states, &mut self.end, self.stop)
                } {
                    Brief::Passed => continue,
                    Brief::Pending => {
                        self.pending += 1;
                        continue;
                    }
                    Brief::Applies(Plain { site, record, at }) => {
                        // SAFETY: the site lies between `end` and `stop`, hence in the text.
                        if unsafe { writer.copy(site, at, record) }.is_none() {
                            writer = Arm::Alternative(site, at, record).tell(writer, table)?;
                        }
                        continue;
                    }
                    Brief::Unclear => {}
                }
            }
            // By value: the usual case keeps all this in registers.
            let (walk, next) = self.next_site()?;
            self = walk;
            match next {
                Next::Arm(arm) => writer = arm.tell(writer, table)?,
                Next::Nothing => {}
                Next::End => return Ok((self, writer)),
            }
        }
    }

    /// Looks closely at the next site, which may be of any kind.
    #[cold]
    #[inline(never)]
    fn next_site(mut self) -> Result<(Self, Next<'a>), PlanError> {
        let (branch, alternative) = (self.branches.peek(), self.alternatives.peek());
        let is_branch = match (branch, alternative) {
            (None, None) => return Ok((self, Next::End)),
            (Some(_), Some(_)) => self.branches.site() <= self.alternatives.site(),
            (branch, None) => branch.is_some(),
            (None, Some(_)) => false,
        };
        let next = if is_branch {
            let end = self.place(&self.branches)?;
            match end {
                Some(end) => self.end = end,
                None => self.branches.count_arm(),
            }
            let site = self.branches.next_site(self.table, self.states, |_| ())?;
            self.next(site, |address, _, record| Arm::Branch(address, record))
        } else {
            let end = self.place(&self.alternatives)?;
            match end {
                Some(end) => self.end = end,
                None => self.alternatives.count_arm(),
            }
            let site = self
                .alternatives
                .next_site(self.table, self.states, |_| ())?;
            self.next(site, Arm::Alternative)
        };
        Ok((self, next))
    }

    /// Checks that the next site of a table lies in the text, behind the one before.
    /// Answers where it ends, or nothing if the record is a further arm of a site, of
    /// which the arms before do not hold.
    fn place<R: Record>(&self, records: &Records<'a, R>) -> Result<Option<u64>, PlanError> {
        let Some((_, record)) = records.peek() else {
            return Ok(Some(self.end));
        };
        let (address, len) = (records.site(), record.len());
        let reason = match records.before() {
            Some((site, before)) if site == address => {
                if before.len() == len {
                    return Ok(None);
                }
                Reason::LengthsDiffer {
                    first: before.len(),
                    other: len,
                }
            }
            _ if address % 4 != 0 => Reason::MisalignedSite,
            _ if len == 0 => Reason::ZeroLength,
            _ if !self.text.contains(address, len.into()) => Reason::SiteOutsideText { len },
            _ if address < self.end => self.disorder(address),
            // A text may end at the top of the address space.
            _ => return Ok(Some(address.wrapping_add(4 * u64::from(len)))),
        };
        Err(error(self.table, address, record.condition(), reason))
    }

    /// What is wrong with a site that does not begin behind the one before.
    fn disorder(&self, address: u64) -> Reason {
        let branch = self.branches.before().map_or(0, |(site, _)| site);
        let alternative = self.alternatives.before().map_or(0, |(site, _)| site);
        let previous = branch.max(alternative);
        if address < previous {
            Reason::Unsorted { previous }
        } else {
            Reason::Overlap { previous }
        }
    }

    fn next<R>(
        &mut self,
        site: Option<Site<'a, R>>,
        arm: impl FnOnce(u64, u64, &'a R) -> Arm<'a>,
    ) -> Next<'a> {
        let Some(site) = site else { return Next::End };
        self.pending += u32::from(!site.is_decided);
        match site.chosen {
            Some((at, record)) => Next::Arm(arm(site.address, at, record)),
            None => Next::Nothing,
        }
    }
}

/// What a close look at a site has found.
enum Next<'a> {
    Arm(Arm<'a>),
    /// The site stays as it is.
    Nothing,
    /// There is no site.
    End,
}
