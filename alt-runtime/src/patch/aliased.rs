//! Text that also executes at another address.
//!
//! A PC-relative instruction means another target at each address at which it executes. Within a
//! range that moves as a whole that is right; a reference out of the range is right at one of the
//! addresses only.

use crate::insn::{Class, Form, Insn};
use crate::patch::error::Reason;
use crate::region::TextRange;

/// Refuses `word`, the instruction `index` of a site, if it refers to something outside of
/// `range`, which also executes at another address. The word executes at `at`.
#[inline]
pub(super) fn check(range: &TextRange<'_>, index: u8, at: u64, word: Insn) -> Result<(), Reason> {
    let Some(alias) = range.alias() else {
        return Ok(());
    };
    let Class::Relative(relative) = word.classify() else {
        return Ok(());
    };
    let target = relative.target(at);
    let words = range.words();
    // A branch may go on behind the last word; ADRP names a page.
    let is_inside = match relative.form {
        Form::Adrp => range.shares_page(target),
        _ => words.holds(target) || target == words.range().end,
    };
    match is_inside {
        true => Ok(()),
        false => Err(Reason::LeavesAliasedRange {
            index,
            word,
            target,
            alias,
        }),
    }
}
