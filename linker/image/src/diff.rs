//! Comparison of the text of a running kernel with the expected text.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde::Serialize;

use crate::image::{self, Image};
use crate::patching::Expectation;
use crate::records::Records;

/// A dump of memory.
#[derive(Clone, Copy, Debug)]
pub struct Memory<'a> {
    /// The link address of the first byte.
    pub base: u64,
    /// The bytes.
    pub bytes: &'a [u8],
}

impl Memory<'_> {
    fn end(&self) -> u64 {
        self.base.saturating_add(self.bytes.len() as u64)
    }

    /// The word at an address.
    pub fn word(&self, address: u64) -> Option<u32> {
        let from = usize::try_from(address.checked_sub(self.base)?).ok()?;
        let bytes = self.bytes.get(from..from.checked_add(4)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }
}

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
    /// The number of its words.
    pub words: usize,
    /// The number of compared words. The others are not in the dump, or in sites of callbacks with
    /// unknown results.
    pub compared: usize,
    /// The number of words that differ.
    pub differ: usize,
}

impl Section {
    /// Whether so many words differ that the memory must hold something else.
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
    /// Compare sites only, for a kernel that modifies its text by other means too.
    pub sites: bool,
}

/// Why the comparison is impossible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiffError {
    /// The dump is of other memory.
    #[error(
        "the dump ({dump}) holds none of the text ({text}): is --base the address as linked, \
         which is a virtual one in most kernels?"
    )]
    Elsewhere {
        /// The addresses of the dump.
        dump: String,
        /// The addresses of the text.
        text: String,
    },
    /// The dump ends, or begins, inside the text.
    #[error(
        "the dump ({dump}) lacks the site at {site:#x} ({place}), but has other text of {section}: \
         give the rest by one more --dump and --base, or leave the section out by --skip {section}"
    )]
    Partial {
        /// The addresses of the dump.
        dump: String,
        /// The first site that it lacks.
        site: u64,
        /// The site as symbol and offset.
        place: String,
        /// The section.
        section: String,
    },
    /// The section to exclude does not exist.
    #[error("there is no executable section {name} to skip; there are {}", .there.join(", "))]
    UnknownSection {
        /// The name that was given.
        name: String,
        /// The existing names.
        there: Vec<String>,
    },
}

/// See [`Comparison::version`].
const VERSION: u32 = 1;

/// Compares the text in a dump of one or more pieces with the expected text. All text in the dump is
/// compared, not only sites. Sections that the dump lacks entirely, such as those freed after boot,
/// are skipped. `selection` excludes more.
///
/// # Errors
/// The dump has a part of a section without all of its sites, or no text at all; or a section to
/// exclude does not exist.
pub fn compare(
    image: &Image,
    records: &Records,
    expectation: &Expectation,
    dump: &[Memory<'_>],
    selection: &Selection,
) -> Result<Comparison, DiffError> {
    let held = held(image, dump, &selection.skip)?;
    let site_of = sites(image, records, dump, &held)?;
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
    };
    for section in image.executable() {
        let words: Vec<_> = image.words(section).collect();
        let mut counts = Section {
            name: section.name.clone(),
            skipped: selection.skip.contains(&section.name),
            words: words.len(),
            compared: 0,
            differ: 0,
        };
        if counts.skipped {
            comparison.sections.push(counts);
            continue;
        }
        for (address, word) in words {
            let site = site_of.get(&address).copied();
            if site.map_or(selection.sites, |site| left.contains(&site)) {
                continue;
            }
            let expected = changes.get(&address).copied().unwrap_or(word);
            // If pieces overlap, each is compared.
            let found = dump.iter().filter_map(|piece| piece.word(address));
            let Some(found) = found.reduce(|a, b| if a == expected { b } else { a }) else {
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
                let at = site.unwrap_or(address);
                comparison.add(site, word, || {
                    image.place(at).map(|place| place.to_string())
                });
            }
        }
        comparison.compared += counts.compared;
        comparison.sections.push(counts);
    }
    Ok(comparison)
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
            dump: ranges(dump.iter().map(|piece| piece.base..piece.end())),
            text: ranges(others.iter().map(|section| section.range.clone())),
        }),
    }
}

/// Maps each word of a site to the site. The dump must have all sites of the sections that it has a
/// part of.
fn sites(
    image: &Image,
    records: &Records,
    dump: &[Memory<'_>],
    held: &[&image::Section],
) -> Result<HashMap<u64, u64>, DiffError> {
    let mut site_of = HashMap::new();
    for site in records.sites() {
        let mut words = site.range().step_by(4);
        if let Some(section) = image.section_at(site.address())
            && held.iter().any(|held| held.range == section.range)
            && !words.all(|word| dump.iter().any(|piece| piece.word(word).is_some()))
        {
            return Err(DiffError::Partial {
                dump: ranges(dump.iter().map(|piece| piece.base..piece.end())),
                site: site.address(),
                place: image.label(site.address()),
                section: section.name.clone(),
            });
        }
        site_of.extend(site.range().step_by(4).map(|word| (word, site.address())));
    }
    Ok(site_of)
}

fn ranges(ranges: impl Iterator<Item = Range<u64>>) -> String {
    let texts = ranges.map(|range| format!("{:#x} to {:#x}", range.start, range.end));
    texts.collect::<Vec<_>>().join(", ")
}

impl Comparison {
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
