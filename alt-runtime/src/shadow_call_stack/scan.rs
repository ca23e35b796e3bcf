//! The instructions of one function, compared with its unwind tables.

use super::eh_frame::Stretch;
use super::error::UnwindReason;
use super::{AUTHENTICATE, SIGN, becomes};
use crate::insn::Insn;
use crate::region::Text;

/// RET with x30 (Arm ARM C6.2, "RET").
const RETURN: Insn = Insn(0xd65f_03c0);

/// RETAA and RETAB (Arm ARM C6.2, "RETAA, RETAB"): authenticate and return.
const AUTHENTICATED_RETURNS: [Insn; 2] = [Insn(0xd65f_0bff), Insn(0xd65f_0fff)];

/// One marked instruction that signs, authenticates, pushes or pops.
pub(super) struct Mark {
    pub address: u64,
    pub before: Insn,
    pub after: Insn,
}

/// Scans a function from its start to its end.
///
/// A mark is placed after the instruction that it describes, or, by LLVM 20, before it. If this is the
/// cold part of a function, a mark at its very start may belong to an instruction of the other part.
pub(super) struct Scan<'a> {
    text: &'a Text<'a>,
    /// Address of the function.
    start: u64,
    /// The last instruction, if it needs a mark after it.
    pending: Option<Mark>,
    /// The function has a mark.
    is_marked: bool,
    /// The function, or the part of it before, pushes or pops.
    changes: bool,
    /// The first instruction that signs or authenticates and has no mark.
    unmarked: Option<u64>,
    /// The first RETAA or RETAB.
    authenticated_return: Option<u64>,
    /// The first RET with a return address that is still signed.
    signed_return: Option<u64>,
}

impl<'a> Scan<'a> {
    pub fn new(text: &'a Text<'a>, start: u64) -> Self {
        Self {
            text,
            start,
            pending: None,
            is_marked: false,
            changes: false,
            unmarked: None,
            authenticated_return: None,
            signed_return: None,
        }
    }

    /// Calls `found` with each marked instruction that is complete with this stretch.
    pub fn stretch(
        &mut self,
        stretch: Stretch,
        mut found: impl FnMut(Mark) -> Result<(), UnwindReason>,
    ) -> Result<(), UnwindReason> {
        let mut mark_before = stretch.is_marked;
        self.is_marked |= stretch.is_marked;
        self.changes |= stretch.is_marked && stretch.range.start == 0;
        match self.pending.take() {
            Some(mark) if stretch.is_marked => {
                mark_before = false;
                self.changes = true;
                found(mark)?;
            }
            pending => self.leave(pending),
        }
        for offset in stretch.range.step_by(4) {
            let pending = self.pending.take();
            self.leave(pending);
            let address = self.start.wrapping_add(offset);
            let Some(before) = self.text.get(address) else {
                continue;
            };
            if before == RETURN && stretch.is_signed {
                self.signed_return.get_or_insert(address);
            } else if AUTHENTICATED_RETURNS.contains(&before) {
                self.authenticated_return.get_or_insert(address);
            }
            if let Some(after) = becomes(before) {
                let mark = Mark {
                    address,
                    before,
                    after,
                };
                match mark_before {
                    true => {
                        self.changes = true;
                        found(mark)?;
                    }
                    false => self.pending = Some(mark),
                }
            }
            mark_before = false;
        }
        Ok(())
    }

    /// Notes an instruction that no mark follows.
    fn leave(&mut self, pending: Option<Mark>) {
        if let Some(mark) = pending
            && matches!(mark.before, SIGN | AUTHENTICATE)
        {
            self.unmarked.get_or_insert(mark.address);
        }
    }

    /// Whether the function signs or authenticates, and has no mark.
    ///
    /// # Errors
    /// The function changes, and a path would push without a pop.
    pub fn finish(mut self) -> Result<bool, UnwindReason> {
        let pending = self.pending.take();
        self.leave(pending);
        match (self.unmarked, self.authenticated_return, self.signed_return) {
            (Some(address), ..) if self.is_marked => Err(UnwindReason::Unmarked { address }),
            (_, Some(address), _) if self.changes => {
                Err(UnwindReason::AuthenticatedReturn { address })
            }
            (.., Some(address)) if self.changes => Err(UnwindReason::SignedReturn { address }),
            (unmarked, ..) => Ok(unmarked.is_some()),
        }
    }
}
