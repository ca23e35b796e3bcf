//! The ID registers of the CPU models of QEMU, as read by a program on each.

use super::{IdsError, Machine};

/// The measured registers, compiled into the package.
const QEMU: &str = include_str!("../../../cpus/qemu.toml");

/// The default machine, which most of the rows are about.
const USUAL: &str = "virt,gic-version=3";

/// The built-in machine `CPU[/OPTIONS][@VERSION]`: `cortex-a76`, `max,pauth=off`,
/// `max/mte=on@7.2`.
///
/// * `CPU` is the argument of QEMU's `-cpu`, including properties.
/// * `OPTIONS` follow `virt,gic-version=3,` in `-machine`; without any, the machine is
///   `virt,gic-version=3`. They affect some fields: the GIC decides `ID_AA64PFR0_EL1.GIC`, and MTE
///   requires `mte=on`.
/// * `VERSION` is that of QEMU; by default the newest one with known registers.
///
/// # Errors
/// [`IdsError::UnknownCpu`] and [`IdsError::UnknownVersion`], which list the known ones.
pub fn builtin(cpu: &str) -> Result<Machine, IdsError> {
    find(super::read("the built-in machines", QEMU)?, cpu)
}

fn find(machines: Vec<Machine>, asked: &str) -> Result<Machine, IdsError> {
    let (cpu, version) = match asked.rsplit_once('@') {
        Some((cpu, version)) => (cpu, Some(version)),
        None => (asked, None),
    };
    let (known, candidates): (Vec<_>, Vec<_>) = machines
        .into_iter()
        .map(|machine| (label(&machine), machine))
        .partition(|(label, _)| label != cpu);
    if candidates.is_empty() {
        let mut known: Vec<String> = known.into_iter().map(|(label, _)| label).collect();
        known.sort();
        known.dedup();
        let cpu = cpu.to_owned();
        return Err(IdsError::UnknownCpu { cpu, known });
    }
    let mut candidates: Vec<Machine> = candidates.into_iter().map(|(_, found)| found).collect();
    candidates.sort_by_key(|machine| order(machine.qemu.as_deref().unwrap_or_default()));
    let known = candidates.iter().filter_map(|found| found.qemu.clone());
    let known: Vec<String> = known.collect();
    let is_meant = |machine: &Machine| version.is_none() || machine.qemu.as_deref() == version;
    let newest = candidates.into_iter().rfind(is_meant);
    newest.ok_or_else(|| IdsError::UnknownVersion {
        cpu: cpu.to_owned(),
        version: version.unwrap_or_default().to_owned(),
        known,
    })
}

/// The text that selects a machine, without the version.
fn label(machine: &Machine) -> String {
    let unversioned = Machine {
        qemu: None,
        ..machine.clone()
    };
    unversioned.to_string()
}

/// The options of a machine other than the default.
pub fn short(machine: &str) -> Option<&str> {
    if machine == USUAL {
        return None;
    }
    let rest = machine.strip_prefix(USUAL);
    Some(
        rest.and_then(|rest| rest.strip_prefix(','))
            .unwrap_or(machine),
    )
}

/// A version as numbers, so that `10.0` sorts after `9.2`.
fn order(version: &str) -> Vec<u32> {
    let numbers = version.split('.');
    numbers.map(|number| number.parse().unwrap_or(0)).collect()
}
