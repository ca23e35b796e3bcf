//! The two passes that docs/integration.md shows, run by several CPUs: `qemu-tests/two-passes` has its code
//! word for word.

use std::collections::BTreeSet;

use qemu_tests::{Image, Launch, Machine, Memory, Profile, Qemu, compare, guest, sites, skip};

/// The numbers of the guest's cpucaps: their places in its `cpucaps.toml`.
const CRC32: u16 = 0;
const LSE: u16 = 1;

/// All models that are tested have FEAT_CRC32.
const FIRST_PASS: [&str; 3] = [
    "before the passes: CRC32 false, LSE false",
    "alternatives: boot scope: 2 of 4 sites rewritten",
    "between the passes: CRC32 true, LSE false",
];

/// What CPUs print when they have left `secondary`, in any order: the late one was in no loop.
const ALL_LEFT: [&str; 4] = [
    "CPU 1: worked between the passes: true",
    "CPU 2: worked between the passes: true",
    "CPU 3: worked between the passes: true",
    "CPU 4: worked between the passes: false",
];

/// Boots the guest on five CPUs, the last of which comes late, and compares each site in memory
/// with what it must be where `caps` are applied. Returns what the guest printed.
fn boot(cpu: &str, command_line: &str, caps: &[u16]) -> String {
    let qemu = Qemu::find().unwrap();
    let image = Image::open(&guest::build("two-passes", Profile::Release).unwrap()).unwrap();
    let mut machine = Machine::new(cpu).smp(5);
    if !command_line.is_empty() {
        machine = machine.args(["-append", command_line]);
    }
    let start = image.load_ranges().map(|range| range.start).min().unwrap();
    let run = Launch::new(&image, machine)
        .run_plain(&qemu, image.path(), start)
        .unwrap();
    let records = sites::read(&image).unwrap();
    let caps: BTreeSet<_> = caps.iter().copied().collect();
    let all = sites::sites(&records);
    let wrong = compare::wrong_sites(&all, &caps, &run.before, &run.after).unwrap();
    assert!(wrong.is_empty(), "{wrong:#x?}\n{}", run.printed);
    let elsewhere = compare::outside_sites(&image, &run.before, &run.after, &records).unwrap();
    assert!(elsewhere.is_empty(), "{elsewhere:#x?}\n{}", run.printed);
    for site in &all {
        let words = |memory: &Memory| memory.words(site.address, site.records[0].len()).unwrap();
        let has_changed = words(&run.before) != words(&run.after);
        let applies = site.winner(&caps).is_some();
        assert_eq!(has_changed, applies, "{site:#x?}\n{}", run.printed);
    }
    run.printed
}

/// Each of `lines` is the beginning of a line that was printed.
fn assert_printed<'a>(printed: &str, lines: impl IntoIterator<Item = &'a str>) {
    for line in lines {
        let mut all = printed.lines();
        assert!(
            all.any(|printed| printed.starts_with(line)),
            "no line {line:?} in:\n{printed}"
        );
    }
}

#[test]
fn both_passes_and_a_late_cpu() {
    if skip::without_guests("both_passes_and_a_late_cpu") {
        return;
    }
    let printed = boot("max", "", &[CRC32, LSE]);
    let last_pass = [
        "alternatives: LSE: ID_AA64ISAR0_EL1.Atomic=2",
        "alternatives: 2 of 4 sites rewritten",
        "after the passes: CRC32 true, LSE true",
        "hooks: 5 for CRC32, 5 for LSE",
        "ok: all counted right",
    ];
    assert_printed(&printed, FIRST_PASS);
    assert_printed(&printed, ALL_LEFT);
    assert_printed(&printed, last_pass);
}

/// A CPU that does not have it, and one that must not use it.
#[test]
fn last_pass_without_its_cpucap() {
    if skip::without_guests("last_pass_without_its_cpucap") {
        return;
    }
    for (cpu, command_line) in [("cortex-a53", ""), ("max", "arm64.nolse")] {
        let printed = boot(cpu, command_line, &[CRC32]);
        let last_pass = [
            "alternatives: 0 of 4 sites rewritten",
            "after the passes: CRC32 true, LSE false",
            "hooks: 5 for CRC32, 0 for LSE",
            "ok: all counted right",
        ];
        assert_printed(&printed, FIRST_PASS);
        assert_printed(&printed, ALL_LEFT);
        assert_printed(&printed, last_pass);
    }
}

/// CPU 2 joins and does not come to the rendezvous. All others leave the rendezvous and their loops, and the kernel
/// runs on with what the first pass has patched.
#[test]
fn cpu_that_does_not_stop() {
    if skip::without_guests("cpu_that_does_not_stop") {
        return;
    }
    for cpu in ["cortex-a53", "max"] {
        let printed = boot(cpu, "absent=2", &[CRC32]);
        let no_last_pass = [
            "alternatives: not patched: CPU 2 did not come to the rendezvous in time",
            "CPU 2: worked between the passes: false",
            "after the passes: CRC32 true, LSE false",
            "hooks: 5 for CRC32, 0 for LSE",
            "ok: all counted right",
        ];
        assert_printed(&printed, FIRST_PASS);
        let others = ALL_LEFT.iter().filter(|line| !line.contains("CPU 2"));
        assert_printed(&printed, others.copied());
        assert_printed(&printed, no_last_pass);
        assert!(!printed.contains("alternatives: 0 of"), "{printed}");
    }
}
