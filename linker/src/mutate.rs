//! How much of what can go wrong in an image would be noticed.
//!
//! An image with one thing changed at random, in a record, a site or a replacement, must be
//! reported, or make the same text on every system. What the rules cannot see, since the image
//! is as good as before, the seal must.

use serde::Serialize;

use alt_runtime::cap::{CapSet, CapTable};

use crate::image::{Image, ImageError};
use crate::names::CapNames;
use crate::patching::{Answers, Expectation, HostError};
use crate::records::{Kind, Records, RecordsError};
use crate::seal::Seal;
use crate::verify::config::Config;
use crate::verify::{Subject, verify};

/// What became of the changed images.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Reported by a rule that knows the image alone.
    pub by_rules: usize,
    /// Not reported by such a rule, and different on some system; reported by the seal.
    pub by_seal: usize,
    /// The same text, before and after patching, on every system.
    pub harmless: usize,
    /// Different, and not reported: where in the file.
    pub missed: Vec<usize>,
}

/// Why an image cannot be tried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MutateError {
    /// It cannot be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// Its records cannot be read.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// It cannot be given to the patcher.
    #[error(transparent)]
    Host(#[from] HostError),
    /// It is refused as it is, before any change.
    #[error("the image has findings, or is refused by the patcher, before anything is changed")]
    NotClean,
    /// There is nothing to change.
    #[error("the image has no sites")]
    NoSites,
}

/// What the changed images are compared with.
struct Original {
    names: CapNames,
    table: &'static CapTable,
    config: Config,
    systems: Vec<CapSet>,
    seal: Seal,
    texts: Vec<Vec<u8>>,
    places: Vec<Place>,
}

/// What may change: `size` bytes of the file, 1 of a record or 4 of an instruction.
#[derive(Clone, Copy)]
struct Place {
    offset: usize,
    size: usize,
}

/// Makes `count` images that differ from the one in `data` in one place, always the same for one
/// `seed`, and judges each. The text is compared on `systems`, and with no cpucap and all of
/// them present. `config` is what a rules file demands of the image.
///
/// # Errors
/// The image is not clean as it is.
pub fn mutate(
    data: Vec<u8>,
    names: &CapNames,
    table: &'static CapTable,
    config: &Config,
    systems: &[CapSet],
    (count, seed): (usize, u64),
) -> Result<Figures, MutateError> {
    let image = Image::parse(data)?;
    let original = Original::new(&image, names, table, config, systems)?;
    let mut data = image.into_data();
    let mut random = fastrand::Rng::with_seed(seed);
    let mut figures = Figures::default();
    for _ in 0..count {
        let place = original.places[random.usize(..original.places.len())];
        let range = place.offset..place.offset + place.size;
        let before = data[range.clone()].to_vec();
        change(&mut random, &mut data[range.clone()]);
        data = original.judge(data, place, &mut figures)?;
        data[range].copy_from_slice(&before);
    }
    Ok(figures)
}

impl Original {
    fn new(
        image: &Image,
        names: &CapNames,
        table: &'static CapTable,
        config: &Config,
        systems: &[CapSet],
    ) -> Result<Self, MutateError> {
        let records = Records::find(image, None)?;
        let mut systems = systems.to_vec();
        systems.extend([CapSet::EMPTY, CapSet::ALL]);
        let subject = Subject::new(image, &records, names)?.with_config(config.clone());
        if !verify(&subject).is_empty() {
            return Err(MutateError::NotClean);
        }
        let places = places(image, &records);
        if places.is_empty() {
            return Err(MutateError::NoSites);
        }
        let texts = texts(image, table, &systems).ok_or(MutateError::NotClean)?;
        Ok(Self {
            names: names.clone(),
            table,
            config: config.clone(),
            seal: Seal::of(image, &records),
            places,
            texts,
            systems,
        })
    }

    /// Judges one changed image, and returns its bytes. It does not fail: what changes is in no
    /// header.
    fn judge(
        &self,
        data: Vec<u8>,
        place: Place,
        figures: &mut Figures,
    ) -> Result<Vec<u8>, ImageError> {
        let image = Image::parse(data)?;
        let Ok(records) = Records::find(&image, None) else {
            figures.by_rules += 1;
            return Ok(image.into_data());
        };
        let Ok(subject) = Subject::new(&image, &records, &self.names) else {
            figures.by_rules += 1;
            return Ok(image.into_data());
        };
        let subject = subject
            .with_config(self.config.clone())
            .sealed(Some(&self.seal));
        let findings = verify(&subject);
        let is_of_seal = |rule: &str| rule.starts_with("sealed-");
        if findings.iter().any(|finding| !is_of_seal(finding.rule)) {
            figures.by_rules += 1;
        } else if texts(&image, self.table, &self.systems).as_ref() == Some(&self.texts) {
            figures.harmless += 1;
        } else if !findings.is_empty() {
            figures.by_seal += 1;
        } else {
            figures.missed.push(place.offset);
        }
        Ok(image.into_data())
    }
}

/// The text before patching, and after it on each system.
fn texts(image: &Image, table: &CapTable, systems: &[CapSet]) -> Option<Vec<Vec<u8>>> {
    let records = Records::find(image, None).ok()?;
    let mut plain = Vec::new();
    for section in image.executable() {
        plain.extend_from_slice(image.contents(section));
    }
    let patched = systems.iter().map(|system| {
        let expectation =
            Expectation::new(image, &records, table, system, &Answers::none()).ok()?;
        let mut text = Vec::with_capacity(plain.len());
        for section in image.executable() {
            let from = text.len();
            text.extend_from_slice(image.contents(section));
            let first = expectation
                .changes
                .partition_point(|change| change.address < section.range.start);
            for change in &expectation.changes[first..] {
                let Some(offset) = section.offset_of(change.address) else {
                    break;
                };
                let at = from + offset - section.file.start;
                text.get_mut(at..at + 4)?
                    .copy_from_slice(&change.after.to_le_bytes());
            }
        }
        Some(text)
    });
    let texts: Option<Vec<_>> = patched.collect();
    texts.map(|mut texts| {
        texts.push(plain);
        texts
    })
}

/// Instructions of sites and replacements, and bytes of records.
fn places(image: &Image, records: &Records) -> Vec<Place> {
    let offset = |address| image.offset_of(address);
    let mut places = Vec::new();
    for record in records.list() {
        let mut words = |address: u64, len: u32| {
            let addresses = (0..u64::from(len)).step_by(4).map(|i| address + i);
            places.extend(
                addresses
                    .filter_map(offset)
                    .map(|offset| Place { offset, size: 4 }),
            );
        };
        words(record.site, record.site_len);
        if let Kind::Code { address, len } = record.kind {
            words(address, len);
        }
        let bytes = record.range().filter_map(offset);
        places.extend(bytes.map(|offset| Place { offset, size: 1 }));
    }
    places
}

/// Changes one bit, or all of it; never nothing.
fn change(random: &mut fastrand::Rng, bytes: &mut [u8]) {
    if random.bool() {
        bytes[random.usize(..bytes.len())] ^= 1 << random.u8(..8);
        return;
    }
    let before = bytes.to_vec();
    while bytes == before.as_slice() {
        random.fill(bytes);
    }
}
