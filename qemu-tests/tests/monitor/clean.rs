//! The unchanged patcher: all three passes of a run, for boot scope, at the end, and for the
//! module.

use qemu_tests::observe::{Fault, Missing, Monitor, Observation, Operation, Violation};
use qemu_tests::{Image, Launch, Machine, MonitoredRun, Profile, Status, guest, skip};

use crate::{Result, kernel as build, qemu};

/// All models that QEMU has: lines of 64 and 256 bytes, with IDC, with DIC as well, and two with
/// errata that ask for more.
pub const MODELS: [&str; 14] = [
    "cortex-a35",
    "cortex-a53",
    "cortex-a53,midr=0x410fd030", // r0p0: clean and invalidate
    "cortex-a55",
    "cortex-a57",
    "cortex-a72",
    "cortex-a76",
    "cortex-a710",
    "neoverse-n1",
    "neoverse-n2",
    "neoverse-n2,midr=0x413fd0c0", // a Neoverse N1 r3p0: DIC is not to be relied on
    "neoverse-v1",
    "a64fx",
    "max",
];

/// There is no violation, and the monitor has observed stores and maintenance.
pub fn check(run: &MonitoredRun) -> Result<()> {
    let log = || format!("{:#?}", run.log);
    if run.outcome.map(|outcome| outcome.status) != Some(Status::Ok) {
        return Err(log().into());
    }
    let seen = &run.seen;
    if seen.found != 0 {
        let lines: Vec<_> = seen.violations.iter().map(ToString::to_string).collect();
        return Err(format!("{} violations:\n{}", seen.found, lines.join("\n")).into());
    }
    for pass in ["boot-scope pass: ", "report branches=", "module text="] {
        if !run.log.iter().any(|line| line.message.starts_with(pass)) {
            return Err(format!("no `{pass}` in {}", log()).into());
        }
    }
    // Each word that was patched is a store.
    match seen.stores[0] {
        0..100 => Err(format!("only {} stores to text", seen.stores[0]).into()),
        _ => Ok(()),
    }
}

fn cleans(seen: &Observation) -> u64 {
    seen.total(Operation::CleanToUnification) + seen.total(Operation::CleanInvalidate)
}

fn invalidations(seen: &Observation) -> u64 {
    seen.total(Operation::InstructionLine) + seen.total(Operation::InstructionAllShared)
}

pub fn kernel(cpu: &'static str, count: u32) -> Result<()> {
    let machine = Machine::new(cpu).smp(count);
    if !qemu()?.has_cpu(machine.model()) {
        skip::because(&format!(
            "clean::{cpu}::{count}: QEMU {} has no {}",
            qemu()?.version(),
            machine.model()
        ));
        return Ok(());
    }
    let image = build(Profile::Release)?;
    let run = Launch::new(&image, machine)
        .under_monitor(Monitor::new())
        .run(qemu()?)?;
    check(&run)?;
    if cleans(&run.seen) == 0 {
        return Err("no DC, though the boot CPU does not know the others".into());
    }
    // CTR_EL0.DIC of the models by their manuals; QEMU's `max` differs by version.
    let dic = match cpu {
        "neoverse-n2" | "neoverse-v1" => Some(true),
        "max" => None,
        _ => Some(false),
    };
    if dic.is_some_and(|dic| dic != (invalidations(&run.seen) == 0)) {
        return Err(format!("{} invalidations", invalidations(&run.seen)).into());
    }
    Ok(())
}

/// The other build profiles of the kernel.
pub fn profile(profile: Profile) -> Result<()> {
    let image = build(profile)?;
    let run = Launch::new(&image, Machine::new("cortex-a76").smp(2))
        .under_monitor(Monitor::new())
        .run(qemu()?)?;
    check(&run)
}

/// A guest without defmt under the monitor, and its lines of text.
fn plain(package: &str, machine: Machine) -> Result<(MonitoredRun, Vec<String>)> {
    let image = Image::open(&guest::build(package, Profile::Release)?)?;
    let run = Launch::new(&image, machine)
        .under_monitor(Monitor::new())
        .run(qemu()?)?;
    let log = run.log.iter().map(|line| line.message.clone()).collect();
    Ok((run, log))
}

/// A kernel whose text is its own alias.
pub fn quickstart() -> Result<()> {
    let (run, log) = plain("quickstart", Machine::new("cortex-a76"))?;
    let expected = [
        "alternatives: LSE: ID_AA64ISAR0_EL1.Atomic=2",
        "alternatives: 2 of 2 sites rewritten: 8 words in 1 cache line",
        "ok: counted to 42 at EL1",
    ];
    let seen = &run.seen;
    let counts = [
        seen.stores[0],
        cleans(seen),
        invalidations(seen),
        seen.found,
    ];
    match log == expected && counts == [8, 1, 1, 0] {
        true => Ok(()),
        false => Err(format!("{log:#?}\n{counts:?}\n{:#?}", seen.violations).into()),
    }
}

/// A guest that gives itself a shadow call stack: a pass of its own.
pub fn shadow() -> Result<()> {
    let (run, log) = plain("shadow-guest", Machine::new("cortex-a53"))?;
    let is_patched = log.iter().any(|line| line.starts_with("4 sites rewritten"));
    match is_patched && run.seen.found == 0 && run.seen.stores[0] >= 4 {
        true => Ok(()),
        false => Err(format!("{log:#?}\n{:#?}", run.seen).into()),
    }
}

/// The guest of the benchmark, where static-keys rewrites its branch without any maintenance, as
/// `docs/costs.md` says of it: that is found, and nothing of ours.
pub fn bench() -> Result<()> {
    let machine = Machine::new("cortex-a76").args(["-icount", "shift=0,sleep=off"]);
    let (run, log) = plain("bench-guest", machine)?;
    let is_its_own = |found: &Violation| {
        let place = found.place.as_deref().unwrap_or_default();
        found.fault == Fault::Executed(Missing::CleanAndInvalidate)
            && place.starts_with("bench_guest::checks::key")
    };
    let found = &run.seen.violations;
    match log.last().is_some_and(|line| line == "end 0")
        && !found.is_empty()
        && found.iter().all(is_its_own)
    {
        true => Ok(()),
        false => Err(format!("{log:#?}\n{found:#?}").into()),
    }
}
