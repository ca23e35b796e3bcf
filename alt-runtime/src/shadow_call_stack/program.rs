//! The instructions of an entry: which places they mark.

use gimli::{CallFrameInstruction, CallFrameInstructionIter, Error, constants};

use super::error::UnwindReason;
use super::unwind::{Cie, Fde, Reader, Section};

/// What of an instruction matters here. The rest of them say where registers have been saved.
enum Step {
    /// On by so many code alignment factors.
    Advance(u32),
    Mark,
    Other,
}

/// The next instruction.
fn next(
    instructions: &mut CallFrameInstructionIter<'_, Reader<'_>>,
) -> Result<Option<Step>, UnwindReason> {
    match instructions.next() {
        Ok(None) => Ok(None),
        Ok(Some(CallFrameInstruction::AdvanceLoc { delta })) => Ok(Some(Step::Advance(delta))),
        Ok(Some(CallFrameInstruction::NegateRaState)) => Ok(Some(Step::Mark)),
        // To anywhere: no compiler makes it for code that is one piece.
        Ok(Some(CallFrameInstruction::SetLoc { .. })) => Err(UnwindReason::Opcode {
            opcode: constants::DW_CFA_set_loc.0,
        }),
        Ok(Some(_)) => Ok(Some(Step::Other)),
        Err(Error::UnknownCallFrameInstruction(opcode)) => {
            Err(UnwindReason::Opcode { opcode: opcode.0 })
        }
        Err(_) => Err(UnwindReason::Program),
    }
}

/// Checks the instructions of a CIE, which hold for the start of each function: they mark nothing.
pub(super) fn check_initial<'a>(section: &Section<'a>, cie: &Cie<'a>) -> Result<(), UnwindReason> {
    let mut instructions = cie.instructions(&section.eh_frame, &section.bases);
    while let Some(step) = next(&mut instructions)? {
        if !matches!(step, Step::Other) {
            return Err(UnwindReason::Place);
        }
    }
    Ok(())
}

/// Tells how far from the start of a function each mark is, in bytes; it never goes back.
pub(super) fn marks<'a>(
    section: &Section<'a>,
    fde: &Fde<'a>,
    mut found: impl FnMut(u64) -> Result<(), UnwindReason>,
) -> Result<(), UnwindReason> {
    let factor = fde.cie().code_alignment_factor();
    let mut instructions = fde.instructions(&section.eh_frame, &section.bases);
    let mut offset = 0_u64;
    while let Some(step) = next(&mut instructions)? {
        match step {
            Step::Advance(delta) => {
                offset = u64::from(delta)
                    .checked_mul(factor)
                    .and_then(|bytes| offset.checked_add(bytes))
                    .filter(|offset| *offset <= fde.len())
                    .ok_or(UnwindReason::Place)?;
            }
            Step::Mark if !offset.is_multiple_of(4) => return Err(UnwindReason::Place),
            Step::Mark => found(offset)?,
            Step::Other => {}
        }
    }
    Ok(())
}
