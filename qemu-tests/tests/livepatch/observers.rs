//! The cache maintenance of loading, applying and reverting: complete, and noticed where a step of it
//! is left out.

use super::session::*;
use qemu_tests::coherence::Coherence;
use qemu_tests::livepatch::Fixture;
use qemu_tests::mutants;
use qemu_tests::observe::Monitor;
use qemu_tests::{Image, Machine, Qemu, Status};
use std::ops::Range;

/// The kernel's memory for payloads: its first block.
const PAYLOAD: Range<u64> = 0x4100_0000..0x4102_0000;

/// The functions are called in each state, on both CPUs.
const COMMANDS: &str = "call,load:0,apply:0,call,settle,revert:0,call,settle,unload:0";

/// Two CPUs whose caches need every step.
fn machine() -> Machine {
    Machine::new("cortex-a57").smp(2)
}

fn payload() -> Fixture {
    kernel().returning("observed", &[FIRST, SECOND], 2)
}

/// The addresses at which the monitor finds something: of violations that are about livepatching.
fn monitored(image: &Image) -> Vec<String> {
    let payload = payload();
    let setup = Setup::new(&[&payload], COMMANDS).on(machine());
    let run = setup.launch(image, |launch| {
        let launch = launch.under_monitor(Monitor::new());
        launch.run(&Qemu::find().unwrap()).unwrap()
    });
    let status = run.outcome.map(|outcome| outcome.status);
    assert_eq!(status, Some(Status::Ok), "{}", text(&run.log));
    let violations = run.seen.violations.iter();
    let ours = violations.filter(|violation| is_ours(violation.address));
    ours.map(ToString::to_string).collect()
}

/// The same of the plugin.
fn watched(image: &Image) -> Vec<String> {
    let payload = payload();
    let setup = Setup::new(&[&payload], COMMANDS).on(machine());
    let watched = setup.launch(image, |launch| {
        let launch = launch.watched_by(Coherence::new().also_watch(PAYLOAD));
        launch.run(&Qemu::find().unwrap()).unwrap()
    });
    assert_eq!(
        watched.run.outcome.status,
        Status::Ok,
        "{}",
        text(&watched.run.log)
    );
    let violations = watched.seen.violations.iter();
    let ours = violations.filter(|violation| is_ours(violation.word));
    ours.map(ToString::to_string).collect()
}

/// Whether a word is in the payload, or is the first one of a function that it replaces.
fn is_ours(word: u64) -> bool {
    let entries = [FIRST, SECOND].map(|name| kernel().function(name).0);
    PAYLOAD.contains(&word) || entries.contains(&word)
}

/// A copy of the kernel with a step left out.
fn spoilt(name: &str) -> mutants::Spoilt {
    let mutant = mutants::all().iter().find(|mutant| mutant.name == name);
    mutant.unwrap().spoil(&kernel().image).unwrap()
}

guest_test!(the_monitor_finds_the_maintenance_complete, {
    assert_eq!(monitored(&kernel().image), [""; 0]);
});

guest_test!(
    /// The same without a step of the routine that writes the branches, or of loading.
    the_monitor_notices_what_is_left_out, {
        for name in ["no-dc", "no-ic", "neither", "ic-before-dc", "no-dc-loaded", "no-ic-loaded"] {
            assert!(!monitored(spoilt(name).image()).is_empty(), "{name}");
        }
    }
);

#[test]
fn the_plugin_finds_the_maintenance_complete() {
    if !qemu_tests::skip::without_coherence("the_plugin_finds_the_maintenance_complete") {
        assert_eq!(watched(&kernel().image), [""; 0]);
    }
}

#[test]
fn the_plugin_notices_what_is_left_out() {
    if qemu_tests::skip::without_coherence("the_plugin_notices_what_is_left_out") {
        return;
    }
    for name in [
        "no-dc",
        "no-first-dsb",
        "no-ic",
        "no-second-dsb",
        "no-isb",
        "no-isb-elsewhere",
        "no-dc-loaded",
        "no-ic-loaded",
    ] {
        assert!(!watched(spoilt(name).image()).is_empty(), "{name}");
    }
}
