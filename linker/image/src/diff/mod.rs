//! Comparison of the text of a running kernel with the expected text.

mod error;
mod given_back;
mod sites;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use serde::Serialize;

pub use crate::memory::Memory;
pub use error::DiffError;

use crate::image::{self, Image};
use crate::patching::Expectation;
use crate::records::Records;
use crate::rewritten::{Accounted, Means, Rewritten};

/// One word that differs from the expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WrongWord {
    /// Its link address.
    #[serde(with = "crate::hex::address")]
    pub address: u64,
    /// The expected word.
    #[serde(with = "crate::hex::word")]
    pub expected: u32,
    /// The word in memory.
    #[serde(with = "crate::hex::word")]
    pub found: u32,
}

/// Consecutive words that differ from the expected ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The address of the site, or of the first word outside of sites.
    #[serde(with = "crate::hex::address")]
    pub address: u64,
    /// The function, or the nearest symbol, and the offset: `memcpy+0x10`.
    pub place: Option<String>,
    /// Whether it is a site.
    pub site: bool,
    /// The words.
    pub words: Vec<WrongWord>,
}

/// The coverage of a section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Whether it was excluded.
    pub skipped: bool,
    /// Whether its memory has been given back, so that other words are there: the init region, and
    /// Linux's header. It was not compared.
    pub given_back: bool,
    /// The number of its words.
    pub words: usize,
    /// The number of compared words. The others are not in the dump, or in sites of callbacks with
    /// unknown results.
    pub compared: usize,
    /// The number of words that differ.
    pub differ: usize,
}

impl Section {
    /// Whether the number of differing words shows that the memory has other contents.
    pub fn seems_other(&self) -> bool {
        self.differ > self.compared / 2
    }
}

/// The result of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The version of the format; incremented when a field is removed or changes its meaning.
    pub version: u32,
    /// The differences, by address.
    pub differences: Vec<Difference>,
    /// The executable sections, by address.
    pub sections: Vec<Section>,
    /// Words that differ.
    pub words: usize,
    /// Words that were compared.
    pub compared: usize,
    /// Sites of callbacks with unknown results, which are not compared.
    pub left: usize,
    /// Words that the kernel writes by other means than alternatives, by these means.
    pub accounted: Vec<Accounted>,
}

impl Comparison {
    /// The number of differences in sites.
    pub fn sites(&self) -> usize {
        let sites = self.differences.iter().filter(|difference| difference.site);
        sites.count()
    }
}

/// The part of the text that is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The names of excluded sections.
    pub skip: Vec<String>,
    /// Compare only sites, replacements in the text, and the words beside sites of callbacks.
    pub sites: bool,
}

/// Fewer wrong words than these are listed, even if all are wrong.
const FEW: usize = 64;

/// See [`Comparison::version`].
const VERSION: u32 = 1;

/// Compares the text in a dump of one or more pieces with the expected text. All text in the dump is
/// compared, not only sites; a place of `rewritten` may hold each of its legal words. Sections that
/// the dump lacks entirely are skipped, and those that the kernel has freed after boot.
/// `selection` excludes more.
///
/// # Errors
/// The dump has a part of a section without all of its sites, no text at all, or other text; or a
/// section to exclude does not exist.
pub fn compare(
    image: &Image,
    records: &Records,
    expectation: &Expectation,
    rewritten: &Rewritten,
    dump: &[Memory<'_>],
    selection: &Selection,
) -> Result<Comparison, DiffError> {
    let held = held(image, dump, &selection.skip)?;
    let site_of = sites::by_word(image, records, dump, &held)?;
    let beside = match selection.sites {
        true => sites::beside(image, records),
        false => HashSet::new(),
    };
    let changes = expectation.changes.iter();
    let changes: HashMap<u64, u32> = changes.map(|c| (c.address, c.after)).collect();
    let left: HashSet<u64> = expectation.left.iter().map(|left| left.site).collect();
    let mut comparison = Comparison {
        version: VERSION,
        differences: Vec::new(),
        sections: Vec::new(),
        words: 0,
        compared: 0,
        left: left.len(),
        accounted: Vec::new(),
    };
    let mut accounted = BTreeMap::new();
    for section in image.executable() {
        let mut part = Part {
            counts: Section {
                name: section.name.clone(),
                skipped: selection.skip.contains(&section.name),
                given_back: false,
                words: image.words(section).count(),
                compared: 0,
                differ: 0,
            },
            wrong: Vec::new(),
            accounted: Vec::new(),
        };
        for (address, word) in image.words(section) {
            if part.counts.skipped {
                break;
            }
            let site = site_of.get(&address).copied();
            let is_chosen = !selection.sites || beside.contains(&address);
            if site.map_or(!is_chosen, |site| left.contains(&site)) {
                continue;
            }
            let mut expected = changes.get(&address).copied().unwrap_or(word);
            if site.is_none() {
                expected = rewritten.only(address).unwrap_or(expected);
            }
            // If pieces overlap, each is compared.
            let found = dump.iter().filter_map(|piece| piece.word(address));
            let Some(found) = found.reduce(|a, b| if a == expected { b } else { a }) else {
                continue;
            };
            part.counts.compared += 1;
            let legal = site
                .is_none()
                .then(|| rewritten.judge(image, address, found));
            let is_right = match legal.flatten() {
                Some((means, is_legal)) => {
                    part.accounted.push((means, is_legal && found != word));
                    is_legal
                }
                None => found == expected,
            };
            if !is_right {
                part.wrong.push((
                    site,
                    WrongWord {
                        address,
                        expected,
                        found,
                    },
                ));
            }
        }
        part.counts.differ = part.wrong.len();
        part.counts.given_back = given_back::is_given_back(image, section, &part.counts);
        comparison.take(image, part, &mut accounted);
    }
    comparison.accounted = accounted.into_values().collect();
    if !selection.sites {
        comparison.check(&site_of)?;
    }
    Ok(comparison)
}

/// The comparison of one section.
struct Part {
    counts: Section,
    /// With the address of the site, if it is in one.
    wrong: Vec<(Option<u64>, WrongWord)>,
    /// Words of [`Rewritten`], and whether each is not the linker's.
    accounted: Vec<(Means, bool)>,
}

/// The selected sections that the dump has a part of.
fn held<'a>(
    image: &'a Image,
    dump: &[Memory<'_>],
    skip: &[String],
) -> Result<Vec<&'a image::Section>, DiffError> {
    let names = || image.executable().map(|section| &section.name);
    if let Some(name) = skip
        .iter()
        .find(|name| !names().any(|there| there == *name))
    {
        return Err(DiffError::UnknownSection {
            name: name.clone(),
            there: names().cloned().collect(),
        });
    }
    let wanted = image.executable().filter(|s| !skip.contains(&s.name));
    let (held, others): (Vec<_>, Vec<_>) = wanted.partition(|section| {
        let Range { start, end } = section.range;
        dump.iter()
            .any(|piece| piece.base < end && start < piece.end())
    });
    match held.is_empty() {
        false => Ok(held),
        true => Err(DiffError::Elsewhere {
            dump: error::ranges(dump.iter().map(|piece| piece.base..piece.end())),
            text: error::ranges(others.iter().map(|section| section.range.clone())),
        }),
    }
}

impl Comparison {
    fn take(&mut self, image: &Image, part: Part, accounted: &mut BTreeMap<Means, Accounted>) {
        let mut counts = part.counts;
        if counts.given_back {
            (counts.compared, counts.differ) = (0, 0);
            self.sections.push(counts);
            return;
        }
        for (site, word) in part.wrong {
            let at = site.unwrap_or(word.address);
            self.add(site, word, || {
                image.place(at).map(|place| place.to_string())
            });
        }
        for (means, is_changed) in part.accounted {
            let of = accounted.entry(means).or_insert(Accounted {
                means,
                words: 0,
                changed: 0,
            });
            of.words += 1;
            of.changed += usize::from(is_changed);
        }
        self.compared += counts.compared;
        self.sections.push(counts);
    }

    /// Refuses memory that is mostly different outside of sites: it is other memory.
    fn check(&self, site_of: &HashMap<u64, u64>) -> Result<(), DiffError> {
        let others = self.differences.iter().filter(|it| !it.site);
        let differ: usize = others.map(|difference| difference.words.len()).sum();
        let compared = self.compared.saturating_sub(site_of.len());
        match differ >= FEW && 2 * differ > compared {
            true => Err(DiffError::OtherText { differ, compared }),
            false => Ok(()),
        }
    }

    /// Adds text that is not in the image, such as that of a payload: the expected words by address,
    /// `None` for words that are not known. `label` names a place. Words that the dump does not have
    /// are not compared.
    pub fn add_text(
        &mut self,
        name: String,
        expected: impl IntoIterator<Item = (u64, Option<u32>)>,
        dump: &[Memory<'_>],
        label: impl Fn(u64) -> String,
    ) {
        let mut counts = Section {
            name,
            skipped: false,
            given_back: false,
            words: 0,
            compared: 0,
            differ: 0,
        };
        for (address, expected) in expected {
            counts.words += 1;
            let found = dump.iter().find_map(|piece| piece.word(address));
            let (Some(expected), Some(found)) = (expected, found) else {
                continue;
            };
            counts.compared += 1;
            if found != expected {
                counts.differ += 1;
                let word = WrongWord {
                    address,
                    expected,
                    found,
                };
                self.add(None, word, || Some(label(address)));
            }
        }
        self.compared += counts.compared;
        self.sections.push(counts);
    }

    fn add(&mut self, site: Option<u64>, word: WrongWord, place: impl FnOnce() -> Option<String>) {
        self.words += 1;
        let same = self.differences.last_mut().filter(|last| match site {
            Some(site) => last.site && last.address == site,
            None => {
                !last.site
                    && last
                        .words
                        .last()
                        .is_some_and(|w| w.address + 4 == word.address)
            }
        });
        match same {
            Some(last) => last.words.push(word),
            None => {
                let address = site.unwrap_or(word.address);
                self.differences.push(Difference {
                    address,
                    place: place(),
                    site: site.is_some(),
                    words: vec![word],
                });
            }
        }
    }
}
