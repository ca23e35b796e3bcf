//! The figures of `docs/costs.md` about a boot of kernel-demo are those of the kernel.

use std::fs;
use std::time::Duration;

use qemu_tests::figures::{self, Table};
use qemu_tests::{Image, Launch, Machine, Profile, Qemu, Status, guest};
use test_support::workspace;

const TABLE: Table<'_> = Table {
    section: "### With the sites of kernel-demo",
    header: "CPU        table       read  detect  first pass  last pass     all   alias",
};

/// The steps in the kernel's log.
const STEPS: [&str; 5] = ["read", "detect", "first pass", "last pass", "alias"];

#[test]
fn figures_of_the_document_are_measured() {
    if qemu_tests::skip::without_guests("figures_of_the_document_are_measured") {
        return;
    }
    let mut rows = Vec::new();
    for cpu in ["cortex-a76", "max"] {
        for (table, image) in images() {
            let [read, detect, first, last, alias] = measure(&image, cpu);
            let all = read + detect + first + last;
            rows.push(format!(
                "{cpu:10} {table:8} {read:>7} {detect:>7} {first:>11} {last:>10} {all:>7} {alias:>7}"
            ));
        }
    }
    let text = fs::read_to_string(workspace().join("docs/costs.md")).unwrap();
    if let Err(why) = TABLE.compare(&text, &rows) {
        panic!("docs/costs.md: {why}");
    }
}

/// The kernel with raw and with finished tables.
fn images() -> [(&'static str, Image); 2] {
    let raw = guest::build("kernel-demo", Profile::Release).unwrap();
    let finished = guest::finished("kernel-demo", Profile::Release).unwrap();
    let finished = finished.expect("the finished table is smaller");
    [("raw", raw), ("finished", finished)].map(|(name, path)| (name, Image::open(&path).unwrap()))
}

/// Instructions of each step, on one CPU.
fn measure(image: &Image, cpu: &str) -> [u64; STEPS.len()] {
    // Each instruction takes 1 ns of virtual time.
    let machine = Machine::new(cpu).args(["-icount", "shift=0,sleep=off"]);
    let launch = Launch::new(image, machine).timeout(Duration::from_secs(400));
    let run = launch.run(&Qemu::find().unwrap()).unwrap();
    assert_eq!(run.outcome.status, Status::Ok, "{:#?}", run.log);
    STEPS.map(|step| {
        let found = figures::instructions(&run.log, &format!("cost {step} ticks="));
        let [instructions] = found[..] else {
            panic!("`{step}` is not measured once: {:#?}", run.log);
        };
        instructions
    })
}
