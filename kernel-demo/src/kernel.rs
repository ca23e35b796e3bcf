//! Boot, from the first Rust function to power-off.

use aarch64_rt::entry;
use alt_runtime::Image;
use alt_runtime::boot::{Detected, Finalised};
use alt_runtime::cap::CapSet;
use alt_runtime::cap::IdRegs;
use alt_runtime::cap::idregs::Register;
use alt_runtime::patch::Census;
use defmt::{Display2Format, error, info};

use crate::checks::{self, Context, Phase};
use crate::outcome::Outcome;
use crate::{cpucaps, exceptions, log, memory, smp};

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

    let caps = *detected.caps();
    let before = checks::run(&Context {
        phase: Phase::Before,
        caps: &CapSet::EMPTY,
    });

    // SAFETY: the bounds are those of the mapped text; nothing else looks at the
    // tables; boot comes here once.
    let mut image = unsafe { Image::new(memory::text()) };
    let finalised = patch(detected, &mut image, outcome);
    let after = match &finalised {
        Ok(_) => checks::run(&Context {
            phase: Phase::After,
            caps: &caps,
        }),
        // The kernel runs on as it was: nothing may have changed.
        Err(Failed) => checks::run(&Context {
            phase: Phase::After,
            caps: &CapSet::EMPTY,
        }),
    };
    show_write_protection()?;
    smp::exercise()?;
    before.and(after).and(finalised.map(|_| ()))
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

fn patch(
    detected: Detected,
    image: &mut Image,
    outcome: &mut Outcome,
) -> Result<Finalised, Failed> {
    let (table, caps) = (detected.table(), *detected.caps());
    // SAFETY: no other CPU has been started, and those that will be run an ISB
    // when they turn their MMU on; the image is the running one.
    let finalised = unsafe { detected.patch(image, &mut memory::Alias) }.map_err(|(_, why)| {
        error!("patch-error {}", Display2Format(&why));
        Failed
    })?;

    let report = finalised.report();
    outcome.sites = report.sites();
    outcome.patched = report.rewritten;
    // The same tables that have just been accepted.
    if let Ok(census) = Census::new(&image.region, table, &caps) {
        for info in table.iter() {
            let count = census.get(info.cap.number());
            if count.sites != 0 {
                let (sites, patched) = (count.sites, count.patched);
                info!(
                    "count {=str} sites={=u32} patched={=u32}",
                    info.name, sites, patched
                );
            }
        }
    }
    info!(
        "report branches={=u32} alternatives={=u32} patched={=u32} words={=u32} lines={=u32}",
        report.branches, report.alternatives, report.rewritten, report.words, report.lines
    );
    Ok(finalised)
}

/// Text can be written neither where it runs nor where it was patched.
fn show_write_protection() -> Result<(), Failed> {
    let text = memory::text().start.cast_mut();
    let alias = memory::alias_of(text);
    for (name, word) in [("text", text), ("closed alias", alias)] {
        // SAFETY: the write faults, or it puts back what is there.
        match unsafe { exceptions::try_write(word, text.read_volatile()) } {
            Err(fault) => info!(
                "wxorx ok writing the {=str} at {=u64:#x} faults: ESR_EL1={=u64:#x}",
                name, word as u64, fault.syndrome
            ),
            Ok(()) => {
                error!("the {=str} at {=u64:#x} is writable", name, word as u64);
                return Err(Failed);
            }
        }
    }
    Ok(())
}
