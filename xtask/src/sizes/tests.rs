//! The figures in the documents are those of the images.

use super::{
    minimal::{self, HEADING},
    stack::{BOUNDS, Stack},
};
use alt_image::image::Image;
use qemu_tests::{Profile, guest};
use std::fs;
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

#[test]
fn documents_agree_with_the_minimal_kernel() {
    let rows = minimal::measure().unwrap();
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
    let file = guest::build("kernel-demo", Profile::Release).unwrap();
    let stack = Stack::new(&Image::parse(fs::read(file).unwrap()).unwrap());
    for (name, bound) in BOUNDS {
        // Where it is inlined, the caller has it.
        if let Some(depth) = stack.of(name).unwrap() {
            assert!(depth.bytes <= bound, "{name}: {depth:#?}, of {bound}");
        }
    }
}
