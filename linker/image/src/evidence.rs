//! The evidence of the words of sites for the cpucaps.

use std::collections::BTreeMap;
use std::fmt;

use alt_runtime::cap::{Cap, CapSet, MAX_CAPS};

use crate::image::Image;
use crate::names::CapNames;
use crate::patching::{Becomes, Host, HostError, becomes};
use crate::records::{Arm, Kind, Records};

const NOP: u32 = 0xd503_201f;

/// The sites that depend on one cpucap only, by their words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Votes {
    /// As if the cpucap were present.
    pub present: usize,
    /// As if it were absent.
    pub absent: usize,
    /// Neither.
    pub neither: usize,
}

impl Votes {
    /// Whether the cpucap is present, by most sites; `None` if there is no evidence.
    pub fn is_present(&self) -> Option<bool> {
        (self.present != self.absent).then_some(self.present > self.absent)
    }
}

/// The votes by cpucap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence(pub BTreeMap<u16, Votes>);

impl Evidence {
    /// Compares the words of memory with those of each site that has one arm with one condition.
    /// `word` is the word of memory at an address.
    ///
    /// # Errors
    /// The image cannot be given to the patcher.
    pub fn new(
        image: &Image,
        records: &Records,
        word: impl Fn(u64) -> Option<u32>,
    ) -> Result<Self, HostError> {
        let host = Host::new(image, records)?;
        let mut votes = BTreeMap::<u16, Votes>::new();
        for site in records.sites() {
            let [record] = site.records() else { continue };
            if record.term.always {
                continue;
            }
            let Some(arm) = site.arms().next() else {
                continue;
            };
            let Ok(Becomes::Words(after)) = becomes(&host, &arm) else {
                continue;
            };
            let words = |of: &dyn Fn(u64) -> Option<u32>| -> Option<Vec<u32>> {
                site.words().map(of).collect()
            };
            let (Some(before), Some(found)) = (words(&|at| image.word(at)), words(&word)) else {
                continue;
            };
            if before == after {
                continue;
            }
            let votes = votes.entry(record.term.cap).or_default();
            match (found == after, found == before) {
                (false, false) => votes.neither += 1,
                (holds, _) if holds != record.term.negated => votes.present += 1,
                _ => votes.absent += 1,
            }
        }
        Ok(Self(votes))
    }

    /// The cpucaps that are present by most of their sites.
    pub fn present(&self) -> CapSet {
        let caps = self.0.iter().filter(|(cap, votes)| {
            usize::from(**cap) < MAX_CAPS && votes.is_present() == Some(true)
        });
        caps.map(|(cap, _)| Cap::new(*cap, true)).collect()
    }

    /// The cpucaps for which most sites contradict `present`.
    pub fn against(&self, present: &CapSet) -> impl Iterator<Item = (u16, Votes)> {
        self.0.iter().filter_map(|(cap, votes)| {
            let differs = votes.is_present() == Some(!present.contains_number(*cap));
            differs.then_some((*cap, *votes))
        })
    }
}

/// Sites with instructions of an arm that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InPlace {
    /// The condition of the arm, by names.
    pub condition: String,
    /// The number of sites that have its instructions.
    pub sites: usize,
    /// The number of sites with an arm of this condition.
    pub of: usize,
    /// The address of the first one.
    pub first: u64,
}

impl fmt::Display for InPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            condition,
            sites,
            of,
            first,
        } = self;
        write!(
            f,
            "{sites} of {of} sites for {condition} have its instructions already, the first at \
             {first:#x}"
        )
    }
}

/// Searches an image for sites that were patched for another system: they hold the instructions of
/// an arm whose condition does not hold if `present` are the cpucaps. Their defaults are lost.
///
/// # Errors
/// The image cannot be given to the patcher.
pub fn patched_before(
    image: &Image,
    records: &Records,
    names: &CapNames,
    present: &CapSet,
) -> Result<Option<InPlace>, HostError> {
    let host = Host::new(image, records)?;
    let mut conditions = BTreeMap::<Vec<(u16, bool)>, InPlace>::new();
    for site in records.sites() {
        // Otherwise an arm that holds writes the site as a whole.
        if site.winner(present).is_some() {
            continue;
        }
        for arm in site.arms() {
            let Ok(Becomes::Words(after)) = becomes(&host, &arm) else {
                continue;
            };
            // A default that is a NOP is common.
            let code = matches!(arm.record().kind, Kind::Code { .. });
            if code && after.iter().all(|word| *word == NOP) {
                continue;
            }
            let current = site.words().map(|at| image.word(at));
            let same = current.eq(after.iter().map(|word| Some(*word)));
            let terms = arm.records().iter().map(|r| (r.term.cap, r.term.negated));
            let found = conditions
                .entry(terms.collect())
                .or_insert_with(|| InPlace {
                    condition: condition(&arm, names),
                    sites: 0,
                    of: 0,
                    first: site.address(),
                });
            if same && found.sites == 0 {
                found.first = site.address();
            }
            found.of += 1;
            found.sites += usize::from(same);
        }
    }
    let mut patched = conditions.into_values();
    Ok(patched.find(|found| 2 * found.sites > found.of))
}

/// The condition of an arm as text: `LSE & !PAN`.
fn condition(arm: &Arm<'_>, names: &CapNames) -> String {
    let terms = arm.records().iter().map(|record| {
        let name = record.term.label(names);
        match record.term.negated {
            true => format!("!{name}"),
            false => name,
        }
    });
    terms.collect::<Vec<_>>().join(" & ")
}
