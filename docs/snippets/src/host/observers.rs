//! docs/observers.md.

use alt_cpu::Register;
use qemu_tests::coherence::Coherence;
use qemu_tests::observe::Monitor;
use qemu_tests::{Image, Launch, Machine, Qemu, Result};

fn monitored(image: Image) -> Result<()> {
    let run = Launch::new(&image, Machine::new("cortex-a76").smp(4))
        .under_monitor(Monitor::new())
        .run(&Qemu::find()?)?;
    for violation in &run.seen.violations {
        println!("{violation}");
    }
    Ok(())
}

fn unequal() {
    // CPU 3 lacks LSE.
    let monitor = Monitor::new().register(3, Register::ID_AA64ISAR0_EL1, 0x1000_1001_1120);
    drop(monitor);
}

fn watched(image: Image) -> Result<()> {
    let launch = Launch::new(&image, Machine::new("cortex-a76").smp(4));
    let watched = launch.watched_by(Coherence::new()).run(&Qemu::find()?)?;
    for violation in &watched.seen.violations {
        println!("{violation}");
    }
    let commit = &watched.seen.regions["commit"];
    println!(
        "{} DC, {} IC, {} DSB",
        commit.cleans(),
        commit.invalidations(),
        commit.dsbs()
    );
    Ok(())
}
