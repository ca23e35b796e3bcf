//! Changes of small images, and images that cannot be changed.

use std::collections::BTreeSet;
use std::sync::Mutex;

use alt_image::image::Image;
use alt_image::names::CapNames;
use alt_image::patching::HostError;
use alt_image::records::Records;
use alt_mutate::{Figures, MutateError, Progress, mutate};
use alt_verify::config::Config;
use test_support::TinyElf;

const GOOD: &[u8] = include_bytes!("../../fuzz/corpus/mutate/good");

const NOP: u32 = 0xd503_201f;
const RET: u32 = 0xd65f_03c0;

fn run(data: &[u8], count: usize, seed: u64) -> Result<Figures, MutateError> {
    let names = CapNames::default();
    let table = names.table();
    mutate(
        data.to_vec(),
        &names,
        table,
        &Config::default(),
        (count, seed),
        &|_| (),
    )
}

#[test]
fn each_change_is_reported_or_harmless() {
    let figures = run(GOOD, 200, 1).unwrap();
    assert!(figures.missed.is_empty(), "{figures:?}");
    assert_eq!(figures.by_rules + figures.by_seal + figures.harmless, 200);
    assert!(figures.by_rules > 0 && figures.by_seal > 0, "{figures:?}");
}

#[test]
fn seed_decides_the_changes() {
    let figures = |seed| {
        let Figures {
            by_rules,
            by_seal,
            harmless,
            missed,
        } = run(GOOD, 100, seed).unwrap();
        (by_rules, by_seal, harmless, missed)
    };
    assert_eq!(figures(1), figures(1));
    let several: BTreeSet<_> = (1..6).map(figures).collect();
    assert!(several.len() > 1, "{several:?}");
}

/// The estimate comes first, then each change.
#[test]
fn progress_is_told() {
    let told = Mutex::new(Vec::new());
    let names = CapNames::default();
    let tell = |progress| told.lock().unwrap().push(progress);
    let (table, config) = (names.table(), Config::default());
    mutate(GOOD.to_vec(), &names, table, &config, (20, 1), &tell).unwrap();
    let told = told.into_inner().unwrap();
    assert!(matches!(told[0], Progress::Estimate(_)), "{told:?}");
    let judged = told[1..].iter().map(|progress| match progress {
        Progress::Judged(count) => *count,
        Progress::Estimate(_) => panic!("{told:?}"),
    });
    assert_eq!(judged.collect::<BTreeSet<_>>(), (1..=20).collect());
}

/// An image that is changed in place is the one that is read from the changed file.
#[test]
fn changes_in_place_are_changes_of_the_file() {
    let image = Image::parse(GOOD.to_vec()).unwrap();
    let records = Records::find(&image, None).unwrap();
    for record in records.list() {
        for address in record.range().chain([record.site]) {
            let offset = image.offset_of(address).unwrap();
            let byte = [!image.data()[offset]];
            let mut changed = image.clone();
            changed.overwrite(offset, &byte);
            let again = Image::parse(changed.data().to_vec()).unwrap();
            let read = |image: &Image| {
                let symbols: Vec<_> = image.symbols().iter().collect();
                let (relocations, pointers) = (image.relocations(), image.pointers());
                let sections = (image.sections(), image.segments());
                format!("{symbols:?} {relocations:?} {pointers:?} {sections:?}")
            };
            assert_eq!(read(&changed), read(&again));
        }
    }
}

/// An image with the symbol that marks tables of records, and without tables.
fn without_sites() -> Vec<u8> {
    let mut image = TinyElf::new(&[NOP, RET]).bytes();
    let entry = b"_ZN4tiny5entry17h0123456789abcdefE";
    let at = image.windows(entry.len()).position(|part| part == entry);
    let marker = b"__alt_layout_version\0";
    let at = at.unwrap();
    image[at..at + marker.len()].copy_from_slice(marker);
    image
}

/// A good image in which no section is executable.
fn without_text() -> Vec<u8> {
    const EXECUTABLE: u8 = 4;
    let mut image = GOOD.to_vec();
    // e_shoff and e_shnum; sh_flags of each section header (ELF-64 Object File Format).
    let start = u64::from_le_bytes(image[0x28..0x30].try_into().unwrap());
    let count = u16::from_le_bytes(image[0x3c..0x3e].try_into().unwrap());
    for header in (0..count).map(|index| start as usize + 64 * usize::from(index)) {
        image[header + 8] &= !EXECUTABLE;
    }
    image
}

#[test]
fn images_that_cannot_be_changed() {
    assert!(matches!(run(b"text", 1, 1), Err(MutateError::Image(_))));
    let plain = TinyElf::new(&[NOP, RET]);
    let error = run(&plain.bytes(), 1, 1).unwrap_err();
    assert!(matches!(error, MutateError::Records(_)), "{error}");
    let error = run(&without_sites(), 1, 1).unwrap_err();
    assert_eq!(error, MutateError::NoSites);
    let with_findings = include_bytes!("../../fuzz/corpus/image/site-into-data");
    let error = run(with_findings, 1, 1).unwrap_err();
    assert_eq!(error, MutateError::NotClean);
    let error = run(&without_text(), 1, 1).unwrap_err();
    assert_eq!(error, MutateError::Host(HostError::NoText));
}
