//! The kinds of reason for which the patcher refuses a site.

use alt_image::patching::Problem;
use alt_runtime::insn::MoveError;
use alt_runtime::patch::Reason;

/// A kind of reason for which the patcher refuses a site, in either format.
///
/// [`Reason`] is open for later reasons and has details; this is closed, so that the compiler shows
/// a kind without a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefusalKind {
    /// The address of the site is not a multiple of 4.
    MisalignedSite,
    /// The site is not inside the text.
    SiteOutsideText,
    /// The cpucap does not exist.
    UnknownCap,
    /// A length is 0, or not a multiple of 4 bytes.
    BadLength,
    /// The replacement is longer than the site.
    ReplacementTooLong,
    /// The lengths of a site, or of site and replacement, differ.
    LengthsDiffer,
    /// The condition continues in a record that is not there.
    DanglingAnd,
    /// The replacement is neither inside the replacements nor the text.
    ReplacementOutside,
    /// The site of a branch holds another word.
    UnexpectedWord,
    /// The site holds a breakpoint.
    Breakpoint,
    /// The branch of a branch site leaves the text.
    BranchOutsideText,
    /// A replacement refers to replacements.
    RefersToReplacements,
    /// The target of an instruction is out of range of the site.
    OutOfReach,
    /// As [`OutOfReach`](Self::OutOfReach), after the linker relaxed ADRP and ADD to ADR.
    Relaxed,
    /// An instruction has another effect at the site, or an unknown one.
    CannotMove,
    /// The callback is not one of the image's.
    UnregisteredCallback,
    /// The length for the callback is not that of the site, or there are instructions as well.
    CallbackLength,
    /// Sites or replacements overlap, or a table is not sorted. The rules about tables report this,
    /// since they see all sites.
    Order,
    /// Any other reason: those of callbacks arise at boot only, and a later patcher may have more.
    Other,
}

impl RefusalKind {
    /// The kind of a reason of the patcher.
    pub(super) fn of_reason(reason: &Reason) -> Self {
        match reason {
            Reason::MisalignedSite => Self::MisalignedSite,
            Reason::SiteOutsideText { .. } => Self::SiteOutsideText,
            Reason::UnknownCap => Self::UnknownCap,
            Reason::ZeroLength => Self::BadLength,
            Reason::ReplacementTooLong { .. } => Self::ReplacementTooLong,
            Reason::LengthsDiffer { .. } => Self::LengthsDiffer,
            Reason::DanglingAnd => Self::DanglingAnd,
            Reason::ReplacementOutside { .. } => Self::ReplacementOutside,
            Reason::UnexpectedWord { .. } => Self::UnexpectedWord,
            Reason::Breakpoint { .. } => Self::Breakpoint,
            Reason::BranchOutsideText { .. } => Self::BranchOutsideText,
            Reason::TargetsReplacements { .. } => Self::RefersToReplacements,
            Reason::CannotMove { error, .. } => match error {
                MoveError::OutOfReach(_) => Self::OutOfReach,
                _ => Self::CannotMove,
            },
            Reason::Relaxed { .. } => Self::Relaxed,
            Reason::UnregisteredCallback { .. } => Self::UnregisteredCallback,
            Reason::CallbackLength { .. } => Self::CallbackLength,
            Reason::Unsorted { .. }
            | Reason::Overlap { .. }
            | Reason::ReplacementOverlaps { .. } => Self::Order,
            _ => Self::Other,
        }
    }

    /// The kind of a problem of a Linux record.
    pub(super) fn of_problem(problem: &Problem) -> Self {
        match problem {
            Problem::Length(_) => Self::BadLength,
            Problem::LengthsDiffer { .. } => Self::LengthsDiffer,
            Problem::CallbackWithReplacement(_) => Self::CallbackLength,
            Problem::CapTooLarge(_) => Self::UnknownCap,
            // The text is never that long.
            Problem::TooFar => Self::SiteOutsideText,
        }
    }
}

#[cfg(test)]
mod tests {
    use alt_runtime::CallbackError;
    use alt_runtime::insn::{Form, Insn, OutOfReach};

    use super::*;

    #[test]
    fn reasons_of_a_record() {
        let (word, target) = (Insn::NOP, 0);
        let far = OutOfReach {
            form: Form::Adr,
            displacement: 1 << 20,
        };
        let cannot_move = |error| Reason::CannotMove {
            index: 0,
            word,
            error,
        };
        for (reason, kind) in [
            (
                cannot_move(MoveError::OutOfReach(far)),
                RefusalKind::OutOfReach,
            ),
            (
                cannot_move(MoveError::SignsPc(word)),
                RefusalKind::CannotMove,
            ),
            (
                cannot_move(MoveError::Unknown(word)),
                RefusalKind::CannotMove,
            ),
            (
                Reason::Relaxed {
                    index: 1,
                    word,
                    error: far,
                },
                RefusalKind::Relaxed,
            ),
            (Reason::ZeroLength, RefusalKind::BadLength),
            (
                Reason::TargetsReplacements {
                    index: 0,
                    word,
                    target,
                },
                RefusalKind::RefersToReplacements,
            ),
        ] {
            assert_eq!(RefusalKind::of_reason(&reason), kind, "{reason:?}");
        }
    }

    /// The check of a site gives none of these; if it does, they are reported.
    #[test]
    fn reasons_of_a_pass() {
        let (index, word) = (0, Insn::NOP);
        for reason in [
            Reason::CallbackFailed {
                name: "",
                error: CallbackError::Failed(""),
            },
            Reason::CallbackUnstable { name: "" },
            Reason::CallbackWord { index, word },
            Reason::PlanTooSmall { room: 0, needed: 0 },
        ] {
            assert_eq!(RefusalKind::of_reason(&reason), RefusalKind::Other);
        }
    }
}
