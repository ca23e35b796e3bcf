//! Boot, from the first Rust function to power-off.

use aarch64_rt::entry;
use alt_runtime::Image;
use alt_runtime::boot::Detected;
use alt_runtime::cap::IdRegs;
use alt_runtime::cap::idregs::Register;
use alt_runtime::cap::idregs::fields::ID_AA64PFR0_EL1;
use alt_runtime::patch::{Census, Count, PatchError};
use defmt::{Display2Format, error, info};

use crate::checks::{self, Context};
use crate::outcome::Outcome;
use crate::{cpucaps, interrupts, log, memory, proofs, smp};

entry!(main);

fn main(_arg0: u64, _arg1: u64, _arg2: u64, _arg3: u64) -> ! {
    memory::protect();
    log::init();
    let mut outcome = Outcome::default();
    match boot(&mut outcome) {
        Ok(()) => outcome.succeed(),
        Err(Failed) => outcome.fail(),
    }
}

/// Something did not go as it must; the log says what.
#[derive(Clone, Copy)]
pub struct Failed;

fn boot(outcome: &mut Outcome) -> Result<(), Failed> {
    let ids = IdRegs::read();
    info!("cpu midr={=u64:#010x}", ids.get(Register::MIDR_EL1));
    for register in Register::ALL {
        info!(
            "idreg {=str}={=u64:#018x}",
            register.name(),
            ids.get(*register)
        );
    }

    let detected = Detected::new(&cpucaps::TABLE, ids).map_err(|conflict| {
        error!("cpucaps: {}", Display2Format(&conflict));
        Failed
    })?;
    log_caps(&detected);
    outcome.caps = detected.caps().len() as u32;

    // The field is 0 where the controller has no system registers.
    if detected.ids().field(&ID_AA64PFR0_EL1::GIC) != 0 {
        // SAFETY: boot comes here once; the registers are mapped.
        let cpus = unsafe { interrupts::init() };
        info!("GICv3 for {=usize} CPUs", cpus);
    }

    let before = checks::run("before", &Context { patched: None });

    // SAFETY: the bounds are those of the mapped text; nothing else looks at the
    // tables; boot comes here once.
    let mut image = unsafe { Image::new(memory::text()) };
    let patched = patch(&detected, &mut image, outcome);
    // A kernel whose tables were refused runs on as it was.
    let caps = patched.is_ok().then_some(detected.caps());
    let after = checks::run("after", &Context { patched: caps });
    proofs::text_is_protected()?;
    smp::exercise()?;
    before.and(patched).and(after)
}

fn log_caps(detected: &Detected) {
    for info in detected.table().iter() {
        info!(
            "cap {=u16} {=str} {} {=str} {}",
            info.cap.number(),
            info.name,
            Display2Format(&info.scope),
            if detected.caps().contains(info.cap) {
                "yes"
            } else {
                "no"
            },
            Display2Format(&info.rule.evidence(detected.ids())),
        );
    }
}

fn patch(detected: &Detected, image: &mut Image, outcome: &mut Outcome) -> Result<(), Failed> {
    proofs::wrong_alias_is_noticed(detected, image)?;
    // SAFETY: no other CPU has been started, and those that will be run an ISB
    // when they turn their MMU on; the image is the running one.
    let finalised = unsafe { detected.patch(image, &mut memory::Alias) }.map_err(refused)?;

    let report = finalised.report();
    outcome.sites = report.sites();
    outcome.patched = report.rewritten;
    log_counts(detected, image);
    info!(
        "report branches={=u32} alternatives={=u32} patched={=u32} words={=u32} lines={=u32}",
        report.branches, report.alternatives, report.rewritten, report.words, report.lines
    );

    // SAFETY: as above.
    let again = unsafe { detected.patch(image, &mut memory::Alias) }.map_err(refused)?;
    match again.report().rewritten {
        0 => info!("a second pass changes nothing"),
        n => {
            error!("a second pass changes {=u32} sites", n);
            return Err(Failed);
        }
    }
    Ok(())
}

fn refused(why: PatchError<&str>) -> Failed {
    error!("patch-error {}", Display2Format(&why));
    Failed
}

fn log_counts(detected: &Detected, image: &Image) {
    // The same tables that have just been accepted.
    let Ok(census) = Census::new(&image.region, detected.decision()) else {
        return;
    };
    for info in detected.table().iter() {
        let Count { sites, patched } = census.get(info.cap.number());
        if sites != 0 {
            info!(
                "count {=str} sites={=u32} patched={=u32}",
                info.name, sites, patched
            );
        }
    }
}
