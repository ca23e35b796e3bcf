//! Words that are not instructions.

use alt_diagnostic::Severity;
use alt_image::disasm::is_known;

use crate::context::Context;
use crate::rule::{ANY, Reporter, Rule};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "unknown-instruction",
    severity: Severity::Warning,
    formats: ANY,
    summary: "Each word of a site and of an arm is a known instruction.",
    advice: "Move data out of the site; a newer `alt` may know a new instruction.",
    check: unknown,
}];

fn unknown(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let text = |part: &str, word: u32| format!("no decoder knows {word:#010x} of the {part}");
    for site in context.records.sites() {
        for at in site.range().step_by(4) {
            let word = context.image.word(at);
            if let Some(word) = word.filter(|word| !is_known(*word)) {
                reporter.report(at, text("default", word));
            }
        }
    }
    for arm in &context.arms {
        for (at, _, new) in arm.changes().filter(|(_, old, new)| old != new) {
            if !is_known(new) {
                reporter.report_cap(at, arm.cap, text("arm", new));
            }
        }
    }
}
