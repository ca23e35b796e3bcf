//! Records that the patcher would refuse at boot, by its own check; each reason has a rule.

use alt_diagnostic::Severity;
use alt_image::patching::Problem;
use alt_image::records::Kind;
use alt_runtime::insn::MoveError;
use alt_runtime::patch::Reason;

use crate::context::Context;
use crate::rule::{ALT, ANY, Reporter, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "misaligned-site",
        severity: Severity::Error,
        formats: ANY,
        summary: "The address of a site is a multiple of 4.",
        advice: "Keep data of odd length out of the code before the site, or align after it.",
        check: refused,
    },
    Rule {
        id: "site-outside-text",
        severity: Severity::Error,
        formats: ANY,
        summary: "A site is inside executable text.",
        advice: "Put the site into a section of the kernel's text, with the flag \"x\".",
        check: |context, reporter| {
            refused(context, reporter);
            sites_in_gaps(context, reporter);
        },
    },
    Rule {
        id: "unknown-cap",
        severity: Severity::Error,
        formats: ANY,
        summary: "Every record names an existing cpucap.",
        advice: "Build all objects with the same list of cpucaps, and give that list to `alt`.",
        check: refused,
    },
    Rule {
        id: "bad-length",
        severity: Severity::Error,
        formats: ANY,
        summary: "The length of a site and of its replacement is at least one instruction.",
        advice: "Write the site with the macros: they count its instructions.",
        check: refused,
    },
    Rule {
        id: "replacement-too-long",
        severity: Severity::Error,
        formats: ALT,
        summary: "A replacement is no longer than its site.",
        advice: "Pad the default with NOPs, or move the arm into a function.",
        check: refused,
    },
    Rule {
        id: "lengths-differ",
        severity: Severity::Error,
        formats: ANY,
        summary: "All records of a site state the same length; in Linux's format, its replacements have that length too.",
        advice: "Write all arms in one site with the macros: they count its instructions.",
        check: refused,
    },
    Rule {
        id: "dangling-and",
        severity: Severity::Error,
        formats: ALT,
        summary: "The record after an `&` belongs to the same site.",
        advice: "Write `A & B` with the macros: they emit both records.",
        check: refused,
    },
    Rule {
        id: "replacement-outside",
        severity: Severity::Error,
        formats: ANY,
        summary: "A replacement is in the section of replacements, or in the text.",
        advice: "Place replacements as the linker script of alt-linker does.",
        check: |context, reporter| {
            refused(context, reporter);
            replacements_in_gaps(context, reporter);
        },
    },
    Rule {
        id: "unexpected-word",
        severity: Severity::Error,
        formats: ALT,
        summary: "The site of a branch holds the NOP or the B that its record implies.",
        advice: "Run tools that modify code before the link, or exclude sites.",
        check: refused,
    },
    Rule {
        id: "breakpoint",
        severity: Severity::Error,
        formats: ANY,
        summary: "The site of an alternative holds no BRK or HLT.",
        advice: "Branch from the default to a BRK outside of the site.",
        check: refused,
    },
    Rule {
        id: "branch-outside-text",
        severity: Severity::Error,
        formats: ALT,
        summary: "The branch of a branch site stays in the text.",
        advice: "Keep the label in the same function as the site.",
        check: refused,
    },
    Rule {
        id: "refers-to-replacements",
        severity: Severity::Error,
        formats: ALT,
        summary: "A replacement does not refer to replacements: they are freed after boot.",
        advice: "Move the literal into .rodata, or the shared code into a function.",
        check: refused,
    },
    Rule {
        id: "out-of-reach",
        severity: Severity::Error,
        formats: ANY,
        summary: "The target of an instruction of a replacement is in range of the site.",
        advice: "Use a form of longer range: `b` over `b.cond`, `adrp` and `add` for `adr`; \
                 a branch to the `add` alone requires --no-relax at the link.",
        check: refused,
    },
    Rule {
        id: "cannot-move",
        severity: Severity::Error,
        formats: ANY,
        summary: "Each instruction of a replacement has the same effect at the site.",
        advice: "Sign with the stack pointer only (PACIASP), and move data out of the arm.",
        check: refused,
    },
    Rule {
        id: "unregistered-callback",
        severity: Severity::Error,
        formats: ALT,
        summary: "A record refers to a callback of the image.",
        advice: "Define it by `callback!`.",
        check: refused,
    },
    Rule {
        id: "callback-length",
        severity: Severity::Error,
        formats: ANY,
        summary: "A callback fills its whole site, and its record has no instructions.",
        advice: "Write the site with `alternative_cb!`, which counts its instructions.",
        check: refused,
    },
];

/// The advice if the source already follows that of the rule.
const UNRELAX: &str = "Link with --no-relax (`-C link-arg=--no-relax`): the linker relaxed `adrp` \
                       and `add` to `nop` and `adr`, which cannot be converted back. Or branch to \
                       neither of the two in the arm.";

/// Reports the sites that are refused for a reason of this rule.
fn refused(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let id = reporter.rule.id;
    for error in &context.refusals.by_patcher {
        if id_of(&error.reason) == id {
            reporter.report_cap(error.site, error.cap, error.reason.to_string());
            if let Reason::Relaxed { .. } = error.reason {
                reporter.advise(UNRELAX);
            }
        }
    }
    for (site, problem) in &context.refusals.problems {
        if id_of_problem(problem) == id {
            reporter.report(*site, problem.to_string());
        }
    }
}

const OUTSIDE: &str = "is not inside one executable section";

/// Reports sites in gaps between sections of text: the patcher takes the text as one range.
fn sites_in_gaps(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for site in context.records.sites() {
        let (at, len) = (site.address(), u64::from(site.len()));
        if !context.image.is_text_for(at, len) && !context.refusals.has(at) {
            reporter.report(at, format!("the site {OUTSIDE}"));
        }
    }
}

/// Reports sites whose replacements are in such gaps.
fn replacements_in_gaps(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for record in context.records.list() {
        let Kind::Code { address, len } = record.kind else {
            continue;
        };
        let is_placed = context.records.replacements.range.contains(&address)
            || context.image.is_text_for(address, len.into());
        if !is_placed && !context.refusals.has(record.site) {
            let text = format!("the replacement at {} {OUTSIDE}", context.place(address));
            reporter.report_cap(record.site, record.term.cap, text);
        }
    }
}

/// The id of the rule for a reason: each reason has exactly one.
fn id_of(reason: &Reason) -> &'static str {
    match reason {
        Reason::MisalignedSite => "misaligned-site",
        Reason::SiteOutsideText { .. } => "site-outside-text",
        Reason::UnknownCap => "unknown-cap",
        Reason::ZeroLength => "bad-length",
        Reason::ReplacementTooLong { .. } => "replacement-too-long",
        Reason::LengthsDiffer { .. } => "lengths-differ",
        Reason::DanglingAnd => "dangling-and",
        Reason::ReplacementOutside { .. } => "replacement-outside",
        Reason::UnexpectedWord { .. } => "unexpected-word",
        Reason::Breakpoint { .. } => "breakpoint",
        Reason::BranchOutsideText { .. } => "branch-outside-text",
        Reason::TargetsReplacements { .. } => "refers-to-replacements",
        Reason::CannotMove {
            error: MoveError::OutOfReach(_),
            ..
        }
        | Reason::Relaxed { .. } => "out-of-reach",
        Reason::UnregisteredCallback { .. } => "unregistered-callback",
        Reason::CallbackLength { .. } => "callback-length",
        // A single site has no order; other rules with these ids check all sites.
        Reason::Unsorted { .. } => "unsorted-table",
        Reason::Overlap { .. } => "overlapping-sites",
        Reason::ReplacementOverlaps { .. } => "replacement-overlaps-site",
        // Instructions that sign with their address or are unknown; and reasons of later versions.
        _ => "cannot-move",
    }
}

/// The id of the rule for a problem of a Linux record.
fn id_of_problem(problem: &Problem) -> &'static str {
    match problem {
        Problem::Length(_) => "bad-length",
        Problem::LengthsDiffer { .. } => "lengths-differ",
        Problem::CallbackWithReplacement(_) => "callback-length",
        Problem::CapTooLarge(_) => "unknown-cap",
        // The text is never that long.
        Problem::TooFar => "site-outside-text",
    }
}

#[cfg(test)]
mod tests {
    use alt_runtime::CallbackError;
    use alt_runtime::insn::{Form, Insn, OutOfReach};

    use super::*;

    /// One of each; `check` gives all but the last four, and those are the pass's.
    const REASONS: [Reason; 23] = [
        Reason::MisalignedSite,
        Reason::SiteOutsideText {
            len: 1,
            start: 0,
            end: 0,
        },
        Reason::Unsorted { previous: 0 },
        Reason::Overlap { previous: 0 },
        Reason::UnknownCap,
        Reason::ZeroLength,
        Reason::ReplacementTooLong {
            site: 1,
            replacement: 2,
        },
        Reason::LengthsDiffer { first: 1, other: 2 },
        Reason::DanglingAnd,
        Reason::ReplacementOutside { replacement: 0 },
        Reason::ReplacementOverlaps {
            replacement: 0,
            site: 0,
        },
        Reason::UnexpectedWord {
            found: Insn::NOP,
            expected: Insn::NOP,
        },
        Reason::Breakpoint {
            index: 0,
            word: Insn(0xd420_0000),
        },
        Reason::BranchOutsideText { target: 0 },
        Reason::TargetsReplacements {
            index: 0,
            word: Insn::NOP,
            target: 0,
        },
        Reason::Relaxed {
            index: 1,
            word: Insn::NOP,
            error: OutOfReach {
                form: Form::Adr,
                displacement: 1 << 20,
            },
        },
        Reason::UnregisteredCallback { address: 0 },
        Reason::CallbackLength {
            site: 1,
            callback: 2,
        },
        Reason::CallbackFailed {
            name: "",
            error: CallbackError::Failed(""),
        },
        Reason::CallbackUnstable { name: "" },
        Reason::CallbackWord {
            index: 0,
            word: Insn::NOP,
        },
        Reason::LeavesAliasedRange {
            index: 0,
            word: Insn::NOP,
            target: 0,
            alias: 0,
        },
        Reason::PlanTooSmall { room: 0, needed: 0 },
    ];

    #[test]
    fn each_reason_has_a_rule() {
        let is_rule = |id| crate::rules().any(|rule| rule.id == id);
        let unknown = Insn::NOP;
        let moves = [MoveError::SignsPc(unknown), MoveError::Unknown(unknown)];
        let moves = moves.map(|error| Reason::CannotMove {
            index: 0,
            word: unknown,
            error,
        });
        for reason in REASONS.iter().chain(&moves) {
            assert!(is_rule(id_of(reason)), "{reason:?}: {}", id_of(reason));
        }
        for problem in [Problem::TooFar, Problem::Length(1), Problem::CapTooLarge(1)] {
            assert!(is_rule(id_of_problem(&problem)), "{problem:?}");
        }
    }
}
