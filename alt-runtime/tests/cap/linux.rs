//! docs/cpucaps-linux.md contains every cpucap of Linux and every cpucap of the shipped table.

use std::collections::BTreeSet;

use crate::cpucaps;

const PAGE: &str = include_str!("../../../docs/cpucaps-linux.md");
const LINUX: &str = include_str!("../data/linux-cpucaps-7.2.13.txt");

/// The parts in backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The rows of the tables about Linux's cpucaps: theirs, ours, the verdict.
fn rows() -> Vec<[&'static str; 3]> {
    let mut rows = Vec::new();
    let mut inside = false;
    for line in PAGE.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, theirs, ours, verdict, _] = cells[..] else {
            inside = false;
            continue;
        };
        match theirs {
            "Linux" => inside = true,
            "---" => {}
            _ if inside => rows.push([theirs, ours, verdict]),
            _ => {}
        }
    }
    rows
}

#[test]
fn each_cpucap_of_linux_is_in_one_row() {
    let expected: BTreeSet<&str> = LINUX
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert_eq!(expected.len(), 125);
    let mut seen = BTreeSet::new();
    for [theirs, _, verdict] in rows() {
        assert!(verdict.len() >= 4, "no verdict on {theirs}");
        for name in quoted(theirs) {
            assert!(seen.insert(name), "{name} twice");
        }
    }
    assert_eq!(seen, expected);
}

#[test]
fn each_of_our_cpucaps_is_in_one_place() {
    let ours: BTreeSet<&str> = cpucaps::TABLE.iter().map(|info| info.name).collect();
    let rows = rows();
    let mut seen: BTreeSet<&str> = rows.iter().flat_map(|[_, ours, _]| quoted(ours)).collect();
    let (_, alone) = PAGE.split_once("Ours alone, each one field").unwrap();
    let (alone, _) = alone.split_once("\n\n").unwrap();
    for name in quoted(alone) {
        assert!(seen.insert(name), "{name} is in a row as well");
    }
    assert_eq!(seen, ours);
}
