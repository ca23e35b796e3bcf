//! Every arm of every site, whether or not it will ever apply.

use crate::cap::{CapSet, CapTable};
use crate::insn::Insn;
use crate::patch::aliased;
use crate::patch::computed;
use crate::patch::decision::Decision;
use crate::patch::error::{PlanError, Reason};
use crate::patch::plan::Plan;
use crate::patch::replacement::Replacement;
use crate::patch::site::{Record, error};
use crate::patch::writer::{branch_words, check_target, outside};
use crate::record::AlternativeRecord;
use crate::region::Region;

/// Checks the whole table of a region, for every CPU there may be. Done before the
/// first of several passes, so that none of them is refused for its arms after
/// another one has written.
///
/// No site holds a breakpoint: records say what a branch has to be, but not which words an
/// alternative was linked with, so a default that stops on purpose cannot be told from one that a
/// debugger has changed. Other changes of such a site are not noticed.
///
/// What a callback answers is known only when its cpucap is, and is left to the pass.
///
/// Answers how many words all sites have together: for so many there must be room in a plan.
///
/// # Errors
/// The first record, by tables, that could not be applied.
pub fn check(region: &Region<'_>, table: &CapTable) -> Result<usize, PlanError> {
    let nothing = Decision {
        table,
        present: &CapSet::EMPTY,
        decided: &CapSet::EMPTY,
    };
    // Places, order and conditions; with nothing decided there is nothing to write.
    let branches = Plan::new(region, nothing, &mut [])?.report().branches;
    for (at, record) in region.branches.iter() {
        let site = record.site(at);
        check_target(region, site, record)
            .and_then(|()| branch_words(region, site, record))
            .map_err(|reason| error(table, site, record.condition, reason))?;
    }
    let (mut words, mut before) = (branches as usize, None);
    for (at, record) in region.alternatives.iter() {
        let site = record.site(at);
        if before.replace(site) != Some(site) {
            words += usize::from(record.site_len);
        }
        arm(region, at, record, site)
            .map_err(|reason| error(table, site, record.condition, reason))?;
    }
    Ok(words)
}

/// Checks one arm: the words that it puts at the site, and what the site holds now.
fn arm(region: &Region<'_>, at: u64, record: &AlternativeRecord, site: u64) -> Result<(), Reason> {
    let len = record.site_len;
    let (Some(range), Some(old)) = (region.text.range_of(site), region.text.part(site, len)) else {
        return Err(outside(&region.text, len));
    };
    let old = (0..).zip(old.iter());
    if record.condition.is_callback() && record.replacement_len != 0 {
        for (index, old) in old {
            refuse_breakpoint(index, old, None)?;
        }
        return computed::find(region, at, record).map(|_| ());
    }
    let replacement = Replacement::new(region, at, record, site)?;
    let is_aliased = range.alias().is_some();
    for (index, old) in old {
        let new = replacement.word(index)?;
        if is_aliased {
            aliased::check(range, index, site.wrapping_add(4 * u64::from(index)), new)?;
        }
        // The arm's own BRK may be there already, from an earlier pass.
        refuse_breakpoint(index, old, Some(new))?;
    }
    Ok(())
}

/// Refuses a breakpoint in a site that is not the arm's word for that place.
fn refuse_breakpoint(index: u8, old: Insn, new: Option<Insn>) -> Result<(), Reason> {
    match old.is_breakpoint() && Some(old) != new {
        true => Err(Reason::Breakpoint { index, word: old }),
        false => Ok(()),
    }
}
