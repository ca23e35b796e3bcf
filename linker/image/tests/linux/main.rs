//! The cpucaps of Linux: what is known of them, against kernels that ran.

use std::collections::BTreeSet;

use alt_image::caps::{Caps, ids};
use alt_image::names::CapNames;
use test_support::workspace;

const NAMES_5_15: &str = include_str!("data/names-5.15.txt");
const NAMES_6_1: &str = include_str!("data/names-6.1.txt");
const NAMES_6_12: &str = include_str!("data/names-6.12.txt");
const PRESENT_6_1: &str = include_str!("data/present-6.1.txt");

/// The cpucaps of 6.1 that do not depend on ID registers alone, or on no text.
const UNKNOWN_6_1: [&str; 5] = [
    "HAS_IRQ_PRIO_MASKING",
    "KVM_PROTECTED_MODE",
    "MISMATCHED_CACHE_TYPE",
    "UNMAP_KERNEL_AT_EL0",
    "WORKAROUND_CAVIUM_TX2_219_TVM",
];

/// The cpucaps that the configuration of that kernel rules out: CONFIG_ARM64_SME is not set.
const NOT_CONFIGURED: [&str; 2] = ["SME", "SME_FA64"];

fn linux(names: &str) -> Caps {
    Caps::linux(&CapNames::from_linux(names).unwrap()).unwrap()
}

fn unknown(names: &str) -> BTreeSet<&'static str> {
    let caps = linux(names);
    caps.undecided().iter().map(|cap| cap.name).collect()
}

#[test]
fn cpus_have_the_cpucaps_of_the_kernel_that_ran_on_them() {
    let caps = linux(NAMES_6_1);
    let lines = PRESENT_6_1.lines().filter(|line| !line.starts_with('#'));
    let mut models = 0;
    for (cpu, present) in lines.map(|line| line.split_once(": ").unwrap()) {
        let machine = ids::builtin(&format!("{cpu}@10.0")).unwrap();
        let found = caps.detect(&machine.ids, "").unwrap();
        let found: BTreeSet<&str> = found
            .iter()
            .map(|cap| caps.name(cap.number()).unwrap())
            .filter(|name| !NOT_CONFIGURED.contains(name))
            .collect();
        let ran = present
            .split(' ')
            .filter(|name| !UNKNOWN_6_1.contains(name));
        assert_eq!(found, ran.collect(), "{cpu}");
        models += 1;
    }
    assert_eq!(models, 5);
}

#[test]
fn names_without_a_condition_are_these() {
    assert_eq!(unknown(NAMES_6_1), UNKNOWN_6_1.into_iter().collect());
    let more_5_15 = unknown(NAMES_5_15);
    let more_5_15 = more_5_15.iter().filter(|name| !UNKNOWN_6_1.contains(name));
    assert_eq!(more_5_15.count(), 0);
    let more_6_12 = unknown(NAMES_6_12);
    let more_6_12: Vec<_> = more_6_12
        .iter()
        .filter(|name| !UNKNOWN_6_1.contains(name))
        .collect();
    let expected = [
        "HAS_GIC_PRIO_MASKING",
        "HAS_GIC_PRIO_RELAXED_SYNC",
        "HAS_HCR_NV1",
        "HAS_NESTED_VIRT",
        "KVM_HVHE",
    ];
    assert_eq!(more_6_12, expected.iter().collect::<Vec<_>>());
}

/// The names in backquotes in a cell of a table.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Each cpucap of Linux that docs/cpucaps-linux.md calls the same as one of the shipped table is
/// present on the same machines.
#[test]
fn the_conditions_are_those_of_the_shipped_table() {
    let read = |path: &str| std::fs::read_to_string(workspace().join(path)).unwrap();
    let text = read("linker/image/cpus/linux.toml");
    let theirs = Caps::from_toml("linux.toml", &text).unwrap();
    let ours = Caps::from_toml("cpucaps.toml", &read("cpucaps.toml")).unwrap();
    let page = read("docs/cpucaps-linux.md");
    let mut pairs = Vec::new();
    for line in page.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, linux, shipped, verdict, _] = cells[..] else {
            continue;
        };
        let (linux, shipped) = (quoted(linux), quoted(shipped));
        if verdict.starts_with("same") && linux.len() == shipped.len() {
            pairs.extend(linux.into_iter().zip(shipped));
        }
    }
    assert!(pairs.len() > 70, "{}", pairs.len());
    let machines = ids::read("qemu.toml", &read("linker/image/cpus/qemu.toml")).unwrap();
    for machine in &machines {
        let has = |caps: &Caps, name: &str| {
            let present = caps.detect(&machine.ids, "").unwrap();
            let number = caps.number(name);
            number.map(|number| present.contains_number(number))
        };
        let (linux, shipped): (Vec<_>, Vec<_>) = pairs
            .iter()
            .map(|(linux, shipped)| ((linux, has(&theirs, linux)), (linux, has(&ours, shipped))))
            .unzip();
        assert_eq!(linux, shipped, "{machine}");
        assert!(
            linux.iter().all(|(_, present)| present.is_some()),
            "{linux:?}"
        );
    }
}
