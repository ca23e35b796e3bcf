//! Log lines of boot about the CPU, the cpucaps and the passes. `cargo xtask demo` reads these
//! lines.

use alt_runtime::Image;
use alt_runtime::boot::Finalised;
use alt_runtime::cap::idregs::Register;
use alt_runtime::cap::{CapSet, IdRegs};
use alt_runtime::patch::{Census, Count, Report};
use defmt::{Display2Format, info};

use crate::cpucaps;
use crate::platform::outcome::Outcome;

/// Logs the ID registers of the boot CPU.
pub fn log_registers(ids: &IdRegs) {
    info!("cpu midr={=u64:#010x}", ids.get(Register::MIDR_EL1));
    for register in Register::ALL {
        info!(
            "idreg {=str}={=u64:#018x}",
            register.name(),
            ids.get(*register)
        );
    }
}

/// Logs each cpucap, whether it is among those `present`, and the fields of `ids` that decided it.
pub fn log_caps(present: &CapSet, ids: &IdRegs) {
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

/// Logs the sites of each cpucap, the cpucaps and the sum of both passes; stores the sums in
/// `outcome`.
#[unsafe(link_section = ".init.text")]
pub fn log_passes(booted: Report, finalised: &Finalised, image: &Image<'_>, outcome: &mut Outcome) {
    // The tables have just been accepted, so this does not fail.
    let mut census = Census::EMPTY;
    let counted = census.count(&image.region(), finalised.decision(), 0..u64::MAX);
    if counted.is_ok() {
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
