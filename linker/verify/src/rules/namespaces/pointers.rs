//! The pointer table of a namespace. It lists the absolute addresses in the namespace: addresses of the kernel
//! in the file, which are converted to those of the namespace at boot.

use std::collections::BTreeSet;

use alt_image::image::ABS64;

use crate::context::Context;
use crate::namespaces::Namespace;
use crate::rule::Reporter;

pub(super) fn check(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for namespace in &context.namespaces.list {
        let entries = entries(context, namespace, reporter);
        relocated(context, namespace, &entries, reporter);
    }
}

/// The valid entries of the table.
fn entries(
    context: &Context<'_>,
    namespace: &Namespace,
    reporter: &mut Reporter<'_>,
) -> BTreeSet<u64> {
    let (name, table) = (&namespace.name, &namespace.pointers);
    let mut entries = BTreeSet::new();
    if !table.start.is_multiple_of(4) || !(table.end - table.start).is_multiple_of(4) {
        let text =
            format!("the table of pointers of {name} does not consist of aligned 32-bit entries");
        reporter.report(table.start, text);
        return entries;
    }
    for at in table.clone().step_by(4) {
        let Some(offset) = context.image.u32_at(at) else {
            let text = format!("the table of pointers of {name} has no bytes in the file");
            reporter.report(at, text);
            break;
        };
        let pointer = at.wrapping_add_signed(offset.cast_signed().into());
        let wrong = wrong(context, namespace, pointer).or_else(|| {
            // As in `alt_runtime::pointers::fix`.
            let late = entries.last().filter(|last| pointer <= **last);
            let late = late.map(|last| {
                let last = context.place(*last);
                format!("comes after that for {last}: they must ascend")
            });
            entries.insert(pointer);
            late
        });
        if let Some(wrong) = wrong {
            let place = context.place(pointer);
            let text = format!("the entry of {name} for {place} {wrong}");
            reporter.report(at, text);
        }
    }
    entries
}

fn wrong(context: &Context<'_>, namespace: &Namespace, pointer: u64) -> Option<String> {
    let image = context.image;
    if !pointer.is_multiple_of(8) {
        return Some("is not a multiple of 8".into());
    }
    let section = image.section_at(pointer);
    let inside = namespace.region.places.contains(pointer);
    let data = section.is_some_and(|section| !section.executable);
    if !inside || !data {
        return Some("is not in its data".into());
    }
    let Some(value) = image.pointer_at(pointer) else {
        return Some("has no pointer in the file".into());
    };
    let loaded = |address: u64| image.section_at(address).is_some();
    // The end of an array may be that of its section.
    let is_address = loaded(value) || value.checked_sub(1).is_some_and(loaded);
    (!is_address).then(|| format!("contains {value:#x}, which is not an address of the image"))
}

/// Compares the table with the relocations that the linker kept, which list all absolute addresses.
fn relocated(
    context: &Context<'_>,
    namespace: &Namespace,
    entries: &BTreeSet<u64>,
    reporter: &mut Reporter<'_>,
) {
    if context.image.relocations().is_empty() {
        return;
    }
    let name = &namespace.name;
    let mut seen = BTreeSet::new();
    for range in namespace.region.places.ranges() {
        for relocation in context.image.relocations_in(range.clone()) {
            let (at, target) = (relocation.at, relocation.target);
            if relocation.kind == ABS64 {
                seen.insert(at);
            }
            let wrong = match relocation.kind {
                ABS64 if entries.contains(&at) => continue,
                ABS64 => "is not in its table of pointers",
                // ABS32, ABS16; MOVW of absolute addresses.
                258 | 259 | 263..=272 => "has a form that cannot be converted at boot",
                _ => continue,
            };
            let text = format!(
                "the address of {} at {} of {name} {wrong}",
                context.place(target),
                context.place(at),
            );
            reporter.report(at, text);
        }
    }
    for pointer in entries.difference(&seen) {
        let place = context.place(*pointer);
        let text = format!("the entry of {name} for {place} is not for an absolute address");
        reporter.report(*pointer, text);
    }
}
