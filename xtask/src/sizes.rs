//! `cargo xtask sizes`: what sites cost in the demo's image, in bytes.

use crate::{Outcome, Profile, setup, style};
use qemu_tests::{
    Image, guest,
    sites::{self, Kind, Record},
};
use std::collections::BTreeSet;

/// Bytes of one kind of site.
#[derive(Default)]
struct Bytes {
    sites: usize,
    records: usize,
    /// Instructions in line: in the text for good.
    text: usize,
    /// Records: given back after boot.
    table: usize,
    /// Instructions of arms: given back after boot.
    replacements: usize,
    /// What Linux's layout needs for the same sites: records of 12 bytes, given back; and
    /// replacements as long as their sites, in the text for good, except for the branches that
    /// become NOP, which share one callback.
    linux_table: usize,
    linux_replacements: usize,
}

impl Bytes {
    fn of(records: &[&Record]) -> Self {
        let mut bytes = Self::default();
        let (mut sites, mut arms) = (BTreeSet::new(), BTreeSet::new());
        for record in records {
            let length = 4 * record.len();
            if sites.insert(record.site) {
                bytes.text += length;
            }
            bytes.linux_table += 12;
            match record.kind {
                Kind::Branch { likely, .. } => {
                    bytes.table += 8;
                    bytes.linux_replacements += if likely { 0 } else { 4 };
                }
                Kind::Alternative {
                    replacement,
                    replacement_len,
                    ..
                } => {
                    bytes.table += 12;
                    bytes.linux_replacements += length;
                    if arms.insert(replacement) {
                        bytes.replacements += 4 * usize::from(replacement_len);
                    }
                }
                Kind::Callback { .. } | Kind::Nops { .. } => bytes.table += 12,
            }
        }
        bytes.sites = sites.len();
        bytes.records = records.len();
        bytes
    }

    fn line(&self, name: &str) -> String {
        let each = |bytes: usize| bytes as f64 / self.sites.max(1) as f64;
        format!(
            "{name:<14}{:>6}{:>9}{:>8.1}{:>8.1}{:>14.1}{:>10.1}{:>14.1}",
            self.sites,
            self.records,
            each(self.text),
            each(self.table),
            each(self.replacements),
            each(self.linux_table),
            each(self.linux_replacements),
        )
    }
}

/// Builds the demo kernel and prints its table.
pub(crate) fn run(profile: Profile) -> Outcome {
    setup::ensure_target()?;
    let image = Image::open(&guest::build("kernel-demo", profile)?)?;
    let records = sites::read(&image)?;
    let (branches, alternatives): (Vec<_>, Vec<_>) = records
        .iter()
        .partition(|record| matches!(record.kind, Kind::Branch { .. }));
    let (branches, alternatives) = (Bytes::of(&branches), Bytes::of(&alternatives));

    anstream::println!(
        "{}",
        style::heading(format!("kernel-demo, profile {}", profile.name()))
    );
    anstream::println!(
        "bytes per site                    in text   given back after boot     Linux's layout"
    );
    anstream::println!(
        "kind           sites  records    text   table  replacements     table  replacements"
    );
    anstream::println!("{}", branches.line("cpu_has_cap!"));
    anstream::println!("{}", alternatives.line("alternative!"));
    anstream::println!();
    let section = |name: &str| image.section(name).map_or(0, |section| section.bytes.len());
    anstream::println!("alt_branches      {:>6} bytes", section("alt_branches"));
    anstream::println!("alt_records       {:>6} bytes", section("alt_records"));
    anstream::println!("alt_replacements  {:>6} bytes", section("alt_replacements"));
    // This kernel keeps its callbacks, since modules may name them.
    let bound = |name: &str| image.symbol(name);
    let callbacks = bound("__stop_alt_callbacks")? - bound("__start_alt_callbacks")?;
    anstream::println!("resident          {callbacks:>6} bytes: callbacks, for modules");
    let linux = branches.linux_replacements + alternatives.linux_replacements;
    anstream::println!("Linux, resident   {linux:>6} bytes for the same sites");
    Ok(true)
}
