//! The expected image after patching.

use std::collections::HashMap;

use alt_runtime::Insn;
use alt_runtime::cap::{CapSet, CapTable};
use alt_runtime::insn::Class;
use alt_runtime::patch::{Decision, Plan, PlanError};

use super::answers::{AnswerError, Answers};
use super::callbacks::with_answers;
use super::error::HostError;
use super::host::Host;
use crate::image::{Image, Relocatable, demangle};
use crate::records::{Arm, Kind, Records, Site};

/// Why the patched image cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpectError {
    /// The image cannot be given to the patcher.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The patcher refuses the table.
    #[error("{place}: {error}")]
    Plan {
        /// The site as symbol and offset.
        place: String,
        /// The reason.
        error: PlanError,
    },
    /// A site is not entirely in an executable section.
    #[error("the site at {0:#x} is not inside one executable section")]
    SiteOutsideText(u64),
    /// A word that changes is not in the file.
    #[error("the word at {0:#x} is not in the file")]
    NotInFile(u64),
    /// A relocatable object whose words depend on where it will be loaded.
    #[error(
        "{place}: the patched words depend on the load address of the object, so the file cannot \
         contain them; `alt dump` shows them, and `alt apply` writes a linked image"
    )]
    Relocated {
        /// The site as symbol and offset.
        place: String,
    },
    /// The answer of a callback does not fit a site.
    #[error(transparent)]
    Answer(#[from] AnswerError),
}

/// One word that patching changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its address.
    pub address: u64,
    /// The word in the file.
    pub before: u32,
    /// The word after patching.
    pub after: u32,
}

/// A site of a callback whose result is unknown on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The address of the site.
    pub site: u64,
    /// The name of the callback, or its address if it has no name.
    pub callback: String,
}

/// The result of patching an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The words that change, by address.
    pub changes: Vec<Change>,
    /// Records with the selected replacements.
    pub applied: usize,
    /// All records.
    pub records: usize,
    /// Sites of callbacks without a known result.
    pub left: Vec<Left>,
    /// Changed sites of a relocatable object whose words depend on its load address.
    pub relocated: Vec<u64>,
}

impl Expectation {
    /// Runs the patcher over an image for a system with the cpucaps `present`, of `table`.
    ///
    /// Callbacks cannot run on the host: their sites get the words from `answers`, or are left
    /// unchanged and counted.
    ///
    /// # Errors
    /// The patcher refuses a record, as it would at boot; or an answer does not fit.
    pub fn new(
        image: &Image,
        records: &Records,
        table: &CapTable,
        present: &CapSet,
        answers: &Answers,
    ) -> Result<Self, ExpectError> {
        let host = Host::new(image, records)?;
        if let Some(error) = host.left_out().first() {
            return Err(error.clone().into());
        }
        let outside = |site: &Site<'_>| !image.is_text_for(site.address(), site.len().into());
        if let Some(site) = records.sites().find(outside) {
            return Err(ExpectError::SiteOutsideText(site.address()));
        }
        let words = callback_words(image, records, present, answers)?;
        let decision = Decision {
            table,
            present,
            decided: &CapSet::ALL,
        };
        let (plan, left) = with_answers(words, || plan(&host, decision));
        let writes = plan.map_err(|error| ExpectError::Plan {
            place: image.label(error.site),
            error,
        })?;
        let changes = writes
            .into_iter()
            .map(|(address, before, after)| Change {
                address,
                // The patcher is not shown breakpoints that Linux's own code has: see `Host`.
                before: image.word(address).unwrap_or(before.0),
                after: after.0,
            })
            .collect();
        let mut expectation = Self {
            changes,
            applied: 0,
            records: records.list().len(),
            left: Vec::new(),
            relocated: Vec::new(),
        };
        for site in records.sites() {
            let Some(arm) = site.winner(present) else {
                continue;
            };
            match arm.record().kind {
                Kind::Callback { address, .. } if left.contains(&site.address()) => {
                    expectation.left.push(Left {
                        site: site.address(),
                        callback: callback_name(image, address),
                    });
                }
                _ => expectation.applied += arm.records().len(),
            }
            if expectation.depends_on_layout(image, &site, &arm) {
                expectation.relocated.push(site.address());
            }
        }
        Ok(expectation)
    }

    /// Whether the new words of a site of a relocatable object depend on its addresses: a loader
    /// relocates the site or the replacement, or a branch leads to another section.
    fn depends_on_layout(&self, image: &Image, site: &Site<'_>, arm: &Arm<'_>) -> bool {
        if image.relocatable().is_none() {
            return false;
        }
        let sites = site.range();
        let from = self.changes.partition_point(|it| it.address < sites.start);
        let to = self.changes.partition_point(|it| it.address < sites.end);
        let changes = self.changes.get(from..to).unwrap_or_default();
        let relocated = |range| !image.relocations_in(range).is_empty();
        let replacement = match arm.record().kind {
            Kind::Code { address, len } => address..address.saturating_add(len.into()),
            _ => 0..0,
        };
        let leaves = |change: &Change| match Insn(change.after).classify() {
            Class::Relative(relative) => {
                let start = |address| image.section_at(address).map(|s| s.range.start);
                start(relative.target(change.address)) != start(change.address)
            }
            _ => false,
        };
        !changes.is_empty()
            && (relocated(sites) || relocated(replacement) || changes.iter().any(leaves))
    }

    /// Applies the changes to a copy of the file.
    ///
    /// # Errors
    /// A word is not in the file, or depends on where a relocatable object is loaded.
    pub fn write(&self, image: &Image) -> Result<Vec<u8>, ExpectError> {
        if let Some(site) = self.relocated.first() {
            return Err(ExpectError::Relocated {
                place: image.label(*site),
            });
        }
        written(image, self.changes.iter().copied()).map_err(ExpectError::NotInFile)
    }
}

/// Returns a copy of the file with these changes, or the address of the first word that is not in
/// the file.
pub(crate) fn written(
    image: &Image,
    changes: impl IntoIterator<Item = Change>,
) -> Result<Vec<u8>, u64> {
    let object = image.relocatable();
    let mut data = object.map_or(image.data(), Relocatable::file).to_vec();
    for Change { address, after, .. } in changes {
        let offset = match object {
            Some(object) => object.offset_in_file(address),
            None => image.offset_of(address),
        };
        let word = offset.and_then(|offset| data.get_mut(offset..offset + 4));
        word.ok_or(address)?.copy_from_slice(&after.to_le_bytes());
    }
    Ok(data)
}

/// The planned writes: address, old and new word.
fn plan(host: &Host, decision: Decision<'_>) -> Result<Vec<(u64, Insn, Insn)>, PlanError> {
    let region = host.region();
    let mut room = vec![std::mem::MaybeUninit::uninit(); host.words_of_sites()];
    let plan = Plan::new(&region, decision, &mut room)?;
    let start = region.text.range().start;
    let writes = plan.writes().iter();
    let mut writes: Vec<_> = writes
        .map(|write| {
            (
                start + u64::from(write.offset),
                write.before(),
                write.after(),
            )
        })
        .collect();
    // A plan of a finished table is by condition.
    writes.sort_by_key(|(address, _, _)| *address);
    Ok(writes)
}

/// The results of the callbacks, by site.
fn callback_words(
    image: &Image,
    records: &Records,
    present: &CapSet,
    answers: &Answers,
) -> Result<HashMap<u64, Vec<Insn>>, AnswerError> {
    let callbacks = records
        .list()
        .iter()
        .filter_map(|record| match record.kind {
            Kind::Callback { address, .. } => Some((record.site, callback_name(image, address))),
            _ => None,
        });
    answers.check(image, callbacks)?;
    let mut words = HashMap::new();
    for site in records.sites() {
        let Some(arm) = site.winner(present) else {
            continue;
        };
        let Kind::Callback { address, .. } = arm.record().kind else {
            continue;
        };
        let callback = callback_name(image, address);
        let original: Vec<_> = site
            .range()
            .step_by(4)
            .map_while(|address| image.word(address))
            .collect();
        if let Some(answer) = answers.for_site(image, &site, &callback, &original)? {
            words.insert(site.address(), answer);
        }
    }
    Ok(words)
}

/// The full name of a callback, or its address if it has no name.
pub fn callback_name(image: &Image, address: u64) -> String {
    match image.symbol_at(address) {
        Some(symbol) if symbol.range.start == address => demangle(&symbol.name),
        _ => format!("{address:#x}"),
    }
}
