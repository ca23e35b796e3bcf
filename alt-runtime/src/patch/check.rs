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
use crate::patch::writer::{branch_words, check_target};
use crate::record::AlternativeRecord;
use crate::region::{Region, Words};

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

fn arm(region: &Region<'_>, at: u64, record: &AlternativeRecord, site: u64) -> Result<(), Reason> {
    if record.condition.is_callback() && record.replacement_len != 0 {
        find_breakpoint(region, site, record.site_len, |_| None)?;
        return computed::find(region, at, record).map(|_| ());
    }
    let replacement = Replacement::new(region, at, record, site)?;
    let range = region.text.range_of(site);
    let range = range.filter(|range| range.alias().is_some());
    (0..record.site_len).try_for_each(|index| {
        let word = replacement.word(index)?;
        let at = site.wrapping_add(4 * u64::from(index));
        range.map_or(Ok(()), |range| aliased::check(range, index, at, word))
    })?;
    // An arm that stops may be there already.
    let of_arm = |index| replacement.word(index).ok();
    find_breakpoint(region, site, record.site_len, of_arm)
}

/// Refuses a breakpoint in a site that is not the arm's word for that place.
fn find_breakpoint(
    region: &Region<'_>,
    site: u64,
    len: u8,
    of_arm: impl Fn(u8) -> Option<Insn>,
) -> Result<(), Reason> {
    // The walk has refused sites outside the text.
    let words = region.text.part(site, len);
    let words = words.iter().flat_map(Words::iter);
    for (index, word) in (0..).zip(words).filter(|(_, word)| word.is_breakpoint()) {
        if of_arm(index) != Some(word) {
            return Err(Reason::Breakpoint { index, word });
        }
    }
    Ok(())
}
