//! A running kernel's text against what it must be.

use std::collections::HashMap;

use serde::Serialize;

use crate::image::Image;
use crate::patching::Expectation;
use crate::records::Records;

/// A dump of memory.
#[derive(Clone, Copy, Debug)]
pub struct Memory<'a> {
    /// The address, as linked, of the first byte.
    pub base: u64,
    /// What was there.
    pub bytes: &'a [u8],
}

impl Memory<'_> {
    fn word(&self, address: u64) -> Option<u32> {
        let from = usize::try_from(address.checked_sub(self.base)?).ok()?;
        let bytes = self.bytes.get(from..from.checked_add(4)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }
}

/// One word that is not what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WrongWord {
    /// Its address, as linked.
    pub address: u64,
    /// What it must be.
    pub expected: u32,
    /// What it is.
    pub found: u32,
}

/// Words in a row that are not what they must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The address of the site, or of the first word where it is none.
    pub address: u64,
    /// The place as people name it.
    pub symbol: Option<String>,
    /// It is a site; else text that no record names.
    pub site: bool,
    /// The words.
    pub words: Vec<WrongWord>,
}

/// What a comparison has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Where it differs, by address.
    pub differences: Vec<Difference>,
    /// Words that differ.
    pub words: usize,
    /// Words that were compared.
    pub compared: usize,
    /// Sites that only a callback of the kernel can tell; not judged.
    pub left: usize,
}

impl Comparison {
    /// How many of the differences are sites.
    pub fn sites(&self) -> usize {
        let sites = self.differences.iter().filter(|difference| difference.site);
        sites.count()
    }
}

/// Why there is nothing to compare.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiffError {
    /// The dump is of other memory.
    #[error(
        "the dump ({start:#x} to {end:#x}) holds none of the text, which begins at {text:#x}: \
         is --base right?"
    )]
    Elsewhere {
        /// The first address of the dump.
        start: u64,
        /// The address behind it.
        end: u64,
        /// The first address of the text.
        text: u64,
    },
    /// The dump ends, or begins, inside the text.
    #[error(
        "the dump ({start:#x} to {end:#x}) lacks the site at {site:#x}: it must cover the text"
    )]
    Partial {
        /// The first address of the dump.
        start: u64,
        /// The address behind it.
        end: u64,
        /// The first site that it lacks.
        site: u64,
    },
}

/// Compares the text in a dump with what it must be. All text that the dump holds is compared,
/// sites or not; sections that it lacks entirely, given back after boot for one, are passed over.
///
/// # Errors
/// The dump lacks a site of a section of which it has a part, or all of the text.
pub fn compare(
    image: &Image,
    records: &Records,
    expectation: &Expectation,
    memory: Memory<'_>,
) -> Result<Comparison, DiffError> {
    let start = memory.base;
    let end = start.saturating_add(memory.bytes.len() as u64);
    let touched =
        |section: &&crate::image::Section| section.range.start < end && start < section.range.end;
    let Some(text) = image.executable().next().map(|first| first.range.start) else {
        return Err(DiffError::Elsewhere {
            start,
            end,
            text: 0,
        });
    };
    if !image.executable().any(|section| touched(&section)) {
        return Err(DiffError::Elsewhere { start, end, text });
    }
    let changes: HashMap<u64, u32> = expectation
        .changes
        .iter()
        .map(|change| (change.address, change.after))
        .collect();
    let mut site_of = HashMap::new();
    for site in records.sites() {
        let section = image.section_at(site.address());
        let inside = start <= site.range().start && site.range().end <= end;
        if section.is_some_and(|section| touched(&section)) && !inside {
            return Err(DiffError::Partial {
                start,
                end,
                site: site.address(),
            });
        }
        site_of.extend(site.range().step_by(4).map(|word| (word, site.address())));
    }
    let left: Vec<u64> = expectation.left.iter().map(|left| left.site).collect();
    let mut comparison = Comparison {
        differences: Vec::new(),
        words: 0,
        compared: 0,
        left: left.len(),
    };
    for section in image.executable().filter(touched) {
        let (words, _) = image.contents(section).as_chunks::<4>();
        for (address, word) in (section.range.start..).step_by(4).zip(words) {
            let Some(found) = memory.word(address) else {
                continue;
            };
            let site = site_of.get(&address).copied();
            if site.is_some_and(|site| left.binary_search(&site).is_ok()) {
                continue;
            }
            comparison.compared += 1;
            let expected = changes.get(&address).copied();
            let expected = expected.unwrap_or_else(|| u32::from_le_bytes(*word));
            if found != expected {
                comparison.add(
                    image,
                    site,
                    WrongWord {
                        address,
                        expected,
                        found,
                    },
                );
            }
        }
    }
    Ok(comparison)
}

impl Comparison {
    fn add(&mut self, image: &Image, site: Option<u64>, word: WrongWord) {
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
                    symbol: image.place(address).map(|place| place.to_string()),
                    site: site.is_some(),
                    words: vec![word],
                });
            }
        }
    }
}
