//! The figures in the documents are those of the images.

use super::{
    minimal::{self, HEADING},
    stack::{BOUNDS, BOUNDS_OF_ONE_PASS, Stack},
};
use alt_image::image::Image;
use qemu_tests::{Launch, Machine, Profile, Qemu, guest, skip};
use std::{fs, path::Path};
use test_support::workspace;

/// The rows of the table in a document: name and numbers.
fn table(document: &str) -> Vec<(String, Vec<u64>)> {
    let text = fs::read_to_string(workspace().join(document)).unwrap();
    let after = text.split_once(HEADING).expect(document).1;
    let lines = after.lines().skip(1).take_while(|line| *line != "```");
    lines
        .map(|line| {
            let (name, numbers) = line.split_at(30);
            let numbers = numbers.split_whitespace();
            let numbers = numbers.map(|number| number.parse().unwrap()).collect();
            (name.trim_end().to_owned(), numbers)
        })
        .collect()
}

/// One test, since all builds of the kernel replace the same file.
#[test]
fn minimal_kernel_is_as_documented_and_runs_without_its_init_region() {
    documents_agree(&minimal::measure().unwrap());
    assert_bounded(&minimal::build("raw").unwrap(), &BOUNDS_OF_ONE_PASS);
    if skip::without_guests("minimal_kernel_is_as_documented_and_runs_without_its_init_region") {
        return;
    }
    for (name, features, _) in minimal::CONFIGURATIONS {
        runs(name, features);
    }
}

fn documents_agree(rows: &[minimal::Row]) {
    for document in ["README.md", "docs/costs.md"] {
        let stated = table(document);
        assert_eq!(stated.len(), rows.len(), "{document}");
        for (row, (name, numbers)) in rows.iter().zip(stated) {
            assert_eq!(row.name, name, "{document}");
            for (&is, stated) in row.numbers().iter().zip(numbers) {
                // Another toolchain makes other code.
                assert!(
                    is.abs_diff(stated) <= 64 + stated / 20,
                    "{document} states {stated}; `cargo xtask sizes`:\n{HEADING}\n{row}"
                );
            }
        }
    }
}

/// The kernel overwrites its init region, all of alt-runtime included, before it executes the site.
fn runs(name: &str, features: &str) {
    let file = minimal::build(features).unwrap();
    let image = qemu_tests::Image::open(&file).unwrap();
    let init = image.symbol("__init_start").unwrap();
    for (cpu, site) in [("cortex-a53", "ok"), ("max", "lse ok")] {
        let run = Launch::new(&image, Machine::new(cpu))
            .run_plain(&Qemu::find().unwrap(), &file, init)
            .unwrap();
        // The image has not been finished, which a kernel for finished tables refuses.
        let expected = match features.contains("raw") {
            true => site,
            false => "refused",
        };
        let last = run.printed.lines().last();
        assert_eq!(last, Some(expected), "{name}, {cpu}: {}", run.printed);
        // BRK #0x100 (Arm ARM C6.2, BRK).
        let first = run.after.words(init, 1).unwrap();
        assert_eq!(first, [0xd420_2000], "{name}, {cpu}");
    }
}

#[test]
fn readme_has_the_figure_of_the_costs() {
    let read = |document: &str| fs::read_to_string(workspace().join(document)).unwrap();
    let costs = read("docs/costs.md");
    let mut rows = costs
        .lines()
        .filter(|line| line.starts_with("  25000  most"));
    let boot: f64 = rows
        .next()
        .unwrap()
        .split_whitespace()
        .last()
        .unwrap()
        .parse()
        .unwrap();
    let sentence = format!("takes {boot:.0} instructions per record");
    assert!(read("README.md").contains(&sentence), "{sentence}");
}

#[test]
fn stack_of_each_entry_point_is_bounded() {
    let demo = guest::build("kernel-demo", Profile::Release).unwrap();
    assert_bounded(&demo, &BOUNDS);
}

fn assert_bounded(file: &Path, bounds: &[(&str, u64)]) {
    let stack = Stack::new(&Image::parse(fs::read(file).unwrap()).unwrap());
    for (name, bound) in bounds {
        let depth = stack.of(name).unwrap();
        let depth = depth.unwrap_or_else(|| panic!("{name} is inlined into its caller"));
        assert!(depth.bytes <= *bound, "{name}: {depth:#?}, of {bound}");
    }
}
