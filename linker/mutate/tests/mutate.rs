//! Changes of small images, and images that cannot be changed.

use std::collections::BTreeSet;

use alt_image::names::CapNames;
use alt_image::patching::HostError;
use alt_mutate::{Figures, MutateError, mutate};
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
