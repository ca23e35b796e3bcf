//! Changes an image at random and judges each change.
//!
//! An image with one random change in a record, a site or a replacement must be reported by a rule,
//! or have the same text on every system. A change that leaves a valid image is not visible to the
//! rules; the seal must report it.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use alt_diagnostic::{Diagnostic, Severity};
use alt_image::image::Image;
use alt_image::names::CapNames;
use alt_image::patching::{Answers, Expectation};
use alt_image::records::{Kind, Record, Records};
use alt_runtime::cap::{CapSet, CapTable};
use alt_verify::config::Config;
use alt_verify::seal::Seal;
use alt_verify::{Context, by_rules, rules, verify};

use crate::figures::{Figures, MutateError};

/// The unchanged image, with which the changed ones are compared.
struct Original {
    image: Image,
    records: Records,
    names: CapNames,
    table: &'static CapTable,
    config: Config,
    seal: Seal,
    /// The warnings of the unchanged image.
    known: Vec<Diagnostic>,
    places: Vec<Place>,
    /// The time of all rules and the patcher on the unchanged image.
    time: Duration,
}

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub enum Progress {
    /// Before the first change: a run takes at most about this long.
    Estimate(Duration),
    /// The number of changes that have been judged.
    Judged(usize),
}

/// A place that may change: `size` bytes of the file, 1 of a record or 4 of an instruction.
#[derive(Clone, Copy)]
struct Place {
    address: u64,
    offset: usize,
    size: usize,
}

impl Place {
    /// The bytes in the file.
    fn range(self) -> Range<usize> {
        self.offset..self.offset + self.size
    }
}

/// Makes `count` images that each differ from the one in `data` in one place, and judges each. The
/// same `seed` makes the same changes. `config` is the rules file of the image. `tell` is called before
/// the first change, and after each.
///
/// # Errors
/// The image cannot be read, has no sites, or has findings that are errors before any change.
pub fn mutate(
    data: Vec<u8>,
    names: &CapNames,
    table: &'static CapTable,
    config: &Config,
    (count, seed): (usize, u64),
    tell: &(dyn Fn(Progress) + Sync),
) -> Result<Figures, MutateError> {
    let original = Original::new(Image::parse(data)?, names, table, config)?;
    let mut random = fastrand::Rng::with_seed(seed);
    let places = &original.places;
    let changes: Vec<_> = (0..count)
        .map(|_| {
            let place = places[random.usize(..places.len())];
            let before = &original.image.data()[place.range()];
            (place, change(&mut random, before))
        })
        .collect();
    let threads = thread::available_parallelism().map_or(1, Into::into);
    let rounds = u32::try_from(count.div_ceil(threads)).unwrap_or(u32::MAX);
    tell(Progress::Estimate(original.time.saturating_mul(rounds)));
    let judged = AtomicUsize::new(0);
    let tell = || tell(Progress::Judged(judged.fetch_add(1, Ordering::Relaxed) + 1));
    let shares = changes.chunks(changes.len().div_ceil(threads).max(1));
    thread::scope(|scope| {
        let shares: Vec<_> = shares
            .map(|share| scope.spawn(|| original.judge_all(share, &tell)))
            .collect();
        let mut figures = Figures::default();
        for share in shares {
            figures += share.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
        Ok(figures)
    })
}

impl Original {
    fn new(
        image: Image,
        names: &CapNames,
        table: &'static CapTable,
        config: &Config,
    ) -> Result<Self, MutateError> {
        let records = Records::find(&image, None)?;
        let places = places(&image, &records);
        if places.is_empty() {
            return Err(MutateError::NoSites);
        }
        let start = Instant::now();
        let context = Context::new(&image, &records, names)?.with_config(config.clone());
        let known = verify(&context);
        if known.iter().any(|known| known.severity == Severity::Error) {
            return Err(MutateError::NotClean);
        }
        patched(&image, &records, table, &CapSet::ALL).ok_or(MutateError::NotClean)?;
        let time = start.elapsed();
        Ok(Self {
            names: names.clone(),
            table,
            config: config.clone(),
            seal: Seal::of(&image, &records),
            known,
            places,
            records,
            image,
            time,
        })
    }

    /// Judges a list of changes, one after the other, in one copy of the image: a change is in no
    /// header, symbol or relocation, so the values read from these remain valid.
    fn judge_all(&self, changes: &[(Place, Vec<u8>)], tell: &(dyn Fn() + Sync)) -> Figures {
        let mut image = self.image.clone();
        let mut figures = Figures::default();
        for (place, bytes) in changes {
            image.overwrite(place.offset, bytes);
            self.judge(&image, *place, &mut figures);
            image.overwrite(place.offset, &self.image.data()[place.range()]);
            tell();
        }
        figures
    }

    /// Judges a changed image. The first new finding decides, and the seal is asked last, because it
    /// reads the whole image.
    fn judge(&self, image: &Image, place: Place, figures: &mut Figures) {
        let Ok(records) = Records::find(image, None) else {
            figures.by_rules += 1;
            return;
        };
        let Ok(context) = Context::new(image, &records, &self.names) else {
            figures.by_rules += 1;
            return;
        };
        let context = context
            .with_config(self.config.clone())
            .sealed(Some(&self.seal));
        let (of_seal, others): (Vec<_>, Vec<_>) =
            rules().partition(|rule| rule.id.starts_with("sealed-"));
        let finds = |rule| {
            let findings = by_rules(&context, [rule]);
            findings.iter().any(|finding| !self.known.contains(finding))
        };
        if others.into_iter().any(finds) {
            figures.by_rules += 1;
        } else if self.is_same(image, &records, place) {
            figures.harmless += 1;
        } else if of_seal.into_iter().any(finds) {
            figures.by_seal += 1;
        } else {
            figures.missed.push(place.offset);
        }
    }

    /// Whether a changed image has the same text, before patching and after it, on every system: for
    /// every combination of the cpucaps in the records of the changed sites. All other sites have
    /// their old records and words.
    fn is_same(&self, image: &Image, records: &Records, place: Place) -> bool {
        let caps = self.concerned(records, place);
        if caps.len() > MAX_CAPS || image.is_text(place.address) {
            return false;
        }
        (0..1u32 << caps.len()).all(|combination| {
            let chosen = (0..)
                .zip(&caps)
                .filter(|(bit, _)| combination >> bit & 1 != 0);
            let infos = chosen.filter_map(|(_, cap)| self.table.get(*cap));
            let present: CapSet = infos.map(|info| info.cap).collect();
            let before = patched(&self.image, &self.records, self.table, &present);
            before.is_some() && patched(image, records, self.table, &present) == before
        })
    }

    /// The cpucaps, before and after the change, of the sites with a changed record or with a word at
    /// the place.
    fn concerned(&self, records: &Records, place: Place) -> BTreeSet<u16> {
        let (old, new) = (self.records.list(), records.list());
        let has_place = |record: &&Record| {
            let arm = match record.kind {
                Kind::Code { address, len } => address..address.saturating_add(len.into()),
                _ => 0..0,
            };
            let site = record.site..record.site.saturating_add(record.site_len.into());
            site.contains(&place.address) || arm.contains(&place.address)
        };
        let known: HashSet<_> = old.iter().collect();
        let now: HashSet<_> = new.iter().collect();
        let changed = known.symmetric_difference(&now).copied();
        let touched = old.iter().chain(new).filter(has_place);
        let sites: HashSet<u64> = changed.chain(touched).map(|record| record.site).collect();
        let of_sites = old
            .iter()
            .chain(new)
            .filter(|record| sites.contains(&record.site));
        of_sites.map(|record| record.term.cap).collect()
    }
}

/// The largest number of cpucaps whose combinations are all tried.
const MAX_CAPS: usize = 10;

/// The words of the text that patching changes; `None` if the patcher refuses.
fn patched(
    image: &Image,
    records: &Records,
    table: &CapTable,
    present: &CapSet,
) -> Option<Vec<(u64, u32)>> {
    let expectation = Expectation::new(image, records, table, present, &Answers::none()).ok()?;
    let changes = expectation.changes.iter();
    let changes = changes.filter(|change| change.before != change.after);
    Some(
        changes
            .map(|change| (change.address, change.after))
            .collect(),
    )
}

/// Instructions of sites and replacements, and bytes of records.
fn places(image: &Image, records: &Records) -> Vec<Place> {
    let place = |size| {
        move |address| {
            let offset = image.offset_of(address)?;
            Some(Place {
                address,
                offset,
                size,
            })
        }
    };
    let mut places = Vec::new();
    for record in records.list() {
        let mut words = |address: u64, len: u32| {
            let addresses = (address..address.saturating_add(len.into())).step_by(4);
            places.extend(addresses.filter_map(place(4)));
        };
        words(record.site, record.site_len);
        if let Kind::Code { address, len } = record.kind {
            words(address, len);
        }
        places.extend(record.range().filter_map(place(1)));
    }
    places
}

/// The bytes with one bit changed, or all of them. At least one bit changes.
fn change(random: &mut fastrand::Rng, before: &[u8]) -> Vec<u8> {
    let mut bytes = before.to_vec();
    if random.bool() {
        bytes[random.usize(..before.len())] ^= 1 << random.u8(..8);
        return bytes;
    }
    while bytes == before {
        random.fill(&mut bytes);
    }
    bytes
}
