//! Systems of several CPUs, equal and unequal, and what the command line does.

use qemu_tests::facts::{self, Fact};
use qemu_tests::{Image, Launch, Machine, Profile, Qemu, Run, Status, guest};

/// Runs kernel-demo on four CPUs with this command line.
fn run(machine: Machine, line: &str) -> Run {
    let kernel = guest::build("kernel-demo", Profile::Release).unwrap();
    let image = Image::open(&kernel).unwrap();
    let machine = machine.smp(4).args(["-append", line]);
    Launch::new(&image, machine)
        .run(&Qemu::find().unwrap())
        .unwrap()
}

fn says(run: &Run, text: &str) -> bool {
    run.log.iter().any(|line| line.message.contains(text))
}

#[track_caller]
fn must_say(run: &Run, texts: &[&str]) {
    for text in texts {
        assert!(says(run, text), "no `{text}` in {:#?}", run.log);
    }
}

#[track_caller]
fn must_succeed(run: &Run) {
    assert_eq!(run.outcome.status, Status::Ok, "{:#?}", run.log);
}

/// (sites, patched) of a cpucap.
fn count(run: &Run, cap: &str) -> (u32, u32) {
    facts::read(&run.log)
        .find_map(|fact| match fact {
            Fact::Count {
                name,
                sites,
                patched,
            } if name == cap => Some((sites, patched)),
            _ => None,
        })
        .unwrap_or_else(|| panic!("no site of {cap}: {:#?}", run.log))
}

const WATCHED: &str = "2 CPUs watched the text, 10000 times each, and saw no mix";

/// CPUs run the text that changes, in a loop, while the last pass happens: each in a
/// thread of its own, and all in one.
#[test]
fn no_cpu_executes_a_mix() {
    if qemu_tests::skip::without_guests("no_cpu_executes_a_mix") {
        return;
    }
    for accel in ["tcg", "tcg,thread=single"] {
        for cpu in ["cortex-a76", "max"] {
            let run = run(Machine::new(cpu).accel(accel), "");
            must_succeed(&run);
            must_say(
                &run,
                &[WATCHED, "CPU 2 (early) is online", "CPU 3 (late) is online"],
            );
        }
    }
}

#[test]
fn missing_cpu_is_named() {
    if qemu_tests::skip::without_guests("missing_cpu_is_named") {
        return;
    }
    let run = run(Machine::new("cortex-a76"), "");
    must_say(
        &run,
        &["a missing CPU is named: CPU 7 did not come to the rendezvous in time"],
    );
}

/// The system has what all early CPUs have.
#[test]
fn one_early_cpu_without_it_takes_a_system_cap_away() {
    if qemu_tests::skip::without_guests("one_early_cpu_without_it_takes_a_system_cap_away") {
        return;
    }
    let all = run(Machine::new("cortex-a76"), "");
    let (sites, patched) = count(&all, "LSE");
    assert!(sites > 0 && patched == sites);

    let meet = run(Machine::new("cortex-a76"), "cpu2.id_aa64isar0.atomic=0");
    must_succeed(&meet);
    must_say(&meet, &["CPU 2 (early) is online", WATCHED]);
    assert_eq!(count(&meet, "LSE"), (sites, 0));
    assert_eq!(count(&meet, "CRC32"), count(&all, "CRC32"));
}

#[test]
fn late_cpu_without_a_system_cap_is_kept_out() {
    if qemu_tests::skip::without_guests("late_cpu_without_a_system_cap_is_kept_out") {
        return;
    }
    let run = run(Machine::new("cortex-a76"), "cpu3.id_aa64isar0.atomic=0");
    must_succeed(&run);
    must_say(
        &run,
        &["CPU 3 (late) is kept out: the system relies on cpucap LSE, which this CPU lacks"],
    );
}

/// ASIDs are allocated by the value of all CPUs when the caps were decided. A field that no code has
/// built on differs without a verdict, and not in silence.
#[test]
fn late_cpu_with_fewer_asids_is_kept_out() {
    if qemu_tests::skip::without_guests("late_cpu_with_fewer_asids_is_kept_out") {
        return;
    }
    let line = "cpu3.id_aa64mmfr0.asidbits=0 cpu1.id_aa64dfr0.brps=1";
    let run = run(Machine::new("cortex-a76"), line);
    must_succeed(&run);
    must_say(
        &run,
        &[
            "branch history: 24 branches",
            "CPU 1 differs: ID_AA64DFR0_EL1.BRPs: 1 here, 5 on the boot CPU",
            "CPU 1 (early) is online",
            "CPU 3 differs: ID_AA64MMFR0_EL1.ASIDBits: 0 here, 2 on the boot CPU",
            "CPU 3 (late) is kept out: the kernel relies on ID_AA64MMFR0_EL1.ASIDBits=2, and \
             this CPU has 0",
        ],
    );
}

/// A weak local cap: each CPU may have it or not.
#[test]
fn late_cpu_without_a_weak_local_cap_is_let_in() {
    if qemu_tests::skip::without_guests("late_cpu_without_a_weak_local_cap_is_let_in") {
        return;
    }
    let run = run(Machine::new("cortex-a76"), "cpu3.id_aa64mmfr1.hafdbs=0");
    must_succeed(&run);
    must_say(
        &run,
        &[
            "CPU 3: ID_AA64MMFR1_EL1.HAFDBS: 0 instead of 2",
            "CPU 3 (late) is online",
        ],
    );
}

/// The system lacks a feature that the late CPU has: it goes unused.
#[test]
fn late_cpu_with_more_is_let_in() {
    if qemu_tests::skip::without_guests("late_cpu_with_more_is_let_in") {
        return;
    }
    let line = "cpu0.id_aa64isar0.atomic=0 cpu1.id_aa64isar0.atomic=0 cpu2.id_aa64isar0.atomic=0";
    let run = run(Machine::new("cortex-a76"), line);
    must_succeed(&run);
    must_say(&run, &["CPU 3 (late) is online"]);
    assert_eq!(count(&run, "LSE").1, 0);
}

#[test]
fn cpu_without_a_strict_boot_cap_stops_the_kernel() {
    if qemu_tests::skip::without_guests("cpu_without_a_strict_boot_cap_stops_the_kernel") {
        return;
    }
    for (cpu, kind) in [(1, "early"), (3, "late")] {
        let run = run(
            Machine::new("cortex-a76"),
            &format!("cpu{cpu}.id_aa64pfr0.gic=0"),
        );
        assert_eq!(run.outcome.status, Status::Failed);
        let text = format!("CPU {cpu} ({kind}): the system relies on cpucap GIC_SYSREGS");
        must_say(&run, &[&text]);
    }
}

#[test]
fn overrides_go_towards_the_safe_side_only() {
    if qemu_tests::skip::without_guests("overrides_go_towards_the_safe_side_only") {
        return;
    }
    let line = "arm64.nolse id_aa64isar0.rndr=1 arm64.nosuch quiet -- arm64.nocrc32";
    let run = run(Machine::new("cortex-a76"), line);
    must_succeed(&run);
    must_say(
        &run,
        &[
            "override: ID_AA64ISAR0_EL1.Atomic: 1 instead of 2",
            "override: ID_AA64ISAR0_EL1.RNDR: stays 0, 1 would be more than the CPU has",
            "override ignored: arm64.nosuch",
        ],
    );
    assert!(
        !says(&run, "quiet"),
        "a word of somebody else is no override"
    );
    assert_eq!(count(&run, "LSE").1, 0);
    let (sites, patched) = count(&run, "CRC32");
    assert_eq!(sites, patched, "words behind -- are not the kernel's");
}

/// A callback that gives no usable instructions: the last pass is refused by name, and
/// the kernel runs on as the boot-scope pass has left it.
#[test]
fn callback_at_fault_refuses_the_pass() {
    if qemu_tests::skip::without_guests("callback_at_fault_refuses_the_pass") {
        return;
    }
    for (fault, reason) in [
        ("fails", "callback SKIP: as the command line asks"),
        ("unencodable", "callback SKIP"),
        ("unknown-word", "0x56000000"),
    ] {
        let run = run(
            Machine::new("cortex-a76"),
            &format!("demo.callback={fault}"),
        );
        assert_eq!(run.outcome.status, Status::Failed);
        let error = facts::read(&run.log).find_map(|fact| match fact {
            Fact::PatchError(text) => Some(text),
            _ => None,
        });
        let error = error.unwrap_or_else(|| panic!("no patch-error: {:#?}", run.log));
        assert!(
            error.contains("cap ALWAYS_SYSTEM") && error.contains(reason),
            "{error}"
        );
        let failed = facts::read(&run.log)
            .any(|fact| matches!(fact, Fact::Check(check) if check.failure.is_some()));
        assert!(!failed, "{:#?}", run.log);
        must_say(&run, &["check after callbacks ok"]);
    }
}

/// A boot-scope cap that the boot CPU has: a CPU without it cannot run the text as it
/// is patched already. It is off before the last pass, which is for the others.
#[test]
fn early_cpu_without_a_boot_cap_is_kept_out() {
    if qemu_tests::skip::without_guests("early_cpu_without_a_boot_cap_is_kept_out") {
        return;
    }
    let run = run(Machine::new("max"), "cpu1.id_aa64mmfr0.tgran4=0");
    must_succeed(&run);
    must_say(
        &run,
        &[
            "CPU 1 (early) is kept out: the system relies on cpucap VA52, which this CPU lacks",
            "CPU 2 (early) is online",
            "report cpus=3 early=2 late=1 kept-out=1",
        ],
    );
}

/// A CPU that runs and does not come: it is named, the last pass does not happen, and
/// the kernel runs on as the boot-scope pass has left it.
#[test]
fn cpu_that_does_not_come_stops_the_pass_and_not_the_kernel() {
    if qemu_tests::skip::without_guests("cpu_that_does_not_come_stops_the_pass_and_not_the_kernel")
    {
        return;
    }
    let run = run(Machine::new("cortex-a76"), "demo.absent");
    assert_eq!(run.outcome.status, Status::Failed);
    must_say(
        &run,
        &[
            "CPU 2 (early) is online",
            "patch-error CPU 2 did not come to the rendezvous in time",
            "check after interrupts ok",
            "check after mix ok",
        ],
    );
    let failed = facts::read(&run.log)
        .any(|fact| matches!(fact, Fact::Check(check) if check.failure.is_some()));
    assert!(!failed, "{:#?}", run.log);
}
