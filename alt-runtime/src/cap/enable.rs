//! Switching on, on each CPU, what was found.

use super::{Cap, CapSet, IdRegs};

/// What each CPU does once a cpucap is decided to be present, such as setting a control bit.
#[derive(Clone, Copy, Debug)]
pub struct Enable {
    /// The cap.
    pub cap: Cap,
    /// What to do. It runs on every CPU, one that lacks a local cap included, and therefore
    /// gets that CPU's own registers, with the overrides applied, to see for itself.
    pub run: fn(&IdRegs),
}

/// Runs, in the order of the list, the hooks of those caps that are in `caps`.
///
/// To be called on each CPU, with its own registers, each time for the caps that were decided
/// since the last time:
///
/// | when | where | `caps` |
/// |------|-------|--------|
/// | after the boot-scope pass | the boot CPU | [`SystemView::boot_caps`](super::SystemView::boot_caps) |
/// | it comes online and fits | each early secondary | [`SystemView::boot_caps`](super::SystemView::boot_caps) |
/// | the cpucaps are final | every CPU | [`Final::later_caps`](super::Final::later_caps) |
/// | it comes online and fits | each late CPU | [`Final::caps`](super::Final::caps) |
pub fn run_hooks(hooks: &[Enable], caps: &CapSet, regs: &IdRegs) {
    for hook in hooks.iter().filter(|hook| caps.contains(hook.cap)) {
        (hook.run)(regs);
    }
}
