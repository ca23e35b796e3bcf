//! Replacements that the patcher would refuse.

use alt_diagnostic::Severity;
use alt_image::records::Kind;

use crate::context::Context;
use crate::refusals::RefusalKind;
use crate::rule::{ALT, ANY, Reporter, Rule};

pub(super) const REPLACEMENT_TOO_LONG: Rule = Rule {
    id: "replacement-too-long",
    severity: Severity::Error,
    formats: ALT,
    summary: "A replacement is no longer than its site.",
    advice: "Pad the default with NOPs, or move the arm into a function.",
    check: |_, reporter| reporter.refusals(RefusalKind::ReplacementTooLong),
};

pub(super) const REPLACEMENT_OUTSIDE: Rule = Rule {
    id: "replacement-outside",
    severity: Severity::Error,
    formats: ANY,
    summary: "A replacement is in the section of replacements, or in the text.",
    advice: "Place replacements as the linker script of alt-linker does.",
    check: |context, reporter| {
        reporter.refusals(RefusalKind::ReplacementOutside);
        in_gaps(context, reporter);
    },
};

pub(super) const REFERS_TO_REPLACEMENTS: Rule = Rule {
    id: "refers-to-replacements",
    severity: Severity::Error,
    formats: ALT,
    summary: "A replacement does not refer to replacements: they are freed after boot.",
    advice: "Move the literal into .rodata, or the shared code into a function.",
    check: |_, reporter| reporter.refusals(RefusalKind::RefersToReplacements),
};

pub(super) const OUT_OF_REACH: Rule = Rule {
    id: "out-of-reach",
    severity: Severity::Error,
    formats: ANY,
    summary: "The target of an instruction of a replacement is in range of the site.",
    advice: "Use a form of longer range: `b` over `b.cond`, `adrp` and `add` for `adr`; \
                 a branch to the `add` alone requires --no-relax at the link.",
    check: |_, reporter| {
        reporter.refusals(RefusalKind::OutOfReach);
        reporter.refusals_advice(RefusalKind::Relaxed, UNRELAX);
    },
};

pub(super) const CANNOT_MOVE: Rule = Rule {
    id: "cannot-move",
    severity: Severity::Error,
    formats: ANY,
    summary: "Each instruction of a replacement has the same effect at the site.",
    advice: "Sign with the stack pointer only (PACIASP), and move data out of the arm.",
    check: |_, reporter| {
        reporter.refusals(RefusalKind::CannotMove);
        reporter.refusals(RefusalKind::Other);
    },
};

/// The advice if the source already follows that of the rule.
const UNRELAX: &str = "Link with --no-relax (`-C link-arg=--no-relax`): the linker relaxed `adrp` \
                       and `add` to `nop` and `adr`, which cannot be converted back. Or branch to \
                       neither of the two in the arm.";

/// Reports sites whose replacements are in gaps between sections of text: the patcher takes the text
/// as one range.
fn in_gaps(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for record in context.records.list() {
        let Kind::Code { address, len } = record.kind else {
            continue;
        };
        let is_placed = context.records.replacements.range.contains(&address)
            || context.image.is_text_for(address, len.into());
        if !is_placed && !context.refusals.has(record.site) {
            let place = context.place(address);
            let text = format!("the replacement at {place} is not inside one executable section");
            reporter.report_cap(record.site, record.term.cap, text);
        }
    }
}
