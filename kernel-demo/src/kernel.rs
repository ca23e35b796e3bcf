//! Boot, from the first Rust function to power-off.

use aarch64_rt::entry;
use alt_runtime::Image;
use alt_runtime::boot::{Booted, Detected, FinaliseError, Finalised};
use alt_runtime::cap::idregs::Register;
use alt_runtime::cap::idregs::fields::ID_AA64PFR0_EL1;
use alt_runtime::cap::{CapSet, IdRegs};
use alt_runtime::patch::{Census, Count, Decision, Plan};
use defmt::{Display2Format, error, info};
use spin::mutex::SpinMutex;

use crate::checks::{self, Context};
use crate::outcome::Outcome;
use crate::{cmdline, cpucaps, hooks, hyp, interrupts, log, memory, module, proofs, smp};

entry!(main);

/// Something did not go as it must; the log says what.
#[derive(Clone, Copy)]
pub struct Failed;

fn main(_arg0: u64, _arg1: u64, _arg2: u64, _arg3: u64) -> ! {
    memory::protect();
    log::init();
    let mut outcome = Outcome::default();
    match boot(&mut outcome).and_then(run) {
        Ok(()) => outcome.succeed(),
        Err(Failed) => outcome.fail(),
    }
}

/// How far patching came.
enum Text {
    /// The tables were refused at once.
    Default,
    /// The last pass did not happen.
    Booted(&'static SpinMutex<Booted>),
    Final(&'static Finalised),
}

/// Everything that happens once: detection, and the passes. It lives in the init
/// region, with the tables.
#[inline(never)]
#[unsafe(link_section = ".init.text")]
fn boot(outcome: &mut Outcome) -> Result<Text, Failed> {
    log_registers(&IdRegs::read());
    cmdline::parse();
    let ids = cmdline::registers(0);
    let detected = Detected::new(&cpucaps::TABLE, ids).map_err(|conflict| {
        error!("cpucaps: {}", Display2Format(&conflict));
        Failed
    })?;
    // The field is 0 where the controller has no system registers.
    let cpus = match detected.ids().field(&ID_AA64PFR0_EL1::GIC) {
        0 => smp::MAX_CPUS,
        // SAFETY: boot comes here once; the registers are mapped.
        _ => unsafe { interrupts::init() },
    };
    checks::callbacks::prepare();
    hyp::callbacks::prepare();
    checks::run("before", &Context::DEFAULT)?;

    // SAFETY: the bounds are those of the mapped text; nothing else looks at the
    // tables; boot comes here once.
    let mut image = unsafe { Image::new(memory::text()) };
    proofs::wrong_alias_is_noticed(&detected, &mut image)?;
    // SAFETY: no other CPU has been started; those that will be empty their instruction
    // cache when their MMU is on. The image is the running one.
    let booted = match unsafe { detected.patch_boot(&mut image, &mut memory::Alias) } {
        Ok(booted) => booted,
        Err(why) => {
            log_caps(detected.caps(), detected.ids());
            error!("patch-error {}", Display2Format(&why));
            return Ok(Text::Default);
        }
    };
    info!("boot-scope pass: {}", Display2Format(&booted.report()));
    booted.enable(&hooks::ENABLE, detected.ids());

    proofs::applied_is_what_was_decided(&booted)?;
    hyp::prepare(booted.is_applied(cpucaps::HVHE))?;
    let booted = smp::share(booted);
    smp::start(1, last_early(cpus))?;
    proofs::missing_cpu_is_named()?;
    let held = match smp::hold() {
        Ok(held) => held,
        Err(Failed) => {
            smp::give_up();
            return Ok(Text::Booted(booted));
        }
    };
    hyp::callbacks::set_cache_type(booted.lock().ids().get(Register::CTR_EL0));
    // SAFETY: all CPUs that have been started are held, between two sites.
    let finalised = unsafe {
        booted
            .lock()
            .finalise(&held, &mut image, &mut memory::Alias)
    };
    let finalised = match finalised {
        Ok(finalised) => smp::publish(finalised),
        Err(FinaliseError::Patch(why)) => {
            log_caps(detected.caps(), detected.ids());
            error!("patch-error {}", Display2Format(&why));
            smp::give_up();
            return Ok(Text::Booted(booted));
        }
        Err(why) => {
            error!("cpucaps: {}", Display2Format(&why));
            return Err(Failed);
        }
    };
    drop(held);
    finalised.enable(&hooks::ENABLE, detected.ids());
    log_report(finalised, &image, outcome);
    hyp::log_sites(&image.region(), finalised)?;
    hyp::on_this_cpu(0)?;
    if !finalised.is_applied(cpucaps::ALWAYS_SYSTEM) {
        error!("the last pass is over, and says that it is not");
        return Err(Failed);
    }
    second_pass_is_idle(finalised, &mut image)?;
    module::exercise(finalised, image.region().callbacks)?;
    Ok(Text::Final(finalised))
}

/// One CPU of several comes late, after the last pass.
fn last_early(cpus: usize) -> usize {
    if cpus > 2 { cpus - 2 } else { cpus - 1 }
}

/// What stays when boot is over.
fn run(text: Text) -> Result<(), Failed> {
    match text {
        Text::Final(finalised) => {
            // SAFETY: boot has returned, and there is no further pass.
            let bytes = unsafe { memory::give_back_init() };
            info!("init region given back: {=usize} bytes", bytes);
            let Decision {
                decided, present, ..
            } = finalised.decision();
            checks::run("after", &Context { decided, present })?;
            proofs::text_is_protected()?;
            hyp::give_back(finalised);
            hyp::exercise_this_cpu(0)?;
            hyp::exercise(finalised)?;
            let early = smp::online();
            smp::start_late()?;
            info!(
                "report cpus={=usize} early={=usize} late={=usize} kept-out={=usize}",
                smp::online(),
                early,
                smp::online() - early,
                smp::kept_out()
            );
            smp::exercise()?;
            interrupts::superpriority::log();
            Ok(())
        }
        // The kernel runs on as it was left.
        Text::Booted(booted) => {
            let booted = booted.lock();
            let Decision {
                decided, present, ..
            } = booted.decision();
            checks::run("after", &Context { decided, present })?;
            Err(Failed)
        }
        Text::Default => {
            checks::run("after", &Context::DEFAULT)?;
            Err(Failed)
        }
    }
}

fn log_registers(ids: &IdRegs) {
    info!("cpu midr={=u64:#010x}", ids.get(Register::MIDR_EL1));
    for register in Register::ALL {
        info!(
            "idreg {=str}={=u64:#018x}",
            register.name(),
            ids.get(*register)
        );
    }
}

/// The cpucaps `present`, which the registers `ids` have decided.
fn log_caps(present: &CapSet, ids: &IdRegs) {
    for info in cpucaps::TABLE.iter() {
        info!(
            "cap {=u16} {=str} {} {=str} {}",
            info.cap.number(),
            info.name,
            Display2Format(&info.scope),
            if present.contains(info.cap) {
                "yes"
            } else {
                "no"
            },
            Display2Format(&info.rule.evidence(ids)),
        );
    }
}

fn log_report(finalised: &Finalised, image: &Image<'_>, outcome: &mut Outcome) {
    // The same tables that have just been accepted.
    if let Ok(census) = Census::new(&image.region(), finalised.decision()) {
        for info in cpucaps::TABLE.iter() {
            let Count { sites, patched } = census.get(info.cap.number());
            if sites != 0 {
                info!(
                    "count {=str} sites={=u32} patched={=u32}",
                    info.name, sites, patched
                );
            }
        }
    }
    log_caps(finalised.caps(), finalised.ids());
    outcome.caps = finalised.caps().len() as u32;
    let report = finalised.report();
    let booted = smp::boot_report();
    let rewritten = booted.rewritten + report.rewritten;
    outcome.sites = report.sites();
    outcome.patched = rewritten;
    info!(
        "report branches={=u32} alternatives={=u32} patched={=u32} words={=u32} lines={=u32}",
        report.branches,
        report.alternatives,
        rewritten,
        booted.words + report.words,
        booted.lines + report.lines,
    );
}

fn second_pass_is_idle(finalised: &Finalised, image: &mut Image<'_>) -> Result<(), Failed> {
    let (region, room) = image.parts();
    match Plan::new(&region, finalised.decision(), room) {
        Ok(plan) if plan.writes().is_empty() => {
            info!("a second pass would change nothing");
            Ok(())
        }
        Ok(plan) => {
            error!(
                "a second pass would write {=usize} words",
                plan.writes().len()
            );
            Err(Failed)
        }
        Err(why) => {
            error!("a second pass is refused: {}", Display2Format(&why));
            Err(Failed)
        }
    }
}
