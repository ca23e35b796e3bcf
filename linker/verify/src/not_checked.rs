//! Reports what the rules could not check, so that a clean result is not misread.

use alt_image::records::Format;

use crate::bounds::KernelBounds;
use crate::context::Context;
use crate::ours;

/// What has not been checked, a line each.
pub fn not_checked(context: &Context<'_>) -> Vec<String> {
    let image = context.image;
    if context.records.format != Format::Alt || context.records.list().is_empty() {
        return Vec::new();
    }
    let mut lines = Vec::new();
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
