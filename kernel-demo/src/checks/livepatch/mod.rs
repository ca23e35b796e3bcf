//! Functions of this kernel are replaced while the other CPUs call them. The command line says what
//! to do: `livepatch=` and commands, separated by commas. Payloads are named by number, in the order
//! of the files that the host has loaded.
//!
//! | command | does |
//! |---|---|
//! | `load:N`, `apply:N`, `revert:N`, `unload:N` | an operation on payload N |
//! | `replace:N` | reverts all others and applies payload N, in one step |
//! | `cycle:N:COUNT` | applies and reverts payload N that often |
//! | `check` | runs the checks and prints the messages of this kernel |
//! | `call` | calls the functions that payloads of the tests replace, and logs the results |
//! | `peek:ADDRESS` | logs a word of memory |
//! | `sum` | logs a checksum of the text |
//! | `busy:0`, `busy:1` | CPU 1 leaves, or stays in, a function that payloads of the tests replace |
//! | `absent:0`, `absent:1` | CPU 2 comes, or does not come, to the rendezvous |
//! | `settle` | waits until the other CPUs have executed the functions after the last operation |
//! | `calls` | logs how often the other CPUs have called old and new functions |
//!
//! The result of each command is logged. A command that is refused does not end the run: tests
//! expect refusals.

pub mod load;
mod targets;

use core::sync::atomic::{AtomicBool, Ordering};

use alt_runtime::boot::Finalised;
use alt_runtime::livepatch::State;
use alt_runtime::livepatch::format::Id;
use defmt::{Display2Format, error, info};

use super::{Context, proofs, run as run_checks};
use crate::livepatch::{self, Host, LIVEPATCH};
use crate::platform::interrupts::nmi;
use crate::platform::outcome::Failed;
use crate::platform::{device_tree, timer};
use crate::{report, smp};

/// The first word of the command line that has the commands.
const KEY: &str = "livepatch=";

/// Most payloads that a host can hand over.
const MAX: usize = 8;

/// Whether there is something to do: then the other CPUs must stay online.
pub fn is_requested() -> bool {
    device_tree::with_word(KEY, |_| ()).is_some()
}

/// Executes the commands of the command line, if there are any, and lets the other CPUs go.
pub fn run(system: &'static Finalised) -> Result<(), Failed> {
    let done = device_tree::with_word(KEY, |commands| script(commands, system));
    smp::retire_others();
    done.unwrap_or(Ok(()))
}

fn script(commands: &str, system: &'static Finalised) -> Result<(), Failed> {
    let Some(host) = livepatch::start(system) else {
        error!("livepatch: the image has no build id");
        return Err(Failed);
    };
    let mut session = Session {
        system,
        host,
        ids: [None; MAX],
    };
    info!("livepatch begin");
    let result = commands
        .split(',')
        .try_for_each(|command| session.execute(command));
    info!("livepatch end");
    result
}

/// The payloads by the numbers of the commands.
struct Session {
    system: &'static Finalised,
    host: Host,
    /// The ids of those that have been loaded.
    ids: [Option<Id>; MAX],
}

/// Logs the result of an operation.
macro_rules! log {
    ($command:expr, $result:expr) => {
        match $result {
            Ok(_) => info!("livepatch {=str}: ok", $command),
            Err(why) => info!("livepatch {=str}: {}", $command, Display2Format(&why)),
        }
    };
}

impl Session {
    fn execute(&mut self, command: &str) -> Result<(), Failed> {
        let mut words = command.split(':');
        let name = words.next().unwrap_or("");
        let argument = words.next().unwrap_or("");
        match name {
            "load" => return self.load(command, argument),
            "check" => return check(self.system),
            "call" => call(),
            "peek" => return peek(argument),
            "sum" => info!("livepatch sum {=u64:#018x}", proofs::resident_sum()),
            "busy" => return switch(argument, &targets::BUSY, &targets::IS_BUSY),
            "absent" => return switch(argument, &load::ABSENT, &load::IS_ABSENT),
            "calls" => return calls(),
            "settle" => return load::settle(),
            "cycle" => return self.cycle(command, argument, words.next().unwrap_or("")),
            "apply" | "revert" | "replace" | "unload" => {
                let (id, host) = (self.id(argument)?, &mut self.host);
                match name {
                    "apply" => log!(command, LIVEPATCH.apply(host, &id)),
                    "revert" => log!(command, LIVEPATCH.revert(host, &id)),
                    "replace" => log!(command, LIVEPATCH.replace(host, &id)),
                    _ => log!(command, LIVEPATCH.unload(host, &id)),
                }
                info!(
                    "livepatch executable pages={=usize}",
                    livepatch::executable()
                );
                let (held, frequency) = (livepatch::held(), timer::frequency());
                info!("livepatch held={=u64} frequency={=u64}", held, frequency);
            }
            _ => return unknown(command),
        }
        Ok(())
    }

    /// The id of the payload with this number; an id that no payload has if it was not loaded.
    fn id(&self, number: &str) -> Result<Id, Failed> {
        let number = number.parse().ok().filter(|number: &usize| *number < MAX);
        match number {
            Some(number) => Ok(self.ids[number].unwrap_or_default()),
            None => unknown("a number of a payload").and(Err(Failed)),
        }
    }

    fn load(&mut self, command: &str, number: &str) -> Result<(), Failed> {
        let number: usize = number.parse().unwrap_or(MAX);
        let file = device_tree::boot_modules().nth(number);
        let Some((file, slot)) = file.zip(self.ids.get_mut(number)) else {
            return unknown(command);
        };
        // SAFETY: `boot` has mapped the file, read only, and nothing else uses it.
        let bytes = unsafe { core::slice::from_raw_parts(file.start as *const u8, file.len()) };
        // SAFETY: whoever starts this kernel with payloads promises that they are for it.
        let loaded = unsafe { LIVEPATCH.load(&mut self.host, bytes) };
        if let Ok(id) = loaded {
            *slot = Some(id);
        }
        log!(command, loaded);
        LIVEPATCH.list(|payload| {
            info!(
                "livepatch payload {=str} {=str} resident={=u64} functions={=u32}",
                payload.name,
                match payload.state {
                    State::Loaded => "loaded",
                    State::Applied => "applied",
                },
                payload.resident,
                payload.functions,
            );
        });
        info!(
            "livepatch executable pages={=usize}",
            livepatch::executable()
        );
        Ok(())
    }

    /// Applies and reverts a payload, until something is refused.
    fn cycle(&mut self, command: &str, number: &str, count: &str) -> Result<(), Failed> {
        let id = self.id(number)?;
        let Ok(count) = count.parse::<u32>() else {
            return unknown(command);
        };
        let mut result = Ok(());
        for turn in 0..count {
            result = LIVEPATCH.apply(&mut self.host, &id).map(drop);
            // Where all CPUs take turns, the others would never run in this state.
            if result.is_ok() && turn % 100 == 0 {
                load::settle()?;
            }
            result = result.and_then(|()| LIVEPATCH.revert(&mut self.host, &id).map(drop));
            if result.is_err() {
                break;
            }
        }
        log!(command, result);
        Ok(())
    }
}

/// Runs the functions that show the effect of a change of this kernel.
fn check(system: &Finalised) -> Result<(), Failed> {
    let decision = system.decision();
    let context = Context {
        decided: decision.decided,
        present: decision.present,
    };
    run_checks("livepatch", &context)?;
    proofs::text_is_protected()?;
    proofs::final_is_applied(system)?;
    report::log_registers(system.ids());
    report::log_caps(system.caps(), system.ids());
    super::hyp::run(system)?;
    super::hyp::check_count()?;
    nmi::log();
    Ok(())
}

/// Calls the functions that payloads of the tests replace.
fn call() {
    info!(
        "livepatch versions first={=u64} second={=u64} padded={=u64} site={=u64} busy={=u64}",
        targets::livepatch_first(),
        targets::livepatch_second(),
        targets::livepatch_padded(),
        targets::livepatch_site(),
        targets::livepatch_busy(0),
    );
}

/// Switches a behaviour of another CPU on or off, and waits until the CPU shows it.
fn switch(argument: &str, wanted: &AtomicBool, shown: &AtomicBool) -> Result<(), Failed> {
    let on = argument == "1";
    wanted.store(on, Ordering::Release);
    smp::wait("change", || shown.load(Ordering::Acquire) == on)
}

fn calls() -> Result<(), Failed> {
    let load::Calls { old, new, mixed } = load::calls();
    info!(
        "livepatch calls old={=u64} new={=u64} mixed={=u64}",
        old, new, mixed
    );
    Ok(())
}

fn peek(address: &str) -> Result<(), Failed> {
    let digits = address.strip_prefix("0x").unwrap_or(address);
    let Ok(address) = usize::from_str_radix(digits, 16) else {
        return unknown(address);
    };
    // SAFETY: a read of memory has no effect, and one of nothing faults.
    match unsafe { super::probe::read(address as *const u32) } {
        Ok(word) => info!("livepatch word {=usize:#x} {=u32:#010x}", address, word),
        Err(_) => info!("livepatch word {=usize:#x} is not mapped", address),
    }
    Ok(())
}

fn unknown(command: &str) -> Result<(), Failed> {
    error!(
        "livepatch: {=str}: not a command, or not a payload",
        command
    );
    Err(Failed)
}
