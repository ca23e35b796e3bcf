//! Walking the tables of a region: the arms that win, in the order of their sites.

use crate::cap::CapTable;
use crate::patch::decision::Decision;
use crate::patch::error::{PlanError, Reason};
use crate::patch::quick::Quick;
use crate::patch::records::Records;
use crate::patch::site::{Record, Site, error};
use crate::patch::states::{Known, States};
use crate::patch::writer::{Writer, outside};
use crate::record::{AlternativeRecord, BranchRecord};
use crate::region::{Region, Text};

/// An arm that wins, and the address of its site.
enum Arm<'a> {
    Branch(u64, &'a BranchRecord),
    /// The second address is that of the record.
    Alternative(u64, u64, &'a AlternativeRecord),
}

impl Arm<'_> {
    fn tell(self, writer: &mut Writer<'_, '_>, table: &CapTable) -> Result<(), PlanError> {
        match self {
            Self::Branch(site, record) => writer
                .rewrite_branch(site, record)
                .map_err(|why| error(table, site, record.condition, why)),
            Self::Alternative(site, at, record) => writer
                .rewrite_alternative(site, at, record)
                .map_err(|why| error(table, site, record.condition, why)),
        }
    }
}

/// Both tables, merged: they are sorted, so that the text is walked once. Finds all that
/// can be wrong with the place and the condition of a site, whether or not an arm wins.
///
/// This is the close look, which knows all kinds of sites and all faults; [`Quick`]
/// takes the usual ones.
pub(super) struct Walk<'a> {
    pub branches: Records<'a, BranchRecord>,
    pub alternatives: Records<'a, AlternativeRecord>,
    /// Sites of which a later pass decides.
    pub pending: u32,
    text: Text<'a>,
    table: &'a CapTable,
    pub(super) states: &'a States,
    /// Where the site before ends.
    pub(super) end: u64,
}

impl<'a> Walk<'a> {
    pub fn new(region: &Region<'a>, decision: Decision<'a>, states: &'a States) -> Self {
        Self {
            branches: Records::new(region.branches),
            alternatives: Records::new(region.alternatives),
            pending: 0,
            text: region.text,
            table: decision.table,
            states,
            end: region.text.range().start,
        }
    }

    /// Tells `writer` the arms that win.
    ///
    /// # Errors
    /// The first site, in the order of the walk, with a fault, or that `writer` refuses.
    pub fn run(&mut self, writer: &mut Writer<'a, '_>) -> Result<(), PlanError> {
        let quick = Quick::new(self, writer);
        loop {
            if let Some(quick) = &quick {
                quick.run(self, writer);
            }
            match self.next_site(writer)? {
                Next::Arm(arm) => arm.tell(writer, self.table)?,
                Next::Nothing => {}
                Next::End => return Ok(()),
            }
        }
    }

    /// Looks closely at the next site, which may be of any kind.
    fn next_site(&mut self, writer: &mut Writer<'a, '_>) -> Result<Next<'a>, PlanError> {
        let (table, states) = (self.table, self.states);
        let (branch, alternative) = (self.branches.peek(), self.alternatives.peek());
        let is_branch = match (branch, alternative) {
            (None, None) => return Ok(Next::End),
            (Some(_), Some(_)) => self.branches.site() <= self.alternatives.site(),
            (branch, None) => branch.is_some(),
            (None, Some(_)) => false,
        };
        if is_branch {
            if !take_back(&mut self.branches, states, &mut self.pending, writer) {
                self.end = self.place(&self.branches)?;
            }
            let site = self.branches.next_site(table, states, |_| ())?;
            Ok(self.next(site, |address, _, record| Arm::Branch(address, record)))
        } else {
            if !take_back(&mut self.alternatives, states, &mut self.pending, writer) {
                self.end = self.place(&self.alternatives)?;
            }
            let site = self.alternatives.next_site(table, states, |_| ())?;
            Ok(self.next(site, Arm::Alternative))
        }
    }

    /// Checks that the next site of a table lies in the text, behind the one before.
    /// Answers where it ends.
    fn place<R: Record>(&self, records: &Records<'a, R>) -> Result<u64, PlanError> {
        let Some((_, record)) = records.peek() else {
            return Ok(self.end);
        };
        let (address, len) = (records.site(), record.len());
        let reason = match address {
            _ if address % 4 != 0 => Reason::MisalignedSite,
            _ if len == 0 => Reason::ZeroLength,
            _ if !self.text.contains(address, len.into()) => outside(&self.text, len),
            _ if address < self.end => self.disorder(address),
            // A text may end at the top of the address space.
            _ => return Ok(address.wrapping_add(4 * u64::from(len))),
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

/// If the next record is a further arm of the site before, which [`Quick`] took for
/// one of a single arm, undoes what it did, so that all arms come together. Says whether
/// that was so.
fn take_back<R: Record>(
    records: &mut Records<'_, R>,
    states: &States,
    pending: &mut u32,
    writer: &mut Writer<'_, '_>,
) -> bool {
    let Some((site, before)) = records.before() else {
        return false;
    };
    if site != records.site() {
        return false;
    }
    match states.known(before.condition()) {
        Known::PRESENT => writer.take_back(before.len()),
        Known::PENDING => *pending -= 1,
        _ => {}
    }
    records.back();
    true
}

/// What a close look at a site has found.
enum Next<'a> {
    Arm(Arm<'a>),
    /// The site stays as it is.
    Nothing,
    /// There is no site.
    End,
}
