//! A seal: what an image was when it was linked, to know it again.
//!
//! Rules see what cannot be right. They cannot see that a record asks for another cpucap than
//! the source did, or that an instruction of an arm was changed into another good one: for that
//! there must be something to compare with. A [`Seal`] is taken of the image that the linker
//! made and kept beside it; [`verify`](crate::verify) then names each site that has changed since.

use std::ops::Range;

use alt_image::image::{Image, Section};
use alt_image::records::{Kind, Records, Site};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// See [`Seal::version`].
const VERSION: u32 = 1;

/// What an image was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// Version of the form of this document: counts up when a field changes its meaning or goes.
    pub version: u32,
    /// Everything that is loaded, without what belongs to a site.
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
    /// Takes the seal of an image.
    pub fn of(image: &Image, records: &Records) -> Self {
        let covered = merged(records.sites().flat_map(|site| ranges(&site)).collect());
        Self {
            version: VERSION,
            sections: image
                .loaded()
                .map(|section| SealedSection {
                    name: section.name.clone(),
                    address: section.range.start,
                    size: section.range.end - section.range.start,
                    sha256: hex(&section_digest(image, section, &covered)),
                })
                .collect(),
            sites: records
                .sites()
                .map(|site| SealedSite {
                    address: site.address(),
                    sha256: hex(&site_digest(image, &site)),
                })
                .collect(),
        }
    }

    /// Reads a seal from JSON.
    ///
    /// # Errors
    /// The parser's words on what is none, or that it is of another version.
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

/// Where all that belongs to a site is: its text, its records and their replacements.
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

/// The same addresses in ranges that do not touch, by address.
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

fn site_digest(image: &Image, site: &Site<'_>) -> [u8; 32] {
    let mut digest = Sha256::new();
    for range in ranges(site) {
        let len = usize::try_from(range.end - range.start).unwrap_or_default();
        digest.update(range.start.to_le_bytes());
        digest.update(image.bytes(range.start, len).unwrap_or_default());
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
