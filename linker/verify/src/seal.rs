//! A seal: digests of an image directly after its link, to detect later changes.
//!
//! Rules detect states that are certainly wrong. They cannot detect a changed cpucap of a record, or an instruction
//! of an arm that was replaced by another valid one: that requires a reference. A [`Seal`] is made from
//! the linked image and kept with it; [`verify`](crate::verify) then reports each site that has
//! changed since.

use std::ops::Range;

use alt_image::image::{Image, Section};
use alt_image::records::{Kind, Records, Site};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// See [`Seal::version`].
const VERSION: u32 = 1;

/// The seal of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// The version of the format; incremented when a field is removed or changes its meaning.
    pub version: u32,
    /// The loaded sections, without the bytes of sites.
    pub sections: Vec<SealedSection>,
    /// The sites: text, records and replacements.
    pub sites: Vec<SealedSite>,
}

/// A section of the sealed image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedSection {
    /// Its name.
    pub name: String,
    /// Its first address.
    #[serde(with = "alt_image::hex::address")]
    pub address: u64,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes, in hex; those of sites count as 0.
    pub sha256: String,
}

/// A site of the sealed image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedSite {
    /// Its address.
    #[serde(with = "alt_image::hex::address")]
    pub address: u64,
    /// SHA-256 of its text, its records and their replacements, in hex.
    pub sha256: String,
}

impl Seal {
    /// Makes the seal of an image.
    pub fn of(image: &Image, records: &Records) -> Self {
        Self {
            version: VERSION,
            sections: Self::sections_of(image, records),
            sites: Self::sites_of(image, records),
        }
    }

    pub(crate) fn sections_of(image: &Image, records: &Records) -> Vec<SealedSection> {
        let covered = merged(records.sites().flat_map(|site| ranges(&site)).collect());
        let sections = image.loaded().map(|section| SealedSection {
            name: section.name.clone(),
            address: section.range.start,
            size: section.range.end - section.range.start,
            sha256: hex(&section_digest(image, section, &covered)),
        });
        sections.collect()
    }

    pub(crate) fn sites_of(image: &Image, records: &Records) -> Vec<SealedSite> {
        let sites = records.sites().map(|site| SealedSite {
            address: site.address(),
            sha256: hex(&site_digest(image, records, &site)),
        });
        sites.collect()
    }

    /// Reads a seal from JSON.
    ///
    /// # Errors
    /// The text is not a seal, or has another version.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let seal: Self =
            serde_json::from_str(text).map_err(|error| format!("not a seal: {error}"))?;
        match seal.version {
            VERSION => Ok(seal),
            other => Err(format!(
                "a seal of version {other}, and this `alt` knows version {VERSION}: take it again"
            )),
        }
    }
}

/// The addresses of a site: its text, its records and their replacements.
fn ranges<'a>(site: &Site<'a>) -> impl Iterator<Item = Range<u64>> + use<'a> {
    let text = site.range();
    let parts = site.records().iter().flat_map(|record| {
        let replacement = match record.kind {
            Kind::Code { address, len } => address..address.saturating_add(len.into()),
            _ => 0..0,
        };
        [record.range(), replacement]
    });
    std::iter::once(text).chain(parts)
}

/// Merges addresses into ranges that do not touch, sorted by address.
fn merged(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_by_key(|range| range.start);
    ranges.dedup_by(|next, last| {
        let touches = next.start <= last.end;
        if touches {
            last.end = last.end.max(next.end);
        }
        touches
    });
    ranges
}

fn site_digest(image: &Image, records: &Records, site: &Site<'_>) -> [u8; 32] {
    let mut digest = Sha256::new();
    for range in ranges(site) {
        let len = usize::try_from(range.end - range.start).unwrap_or_default();
        digest.update(range.start.to_le_bytes());
        // Of a finished image, the records that it had; `finished-table` compares the two.
        digest.update(records.bytes(image, range.start, len).unwrap_or_default());
    }
    digest.finalize().into()
}

fn section_digest(image: &Image, section: &Section, covered: &[Range<u64>]) -> [u8; 32] {
    let mut bytes = image.contents(section).to_vec();
    let end = section.range.end;
    let from = covered.partition_point(|range| range.end <= section.range.start);
    let here = covered.iter().skip(from);
    for range in here.take_while(|range| range.start < end) {
        for address in range.start.max(section.range.start)..range.end.min(end) {
            let index = usize::try_from(address - section.range.start).ok();
            if let Some(byte) = index.and_then(|index| bytes.get_mut(index)) {
                *byte = 0;
            }
        }
    }
    Sha256::digest(&bytes).into()
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
