//! Interrupts with superpriority (FEAT_NMI), which DAIF does not mask, while the kernel is patched.
//!
//! The plugin needs QEMU 10, whose `max` has them.

use qemu_tests::coherence::{Coherence, Missing, When};
use qemu_tests::mutants;
use qemu_tests::{Image, Launch, Machine, Profile, Qemu, Status, WatchedRun, guest, skip};

/// `msr allint, #1`
const MASK_ALLINT: u32 = 0xd501_411f;

fn kernel() -> Image {
    Image::open(&guest::build("kernel-demo", Profile::Release).unwrap()).unwrap()
}

fn watch(image: &Image, machine: Machine, coherence: Coherence) -> WatchedRun {
    let launch = Launch::new(image, machine).watched_by(coherence);
    launch.run(&Qemu::find().unwrap()).unwrap()
}

/// Counts how often each of the routines masks by ALLINT.
fn counting_masks(image: &Image) -> Coherence {
    let routines = ["arch::commit::commit", "arch::wait::wait_if_requested"];
    routines.iter().fold(Coherence::new(), |coherence, name| {
        let mut words = image.function(name).unwrap().step_by(4);
        let place = words.find(|address| {
            let bytes = image.bytes(*address, 4).unwrap();
            u32::from_le_bytes(bytes.try_into().unwrap()) == MASK_ALLINT
        });
        let place = place.unwrap_or_else(|| panic!("{name} does not mask by ALLINT"));
        coherence.count_within(name, place..place + 4)
    })
}

/// Four CPUs are there for the last pass; a fifth one comes late.
fn live() -> Machine {
    Machine::new("max").smp(5).args(["-append", "demo.nmi"])
}

#[test]
fn no_handler_runs_while_words_change() {
    if skip::without_coherence("no_handler_runs_while_words_change") {
        return;
    }
    let image = kernel();
    let WatchedRun { run, seen } = watch(&image, live(), counting_masks(&image));
    assert_eq!(run.outcome.status, Status::Ok, "{:#?}", run.log);
    assert_eq!((&seen.violations[..], seen.found), (&[][..], 0));
    for cpu in 0..4 {
        let taken = format!("CPU {cpu} took ");
        let has_some = run.log.iter().any(|line| line.message.contains(&taken));
        assert!(has_some, "CPU {cpu}: {:#?}", run.log);
    }
    // The wrong alias, boot scope, the rest, the module; and three CPUs that are stopped at least once.
    let masked = |name: &str| seen.regions[name].instructions;
    assert_eq!(masked("arch::commit::commit"), 4);
    assert!(masked("arch::wait::wait_if_requested") >= 3);
}

/// With the masking left out, handlers run amidst the routine.
#[test]
fn missing_mask_is_noticed() {
    if skip::without_coherence("missing_mask_is_noticed") {
        return;
    }
    let image = kernel();
    for (name, routine) in [
        ("nmi-in-commit", "arch::commit::commit"),
        ("nmi-in-wait", "arch::wait::wait_if_requested"),
    ] {
        let mutant = mutants::all().iter().find(|mutant| mutant.name == name);
        let spoilt = mutant.unwrap().spoil(&image).unwrap();
        let seen = watch(spoilt.image(), live(), Coherence::new()).seen;
        let range = image.function(routine).unwrap();
        let is_unmasked = |missing| missing == Missing::Mask;
        let unmasked = seen.violations.iter().filter(|v| is_unmasked(v.missing));
        assert_ne!(unmasked.clone().count(), 0, "{name}");
        for found in unmasked {
            assert_eq!(found.when, When::Interrupted, "{name}: {found}");
            assert!(range.contains(&found.word), "{name}: {found}");
        }
        // The handler may execute sites that are written and not yet visible; nothing else is wrong.
        let mut others = seen.violations.iter().filter(|v| !is_unmasked(v.missing));
        assert!(others.all(|found| found.when == When::Executed), "{name}");
    }
}

/// There ALLINT is UNDEFINED.
#[test]
fn cpus_without_the_feature_do_not_touch_allint() {
    if skip::without_coherence("cpus_without_the_feature_do_not_touch_allint") {
        return;
    }
    let image = kernel();
    for model in ["cortex-a53", "cortex-a76"] {
        let machine = Machine::new(model).smp(3);
        let WatchedRun { run, seen } = watch(&image, machine, counting_masks(&image));
        assert_eq!(run.outcome.status, Status::Ok, "{model}: {:#?}", run.log);
        for (name, short) in [
            ("arch::commit::commit", "commit"),
            ("arch::wait::wait_if_requested", "wait_if_requested"),
        ] {
            assert_eq!(seen.regions[name].instructions, 0, "{model}: {name}");
            assert!(seen.regions[short].instructions > 0, "{model}: {name}");
        }
    }
}
