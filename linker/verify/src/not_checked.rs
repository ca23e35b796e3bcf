//! Reports the parts that the rules could not check, so that a clean result is not misread.

use alt_image::image::{Image, Relocatable, Unapplied};
use alt_image::records::Format;
use alt_image::vdso;
use alt_linker::namespace::SECTION;

use crate::bounds::KernelBounds;
use crate::context::Context;
use crate::ours;

/// The parts that were not checked, a line each.
pub fn not_checked(context: &Context<'_>) -> Vec<String> {
    let image = context.image;
    let mut lines = Vec::new();
    if let Some(object) = image.relocatable() {
        in_object(object, image, &mut lines);
    }
    if let Some(records) = vdso::records(image) {
        lines.push(format!(
            "the vDSO, an ELF file of its own in the image, with {records} records: give --vdso"
        ));
    }
    // How an object is linked is not known yet.
    let linked = image.relocatable().is_none();
    if context.records.format != Format::Alt || context.records.list().is_empty() || !linked {
        return lines;
    }
    if image.symbols().is_empty() {
        lines.push(
            "where the parts of the kernel are, and how much room the plan has: the image has no \
             symbols"
                .into(),
        );
    } else {
        unbounded(context.kernel_bounds(), &mut lines);
        if ours::rooms(context).is_empty() {
            lines.push(
                "how much room the plan has: there is no `alt_plan`, and no static called `ROOM`; \
                 name it in a rules file: [kernel] room = [\"…\"]"
                    .into(),
            );
        }
    }
    if !crate::rules::data::relocations_are_kept(image) {
        lines.push(
            "whether distances in data lead into replacements, other than in tables with names of \
             exception tables: link with --emit-relocs, or name sections in a rules file: \
             [kernel] self-relative = [\"…\"]"
                .into(),
        );
    }
    lines
}

/// The properties of an object that its link or its loader decides.
fn in_object(object: &Relocatable, image: &Image, lines: &mut Vec<String>) {
    lines.push(format!(
        "what is decided when this object is linked or loaded: addresses, and {} symbols of other \
         objects",
        object.undefined()
    ));
    if image.section(SECTION).is_some() {
        lines.push("the namespaces in it, before it is linked".into());
    }
    // By type and reason, the most frequent first.
    let mut kinds: Vec<(&Unapplied, usize)> = Vec::new();
    for unapplied in object.unapplied() {
        let same = |(first, _): &&mut (&Unapplied, usize)| {
            (&first.kind, &first.why) == (&unapplied.kind, &unapplied.why)
        };
        match kinds.iter_mut().find(same) {
            Some((_, count)) => *count += 1,
            None => kinds.push((unapplied, 1)),
        }
    }
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    lines.extend(kinds.iter().map(|(first, count)| {
        let place = image.label(first.at);
        let (kind, why) = (&first.kind, &first.why);
        match count {
            1 => format!("the word at {place}, and what it refers to: {kind}: {why}"),
            _ => format!(
                "the words of {count} relocations {kind}, the first at {place}, and what they \
                 refer to: {why}"
            ),
        }
    }));
}

/// The parts without bounds of usual names.
fn unbounded(bounds: &KernelBounds, lines: &mut Vec<String>) {
    let parts = [
        ("its text is", bounds.text.is_empty()),
        ("its read-only data is", bounds.read_only.is_empty()),
        ("it ends", bounds.end.is_none()),
    ];
    let missing = parts.iter().filter(|(_, missing)| *missing);
    let missing: Vec<_> = missing.map(|(what, _)| *what).collect();
    if !missing.is_empty() {
        lines.push(format!(
            "whether the kernel maps everything that the patcher uses: no symbols of usual \
             names say where {}; name them in a rules file: [[bounds]]",
            missing.join(", or where ")
        ));
    }
}
