//! Cortex-A53 erratum 843419.
//!
//! An ADRP in one of the last two words of a 4 KiB page may compute a wrong page, when a load or
//! store follows it and then, at once or after one more instruction, a load or store with an
//! unsigned offset from the ADRP's result (Arm, Cortex-A53 MPCore Software Developers Errata
//! Notice, 843419). Linkers work around this sequence in the text that they link. They do not see
//! sequences that exist only after an arm has been applied.

use alt_diagnostic::Severity;
use alt_object::encodings::{
    is_adrp, is_direct_branch, is_indirect_branch, is_load_pair, is_load_store,
    is_load_store_unsigned,
};

use crate::arms::MovedArm;
use crate::context::Context;
use crate::rule::{ANY, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "erratum-843419",
        severity: Severity::Error,
        formats: ANY,
        summary: "No arm creates the sequence of Cortex-A53 erratum 843419.",
        advice: "Put a NOP between the ADRP and the load or store that uses it, or use ADR.",
        check: |context, reporter| {
            adrps(context, |arm, at, whole, changed| {
                if whole && changed {
                    let text = "with this arm, an ADRP in the last two words of a page is followed \
                        by the loads or stores that make a Cortex-A53 use a wrong page";
                    reporter.report_cap(at, arm.cap, text);
                }
            });
        },
    },
    Rule {
        id: "adrp-at-page-end",
        severity: Severity::Warning,
        formats: ANY,
        summary: "No arm has an ADRP in the last two words of a page.",
        advice: "Harmless in this image; to support Cortex-A53, use ADR, or align the site.",
        check: |context, reporter| {
            adrps(context, |arm, at, whole, _| {
                if !whole && arm.range().contains(&at) {
                    let text = format!(
                        "the arm puts an ADRP at page offset {:#x}; a change to what follows can \
                         complete the sequence of Cortex-A53 erratum 843419",
                        at % PAGE
                    );
                    reporter.report_cap(at, arm.cap, text);
                }
            });
        },
    },
];

const PAGE: u64 = 4096;

/// The number of words after an ADRP that can complete the sequence.
const BEHIND: u64 = 3;

/// Calls `visit` for each ADRP at the end of a page, if an arm changes it or one of the next words.
/// The flags say whether the arm leaves the complete sequence, and whether the arm completes it.
fn adrps(context: &Context<'_>, mut visit: impl FnMut(&MovedArm, u64, bool, bool)) {
    for arm in &context.arms {
        let range = arm.range();
        let start = range.start.saturating_sub(4 * BEHIND);
        let ends = (start..range.end).step_by(4);
        for at in ends.filter(|at| at % PAGE >= PAGE - 8) {
            let old = [0, 1, 2, 3].map(|index| context.image.word(at + 4 * index));
            let new = [0, 1, 2, 3].map(|index| word(context, arm, at + 4 * index));
            if new[0].is_none_or(|word| !is_adrp(word)) {
                continue;
            }
            // The linker has checked a sequence that the arm does not change.
            if old != new {
                visit(arm, at, is_whole(new), !is_whole(old) || old[0] != new[0]);
            }
        }
    }
}

/// The word at an address once the arm has been applied.
fn word(context: &Context<'_>, arm: &MovedArm, at: u64) -> Option<u32> {
    let index = at.checked_sub(arm.site).map(|offset| offset / 4);
    let index = index.and_then(|index| usize::try_from(index).ok());
    match index.and_then(|index| arm.words.get(index)) {
        Some(word) => Some(*word),
        None => context.image.word(at),
    }
}

/// Whether these words are the sequence. The first one is at the end of a page.
fn is_whole(words: [Option<u32>; 4]) -> bool {
    let [Some(adrp), Some(second), third, fourth] = words else {
        return false;
    };
    if !is_adrp(adrp) || !is_load_store(second) || is_load_pair(second) {
        return false;
    }
    let uses = |word: u32| is_load_store_unsigned(word) && (word >> 5 & 0x1f) == (adrp & 0x1f);
    let Some(third) = third else { return false };
    let goes_on = !is_direct_branch(third) && !is_indirect_branch(third);
    uses(third) || (goes_on && fourth.is_some_and(uses))
}
