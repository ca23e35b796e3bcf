//! The device tree: the command line, files that the host has loaded, and how the firmware is called.

use core::ops::Range;

use dtoolkit::fdt::{Fdt, FdtNode};
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

/// Calls `read` with the rest of the first word that begins with `key`.
pub fn with_word<R>(key: &str, read: impl FnOnce(&str) -> R) -> Option<R> {
    with_command_line(|line| {
        let mut words = line.split_ascii_whitespace();
        words.find_map(|word| word.strip_prefix(key)).map(read)
    })
}

/// The decimal number in the first word of the form `key` followed by a number.
pub fn number(key: &str) -> Option<u64> {
    with_command_line(|line| {
        line.split_ascii_whitespace()
            .find_map(|word| word.strip_prefix(key)?.parse().ok())
    })
}

/// Where the host has loaded files, by ascending address: children of `/chosen` that are compatible with
/// `multiboot,module`, as boot loaders hand modules to Xen. QEMU's device `guest-loader` makes them.
pub fn boot_modules() -> impl Iterator<Item = Range<usize>> {
    let chosen = device_tree().and_then(|tree| tree.find_node("/chosen"));
    let nodes = move || chosen.into_iter().flat_map(|chosen| chosen.children());
    let ranges = move || nodes().filter_map(|node| boot_module(&node));
    // The order of the nodes is the firmware's own.
    core::iter::successors(lowest_from(ranges(), 0), move |last| {
        lowest_from(ranges(), last.start + 1)
    })
}

fn lowest_from(ranges: impl Iterator<Item = Range<usize>>, from: usize) -> Option<Range<usize>> {
    let above = ranges.filter(|range| range.start >= from);
    above.min_by_key(|range| range.start)
}

/// The memory of a node, if it is a boot module: `reg` is an address and a size of 64 bits each.
fn boot_module(node: &FdtNode<'_>) -> Option<Range<usize>> {
    let is_module = node.property("compatible").is_some_and(|compatible| {
        let mut names = compatible.value().split(|byte| *byte == 0);
        names.any(|name| name == b"multiboot,module")
    });
    let reg = node.property("reg").filter(|_| is_module)?;
    let (address, size) = reg.value().split_first_chunk()?;
    let number = |bytes: &[u8; 8]| u64::from_be_bytes(*bytes) as usize;
    let (start, size) = (number(address), number(size.first_chunk()?));
    Some(start..start.checked_add(size)?)
}

/// Whether PSCI is called by SMC rather than by HVC.
pub fn psci_uses_smc() -> bool {
    let psci = device_tree().and_then(|tree| tree.find_node("/psci"));
    psci.and_then(|psci| psci.property("method"))
        .is_some_and(|method| method.value() == b"smc\0")
}
