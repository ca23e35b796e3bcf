//! Boot, from the first Rust function to power-off: the order in which a kernel calls alt-runtime.
//!
//! Lines that begin with `checks::` test it; a kernel leaves them out, and enters its scheduler in
//! place of `checks::stress::WORK`.

use aarch64_rt::entry;
use alt_runtime::boot::{Booted, Detected, FinaliseError, Finalised};
use alt_runtime::cap::IdRegs;
use alt_runtime::cap::idregs::Register;
use alt_runtime::cap::idregs::fields::ID_AA64PFR0_EL1;
use alt_runtime::patch::Decision;
use alt_runtime::{Image, text};
use defmt::{Display2Format, error, info};
use spin::mutex::SpinMutex;

use crate::checks::{self, Context};
use crate::platform::alias::Alias;
use crate::platform::board::{DEVICE_TREE, DEVICES, MAX_CPUS, PAGE, PAYLOADS};
use crate::platform::interrupts::nmi;
use crate::platform::memory::{MapEntry, Rights};
use crate::platform::outcome::{Failed, Outcome};
use crate::platform::{console, device_tree, idregs, image, interrupts, memory};
use crate::{cpucaps, features, hyp, report, smp};

entry!(main);

fn main(_arg0: u64, _arg1: u64, _arg2: u64, _arg3: u64) -> ! {
    memory::protect(memory_map());
    console::init();
    let mut outcome = Outcome::default();
    match boot(&mut outcome).and_then(run) {
        Ok(()) => outcome.succeed(),
        Err(Failed) => outcome.fail(),
    }
}

/// The memory map: each part of the image with the least rights, the devices, the device
/// tree, the files that the host has loaded, and memory for livepatch payloads.
fn memory_map() -> impl Iterator<Item = MapEntry> {
    let (text, hyp_text) = (image::text(), hyp::variant::all_text());
    let entry = |pages, rights| MapEntry { pages, rights };
    let files = device_tree::boot_modules().map(move |file| {
        let end = file.end.next_multiple_of(PAGE);
        entry(file.start & !(PAGE - 1)..end, Rights::ReadOnly)
    });
    let parts = [
        entry(image::rodata(), Rights::ReadOnly),
        entry(image::plan(), Rights::ReadWrite),
        entry(text.start..hyp_text.start, Rights::Execute),
        // The hypervisor's text is at the end of the text. It is not executed at EL1.
        entry(hyp_text, Rights::ReadOnly),
        entry(image::data(), Rights::ReadWrite),
        entry(DEVICES, Rights::Device),
        entry(DEVICE_TREE, Rights::ReadOnly),
        entry(PAYLOADS, Rights::ReadWrite),
    ];
    parts.into_iter().chain(files)
}

/// The state in which boot has left the text.
enum Text {
    /// The boot-scope pass was refused: every site holds its default.
    Default,
    /// There was no last pass.
    Booted(&'static SpinMutex<Booted>),
    Final(&'static Finalised),
}

/// Everything that happens once: detection, the passes, and the CPUs in between. It is in the init
/// region, like the tables that it reads.
#[inline(never)]
#[unsafe(link_section = ".init.text")]
fn boot(outcome: &mut Outcome) -> Result<Text, Failed> {
    // 1. Detection on the boot CPU.
    let detected = detect()?;
    let cpus = start_interrupts(&detected);
    checks::prepare();
    checks::costs::log_parts(&image::text());
    hyp::callbacks::prepare();
    checks::run("before", &Context::DEFAULT)?;

    // 2. The boot-scope pass, while no other CPU runs.
    // SAFETY: the linker script bounds the text by these symbols, and it is mapped; nothing else
    // uses the tables; `boot` runs once.
    let mut image = unsafe { Image::new(text!(__init_text_start, __text_end)) };
    checks::proofs::wrong_alias_is_noticed(&detected, &mut image)?;
    checks::proofs::read_only_alias_is_noticed(&detected, &mut image)?;
    let Some(booted) = patch_boot(&detected, &mut image) else {
        return Ok(Text::Default);
    };
    booted.enable(&features::ENABLE, detected.ids());
    checks::proofs::applied_is_what_was_decided(&booted)?;
    hyp::prepare(booted.is_applied(cpucaps::HVHE))?;

    // 3. The other CPUs. Each is compared with the boot CPU when it starts.
    let booted = smp::share(booted);
    if checks::livepatch::is_requested() {
        smp::keep_others();
    }
    smp::start(1, last_early(cpus), checks::stress::WORK)?;
    checks::proofs::missing_cpu_is_named()?;
    checks::stress::wait_for_watchers()?;

    // 4. The last pass, for everything that depends on all CPUs, while they are stopped.
    hyp::callbacks::set_cache_type(booted.lock().ids().get(Register::CTR_EL0));
    let text = finalise(&detected, booted, &mut image)?;
    let Text::Final(finalised) = text else {
        smp::cancel();
        return Ok(text);
    };
    finalised.enable(&features::ENABLE, detected.ids());
    report::log_passes(smp::boot_report(), finalised, &image, outcome);
    hyp::log_sites(&image.region(), finalised)?;
    hyp::install_on_this_cpu(0)?;
    checks::proofs::final_is_applied(finalised)?;
    checks::proofs::second_pass_is_idle(finalised, &mut image)?;

    // 5. Modules, which are patched when they are loaded. Their callbacks are in `.rodata`, so a
    // kernel can load modules after boot, too.
    checks::module::run(finalised, image.region().callbacks)?;
    Ok(text)
}

/// Decides the cpucaps by the ID registers of the boot CPU, after the overrides on the command line.
#[unsafe(link_section = ".init.text")]
fn detect() -> Result<Detected, Failed> {
    report::log_registers(&IdRegs::read());
    idregs::parse_overrides();
    let ids = idregs::read(0);
    let clock = checks::costs::Clock::start();
    let detected = Detected::new(&cpucaps::TABLE, ids);
    clock.log("detect");
    detected.map_err(|conflict| {
        error!("cpucaps: {}", Display2Format(&conflict));
        Failed
    })
}

/// Starts the interrupt controller, if the kernel can drive it, and returns the number of CPUs.
#[unsafe(link_section = ".init.text")]
fn start_interrupts(detected: &Detected) -> usize {
    // The field is 0 where the controller has no system registers.
    match detected.ids().field(&ID_AA64PFR0_EL1::GIC) {
        0 => MAX_CPUS,
        // SAFETY: `boot` runs once; the registers are mapped.
        _ => unsafe { interrupts::init() },
    }
}

/// The boot-scope pass; `None` if it was refused.
#[unsafe(link_section = ".init.text")]
fn patch_boot(detected: &Detected, image: &mut Image<'_>) -> Option<Booted> {
    let clock = checks::costs::Clock::start();
    // SAFETY: no other CPU has been started; each invalidates its instruction cache when its MMU is
    // on (`platform::entry`). The image is the running one.
    let booted = unsafe { detected.patch_boot(image, &mut Alias) };
    clock.log("first pass");
    match booted {
        Ok(booted) => {
            info!("boot-scope pass: {}", Display2Format(&booted.report()));
            Some(booted)
        }
        Err(why) => {
            report::log_caps(detected.caps(), detected.ids());
            error!("patch-error {}", Display2Format(&why));
            None
        }
    }
}

/// Stops the other CPUs and makes the last pass. After an error of the pass, or if a CPU cannot be
/// stopped, the text is as the boot-scope pass has left it.
#[unsafe(link_section = ".init.text")]
fn finalise(
    detected: &Detected,
    booted: &'static SpinMutex<Booted>,
    image: &mut Image<'_>,
) -> Result<Text, Failed> {
    let Ok(stopped) = smp::stop_others() else {
        return Ok(Text::Booted(booted));
    };
    let clock = checks::costs::Clock::start();
    // SAFETY: all CPUs that have been started are stopped, outside of any site.
    let finalised = unsafe { booted.lock().finalise(&stopped, image, &mut Alias) };
    clock.log("last pass");
    match finalised {
        Ok(finalised) => Ok(Text::Final(smp::publish(finalised))),
        Err(FinaliseError::Patch(why)) => {
            report::log_caps(detected.caps(), detected.ids());
            error!("patch-error {}", Display2Format(&why));
            Ok(Text::Booted(booted))
        }
        Err(why) => {
            error!("cpucaps: {}", Display2Format(&why));
            Err(Failed)
        }
    }
}

/// The last CPU to be started before the last pass. One of several CPUs is started after it.
fn last_early(cpus: usize) -> usize {
    if cpus > 2 { cpus - 2 } else { cpus - 1 }
}

/// The kernel after boot, without the init region.
fn run(text: Text) -> Result<(), Failed> {
    let finalised = match text {
        Text::Final(finalised) => finalised,
        // The kernel works as it was left, but the run is not a success.
        Text::Booted(booted) => {
            check_after(booted.lock().decision())?;
            return Err(Failed);
        }
        Text::Default => {
            checks::run("after", &Context::DEFAULT)?;
            return Err(Failed);
        }
    };
    // SAFETY: `boot` has returned, and there is no further pass over the image.
    let bytes = unsafe { memory::free_init() };
    info!("init region freed: {=usize} bytes", bytes);
    check_after(finalised.decision())?;
    checks::proofs::text_is_protected()?;

    hyp::free_unused(finalised);
    checks::hyp::run_on_this_cpu(0)?;
    checks::hyp::run(finalised)?;

    let early = smp::online();
    smp::start_late(checks::stress::WORK)?;
    info!(
        "report cpus={=usize} early={=usize} late={=usize} kept-out={=usize}",
        smp::online(),
        early,
        smp::online() - early,
        smp::refused()
    );
    checks::stress::run()?;
    nmi::log();

    // 6. Functions that are replaced while all CPUs run.
    checks::livepatch::run(finalised)?;
    Ok(())
}

/// Runs the checks on text that was patched by this decision.
fn check_after(decision: Decision<'_>) -> Result<(), Failed> {
    let Decision {
        decided, present, ..
    } = decision;
    checks::run("after", &Context { decided, present })
}
