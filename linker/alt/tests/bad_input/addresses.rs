//! Addresses at either end of what 64 bits hold, and ranges of nearly all of them.

use alt_image::dump::{Dump, Filter};
use alt_image::image::Image;
use alt_image::names::CapNames;
use alt_image::records::Records;
use alt_image::stats::Stats;
use alt_verify::config::Config;
use alt_verify::{Context, verify};

use crate::elf::{self, ALLOC, EXEC, Elf, Section, TEXT};

/// Looks at an image in every way; the rules that it breaks.
fn broken(elf: &Elf, rules: &str) -> Vec<&'static str> {
    let image = Image::parse(elf.bytes()).unwrap();
    let records = Records::find(&image, None).unwrap();
    let names = CapNames::default();
    Dump::new(&image, &records, &names, &Filter::default()).unwrap();
    Stats::new(&image, &records, &names);
    let config = Config::from_toml("rules", rules, &image).unwrap();
    let context = Context::new(&image, &records, &names).unwrap();
    let findings = verify(&context.with_config(config));
    let mut broken: Vec<_> = findings.iter().map(|finding| finding.rule).collect();
    broken.dedup();
    broken
}

/// What a field at `at` says of an address.
fn offset(to: u64, at: u64) -> [u8; 4] {
    (to.wrapping_sub(at) as u32).to_le_bytes()
}

#[test]
fn sites_at_the_last_address() {
    for (len, rule) in [(2, "misaligned-site"), (0, "misaligned-site")] {
        let mut elf = elf::image();
        let table = &mut elf.section("alt_records").bytes;
        table[..4].copy_from_slice(&offset(u64::MAX, TEXT + 0x1010));
        table[10] = len;
        let broken = broken(&elf, "");
        assert!(broken.contains(&rule), "{broken:?}");
    }
}

/// Linux's records say where a replacement is even where it has no instructions.
#[test]
fn replacement_at_the_last_address() {
    let table = TEXT + 0x1000;
    let mut record = [offset(TEXT, table), offset(u64::MAX, table + 4)].concat();
    record.extend([5, 0, 4, 0]);
    let elf = Elf::new(vec![
        Section::new(".text", ALLOC | EXEC, TEXT, vec![0; 8]),
        Section::new(".altinstructions", ALLOC, table, record),
    ]);
    let broken = broken(&elf, "");
    assert!(broken.contains(&"lengths-differ"), "{broken:?}");
}

/// Only what is text of it is looked at.
#[test]
fn code_of_nearly_all_addresses() {
    let started = std::time::Instant::now();
    let mut elf = elf::image();
    elf.symbol("__alt_patcher_start", 0, 1, 0, 0);
    elf.symbol("__alt_patcher_end", 0, 1, u64::MAX, 0);
    let region = "[[region]]\nname = \"all\"\nstart = \"__alt_patcher_start\"\n\
                  end = \"__alt_patcher_end\"\nforbid-instructions = [\"nop\"]\n";
    let broken = broken(&elf, region);
    assert!(broken.contains(&"patcher-site"), "{broken:?}");
    assert!(broken.contains(&"region-instruction"), "{broken:?}");
    assert!(started.elapsed().as_secs() < 20);
}

#[test]
fn region_at_the_last_address() {
    let mut elf = elf::image();
    elf.symbol("start", 0, 1, u64::MAX - 1, 0);
    elf.symbol("end", 0, 1, u64::MAX, 0);
    let region = "[[region]]\nname = \"last\"\nstart = \"start\"\nend = \"end\"\n\
                  forbid-instructions = [\"nop\"]\n";
    assert_eq!(broken(&elf, region), broken(&elf::image(), ""));
}
