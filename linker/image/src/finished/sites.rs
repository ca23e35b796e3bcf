//! The sites of a region, with the words of each arm as the patcher writes them.

use alt_runtime::cap::{Cap, CapSet, MAX_CAPS};
use alt_runtime::patch::{Decision, PlanError};
use alt_runtime::record::{AlternativeRecord, BranchRecord, Condition};
use alt_runtime::region::{Region, Table};

use super::WriteError;
use crate::names::ANY_CAP;
use crate::patching::planned;

/// The change of a site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Becomes {
    /// These instructions.
    Words(Vec<u32>),
    /// The callback at this address computes the words.
    Callback(u64),
}

/// An arm of a site.
#[derive(Clone, Debug)]
pub(super) struct Arm {
    /// The terms of its condition.
    pub terms: Vec<Condition>,
    /// `None` if the terms contradict each other.
    pub becomes: Option<Becomes>,
}

/// A site.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub address: u64,
    /// A site of `cpu_has_cap!`.
    pub is_branch: bool,
    /// Its instructions as they are linked.
    pub words: Vec<u32>,
    pub arms: Vec<Arm>,
}

/// The sites of both tables, those of `cpu_has_cap!` first.
pub(super) fn all(region: &Region<'_>) -> Result<Vec<Site>, WriteError> {
    let mut sites = Vec::new();
    let branches: Vec<(u64, BranchRecord)> = copied(region.branches);
    for records in
        branches.chunk_by(|(at, a), (next, b)| a.site_address(*at) == b.site_address(*next))
    {
        let address = records[0].1.site_address(records[0].0);
        let arms = arms(records, |record| record.condition)
            .into_iter()
            .map(|records| {
                let own: Vec<BranchRecord> = records.iter().map(|(_, record)| *record).collect();
                let part = Region {
                    branches: Table::new(records[0].0, &own),
                    alternatives: Table::new(0, &[]),
                    ..*region
                };
                arm(&part, address, 1, own.iter().map(|record| record.condition))
            });
        let arms = arms.collect::<Result<Vec<Arm>, PlanError>>()?;
        sites.push(site(region, address, 1, true, arms));
    }
    let alternatives: Vec<(u64, AlternativeRecord)> = copied(region.alternatives);
    for records in
        alternatives.chunk_by(|(at, a), (next, b)| a.site_address(*at) == b.site_address(*next))
    {
        let (at, first) = records[0];
        let (address, len) = (first.site_address(at), first.site_len);
        let arms = arms(records, |record| record.condition)
            .into_iter()
            .map(|records| {
                let own: Vec<AlternativeRecord> =
                    records.iter().map(|(_, record)| *record).collect();
                let (at, first) = records[0];
                let terms: Vec<Condition> = own.iter().map(|record| record.condition).collect();
                if first.condition.is_callback() && first.replacement_len != 0 {
                    let becomes = Becomes::Callback(first.replacement_address(at));
                    let becomes = present(&terms).map(|_| becomes);
                    return Ok(Arm { terms, becomes });
                }
                let part = Region {
                    branches: Table::new(0, &[]),
                    alternatives: Table::new(at, &own),
                    ..*region
                };
                arm(&part, address, len, terms.into_iter())
            });
        let arms = arms.collect::<Result<Vec<Arm>, PlanError>>()?;
        sites.push(site(region, address, len, false, arms));
    }
    Ok(sites)
}

fn copied<R: Copy>(table: Table<'_, R>) -> Vec<(u64, R)> {
    table.iter().map(|(at, record)| (at, *record)).collect()
}

/// The records of a site, those of one arm together.
fn arms<R>(records: &[(u64, R)], condition: impl Fn(&R) -> Condition) -> Vec<&[(u64, R)]> {
    let arms = records.split_inclusive(|(_, record)| !condition(record).and_next());
    arms.collect()
}

fn site(region: &Region<'_>, address: u64, len: u8, is_branch: bool, arms: Vec<Arm>) -> Site {
    let words = (address..).step_by(4).take(len.into());
    Site {
        address,
        is_branch,
        words: words
            .filter_map(|address| region.text.get(address))
            .map(|word| word.0)
            .collect(),
        arms,
    }
}

/// The cpucaps that must be present for the terms to hold; `None` if they contradict each other.
fn present(terms: &[Condition]) -> Option<CapSet> {
    let with = |negated| {
        terms
            .iter()
            .filter(move |term| term.is_negated() == negated)
    };
    let number = |term: &Condition| term.cap();
    let contradict =
        with(true).any(|absent| with(false).any(|present| present.cap() == absent.cap()));
    let caps = with(false)
        .map(number)
        .filter(|cap| usize::from(*cap) < MAX_CAPS);
    (!contradict).then(|| caps.map(|cap| Cap::new(cap, true)).collect())
}

/// The only arm of `region`, as the patcher applies it.
fn arm(
    region: &Region<'_>,
    site: u64,
    len: u8,
    terms: impl Iterator<Item = Condition>,
) -> Result<Arm, PlanError> {
    let terms: Vec<Condition> = terms.collect();
    let Some(present) = present(&terms) else {
        return Ok(Arm {
            terms,
            becomes: None,
        });
    };
    let decision = Decision {
        table: &ANY_CAP,
        present: &present,
        decided: &CapSet::ALL,
    };
    let planned = planned(region, decision, site, len.into())?;
    Ok(Arm {
        terms,
        becomes: Some(Becomes::Words(planned.after)),
    })
}
