//! Veneers: code that a linker adds for a branch whose target is out of range, or as a workaround for
//! an erratum.

use alt_diagnostic::Severity;
use alt_image::code::Reference;
use alt_object::encodings::{goes_on, is_load_store_unsigned};
use alt_runtime::Insn;
use alt_runtime::insn::Form;

use crate::context::Context;
use crate::rule::{ANY, Reporter, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "linker-veneer",
        severity: Severity::Error,
        formats: ANY,
        summary: "No branch of a site or of an arm targets a veneer of the linker.",
        advice: "Place the target within 128 MiB, or load its address and use BR or BLR.",
        check: range_extension,
    },
    Rule {
        id: "erratum-veneer",
        severity: Severity::Error,
        formats: ANY,
        summary: "The linker replaced no instruction of a site with a branch to a veneer for an erratum.",
        advice: "Keep the loads and stores that follow an ADRP out of the site.",
        check: erratum,
    },
];

/// Prefixes of veneers for errata: Cortex-A53 843419 (rust-lld; GNU ld) and 835769 (GNU ld).
const ERRATA: [&str; 3] = ["__CortexA53843419_", "e843419@", "e835769@"];

/// The prefix of rust-lld's veneers for range. Those of GNU ld end in `_veneer`.
const THUNKS: &str = "__AArch64";

fn is_erratum(name: &str) -> bool {
    ERRATA.iter().any(|prefix| name.starts_with(prefix)) || name.starts_with("__erratum_")
}

/// For example `__AArch64AbsLongThunk_memcpy` and `__memcpy_veneer`.
fn is_range_extension(name: &str) -> bool {
    !is_erratum(name)
        && ((name.starts_with(THUNKS) && name.contains("Thunk_"))
            || (name.starts_with("__") && name.ends_with("_veneer")))
}

/// Whether a branch is the end of a veneer that nothing uses.
///
/// GNU ld makes a veneer for each sequence of Cortex-A53 erratum 843419: the load or store, and a
/// branch to the instruction after it. If it then changes the ADRP to ADR instead
/// (`--fix-cortex-a53-843419=full`), the veneer remains, without a symbol, and is never executed: the
/// load or store is still at its place, no branch leads to the veneer, and execution does not reach it
/// from the code before it.
pub(super) fn is_unused(context: &Context<'_>, branch: &Reference) -> bool {
    let image = context.image;
    let (Some(copy), Some(original)) = (branch.from.checked_sub(4), branch.target.checked_sub(4))
    else {
        return false;
    };
    let word = image
        .word(copy)
        .filter(|word| is_load_store_unsigned(*word));
    if branch.form != Form::B || word.is_none() || word != image.word(original) {
        return false;
    }
    // The veneers of a section begin with a branch over all of them and a NOP.
    let before = |steps: u64| copy.checked_sub(4 * steps).and_then(|at| image.word(at));
    let ends = |word: Option<u32>| word.is_some_and(|word| !goes_on(word));
    let apart = match before(1) {
        Some(word) if word == Insn::NOP.0 => ends(before(2)),
        word => ends(word),
    };
    apart
        && context
            .code()
            .branches_to(copy..branch.from.saturating_add(4))
            .next()
            .is_none()
}

fn range_extension(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let why = "which changes x16 and x17 and may be freed with the init region";
    for arm in &context.arms {
        for (at, _, new) in arm.changes().filter(|(_, old, new)| old != new) {
            if let Some(name) = veneer(context, at, new, is_range_extension) {
                let text = format!("the arm branches to the linker's veneer {name}, {why}");
                reporter.report_cap(at, arm.cap, text);
            }
        }
    }
    defaults(context, is_range_extension, |at, name| {
        let text = format!("the default branches to the linker's veneer {name}, {why}");
        reporter.report(at, text);
    });
}

fn erratum(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    defaults(context, is_erratum, |at, name| {
        let text = format!(
            "the linker has put a branch to {name} here, as a workaround for an erratum of the \
             Cortex-A53; the site does not have the instructions that were assembled"
        );
        reporter.report(at, text);
    });
}

/// Calls `report` for each branch in the default of a site to a veneer of a kind.
fn defaults(context: &Context<'_>, kind: fn(&str) -> bool, mut report: impl FnMut(u64, &str)) {
    for site in context.records.sites() {
        for at in site.range().step_by(4) {
            let word = context.image.word(at);
            if let Some(name) = word.and_then(|word| veneer(context, at, word, kind)) {
                report(at, name);
            }
        }
    }
}

/// The name of the veneer that is the target of the branch `word` at `at`.
fn veneer<'a>(
    context: &Context<'a>,
    at: u64,
    word: u32,
    kind: fn(&str) -> bool,
) -> Option<&'a str> {
    let branch = Reference::of(at, word).filter(Reference::is_branch)?;
    let symbol = context.image.symbol_at(branch.target)?;
    kind(&symbol.name).then_some(symbol.name.as_str())
}
