//! The device tree: the command line, and how the firmware is called.

use dtoolkit::fdt::Fdt;
use dtoolkit::{Node, Property};

use super::board::DEVICE_TREE;

fn device_tree() -> Option<Fdt<'static>> {
    // SAFETY: the memory is mapped and nothing writes to it; `from_raw` refuses anything but a
    // device tree.
    unsafe { Fdt::from_raw(DEVICE_TREE.start as *const u8) }.ok()
}

/// Calls `read` with the kernel's command line.
pub fn with_command_line<R>(read: impl FnOnce(&str) -> R) -> R {
    let tree = device_tree();
    let chosen = tree.and_then(|tree| tree.chosen());
    let line = chosen
        .as_ref()
        .and_then(|chosen| chosen.bootargs().ok().flatten());
    read(line.unwrap_or(""))
}

/// Whether `word` is on the command line.
pub fn has_word(word: &str) -> bool {
    with_command_line(|line| line.split_ascii_whitespace().any(|other| other == word))
}

/// The decimal number in the first word of the form `key` followed by a number.
pub fn number(key: &str) -> Option<u64> {
    with_command_line(|line| {
        line.split_ascii_whitespace()
            .find_map(|word| word.strip_prefix(key)?.parse().ok())
    })
}

/// Whether PSCI is called by SMC rather than by HVC.
pub fn psci_uses_smc() -> bool {
    let psci = device_tree().and_then(|tree| tree.find_node("/psci"));
    psci.and_then(|psci| psci.property("method"))
        .is_some_and(|method| method.value() == b"smc\0")
}
