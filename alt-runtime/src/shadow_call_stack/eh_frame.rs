//! Reading `.eh_frame`: the functions, and where their return addresses are signed.

use core::ops::Range;

use gimli::{
    BaseAddresses, CallFrameInstruction, CallFrameInstructionIter, EhFrame, EhFrameOffset,
    EndianSlice, Error, LittleEndian, UnwindSection, Vendor, constants,
};

use super::error::{UnwindError, UnwindReason};

type Reader<'a> = EndianSlice<'a, LittleEndian>;
type Cie<'a> = gimli::CommonInformationEntry<Reader<'a>>;
type Fde<'a> = gimli::FrameDescriptionEntry<Reader<'a>>;

/// DWARF's number of x30 (DWARF for the Arm 64-bit Architecture, 4.1).
const X30: u16 = 30;

/// Bytes of an entry's length and of the field after it: 0 in a CIE, in an FDE the distance to its
/// CIE.
const HEAD: usize = 8;

/// The unwind tables of a text: a section `.eh_frame`.
#[derive(Clone, Copy, Debug)]
pub struct UnwindInfo<'a> {
    address: u64,
    bytes: &'a [u8],
}

impl<'a> UnwindInfo<'a> {
    /// The unwind tables with the contents `bytes`, linked at `address`.
    pub const fn new(address: u64, bytes: &'a [u8]) -> Self {
        Self { address, bytes }
    }
}

/// One function (FDE) of the tables.
pub(super) struct Function<'s, 'a> {
    section: &'s Section<'a>,
    fde: Fde<'a>,
}

impl<'a> Function<'_, 'a> {
    /// The address of its first instruction.
    pub fn start(&self) -> u64 {
        self.fde.initial_address()
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.fde.len()
    }

    /// Calls `found` with each stretch, from the start to the end.
    pub fn stretches(
        &self,
        found: impl FnMut(Stretch) -> Result<(), UnwindReason>,
    ) -> Result<(), UnwindReason> {
        stretches(self.section, &self.fde, found)
    }
}

/// Instructions of a function over which the state of the return address does not change.
pub(super) struct Stretch {
    /// Offsets from the start of the function, in bytes. The last stretch may be empty.
    pub range: Range<u64>,
    /// The return address is signed here, by the tables.
    pub is_signed: bool,
    /// The state changes at the start, by `DW_CFA_AARCH64_negate_ra_state`.
    pub is_marked: bool,
}

/// The section, and the state that gimli needs to read it.
pub(super) struct Section<'a> {
    info: UnwindInfo<'a>,
    eh_frame: EhFrame<Reader<'a>>,
    bases: BaseAddresses,
}

impl<'a> Section<'a> {
    pub fn new(info: UnwindInfo<'a>) -> Self {
        let mut eh_frame = EhFrame::new(info.bytes, LittleEndian);
        eh_frame.set_address_size(8);
        eh_frame.set_vendor(Vendor::AArch64);
        Self {
            info,
            eh_frame,
            bases: BaseAddresses::default().set_eh_frame(info.address),
        }
    }

    /// Calls `found` with each function, in the order of the section.
    pub fn functions(
        &self,
        mut found: impl FnMut(&Function<'_, 'a>) -> Result<(), UnwindReason>,
    ) -> Result<(), UnwindError> {
        let mut offset = 0;
        loop {
            let error = |function, reason| UnwindError {
                entry: offset as u64,
                function,
                reason,
            };
            let Some(end) = self.end(offset).map_err(|reason| error(None, reason))? else {
                return Ok(());
            };
            if self.u32_at(offset + 4) == Some(0) {
                self.cie(offset).map_err(|reason| error(None, reason))?;
            } else {
                let function = self
                    .function(offset, end)
                    .map_err(|(function, reason)| error(function, reason))?;
                found(&function).map_err(|reason| error(Some(function.start()), reason))?;
            }
            offset = end;
        }
    }

    /// The end of the entry at `offset`, or `None` at the end of the table.
    fn end(&self, offset: usize) -> Result<Option<usize>, UnwindReason> {
        let rest = self.info.bytes.get(offset..).unwrap_or_default();
        let Some(len) = self.u32_at(offset).filter(|len| *len != 0) else {
            // A terminator, or only padding.
            return match rest.iter().all(|byte| *byte == 0) {
                true => Ok(None),
                false if rest.len() < 4 => Err(UnwindReason::Damaged),
                false => Err(UnwindReason::BehindEnd),
            };
        };
        // The highest values, which announce the 64-bit format, exceed any section.
        let len = usize::try_from(len).map_err(|_| UnwindReason::Damaged)?;
        let is_whole = len >= HEAD - 4 && len <= rest.len() - 4;
        is_whole
            .then_some(Some(offset + 4 + len))
            .ok_or(UnwindReason::Damaged)
    }

    fn u32_at(&self, offset: usize) -> Option<u32> {
        let bytes = self.info.bytes.get(offset..)?.first_chunk()?;
        Some(u32::from_le_bytes(*bytes))
    }

    /// The CIE at `offset`, which must be of the only kind that compilers emit for `pac-ret`.
    fn cie(&self, offset: usize) -> Result<Cie<'a>, UnwindReason> {
        // After the version, which is one byte.
        let text = self.info.bytes.get(offset + HEAD + 1..);
        if !text.is_some_and(|text| text.starts_with(b"zR\0")) {
            return Err(UnwindReason::Augmentation);
        }
        let cie = self
            .eh_frame
            .cie_from_offset(&self.bases, EhFrameOffset(offset))
            .map_err(|_| UnwindReason::Cie)?;
        if !matches!(cie.version(), 1 | 3) {
            return Err(UnwindReason::Cie);
        }
        let register = cie.return_address_register().0;
        if register != X30 {
            return Err(UnwindReason::ReturnAddress { register });
        }
        if pointer_size(&cie).is_none() {
            let encoding = cie.fde_address_encoding().map_or(0, |encoding| encoding.0);
            return Err(UnwindReason::PointerEncoding { encoding });
        }
        check_initial(self, &cie)?;
        Ok(cie)
    }

    /// The function whose entry is from `offset` to `end`. An error includes the function's address if
    /// it is known.
    fn function(
        &self,
        offset: usize,
        end: usize,
    ) -> Result<Function<'_, 'a>, (Option<u64>, UnwindReason)> {
        let damaged = |_| (None, UnwindReason::Damaged);
        let partial = self
            .eh_frame
            .partial_fde_from_offset(&self.bases, EhFrameOffset(offset))
            .map_err(damaged)?;
        let cie = self
            .cie(partial.cie_offset().0)
            .map_err(|reason| (None, reason))?;
        // Address and length, of the size in the CIE's encoding; then the length of the augmentation
        // data, which gimli skips.
        let size = pointer_size(&cie).unwrap_or_default();
        let fields = self.info.bytes.get(offset + HEAD..end).unwrap_or_default();
        if fields.get(2 * size).is_some_and(|len| *len != 0) {
            let place = self.info.address.wrapping_add((offset + HEAD) as u64);
            let low = self.u32_at(offset + HEAD).unwrap_or_default();
            let distance = match size {
                8 => {
                    i64::from(low)
                        | i64::from(self.u32_at(offset + HEAD + 4).unwrap_or_default()) << 32
                }
                _ => i64::from(low as i32),
            };
            let start = place.wrapping_add_signed(distance);
            return Err((Some(start), UnwindReason::AugmentationData));
        }
        let fde = partial.parse(|_, _, _| Ok(cie.clone())).map_err(damaged)?;
        Ok(Function { section: self, fde })
    }
}

/// Bytes of an address in the entries of a CIE: 4, or 8 in the large code model. `None` for an encoding
/// other than a distance from its own place.
fn pointer_size(cie: &Cie<'_>) -> Option<usize> {
    const SHORT: u8 = constants::DW_EH_PE_pcrel.0 | constants::DW_EH_PE_sdata4.0;
    const LONG: u8 = constants::DW_EH_PE_pcrel.0 | constants::DW_EH_PE_sdata8.0;
    match cie.fde_address_encoding()?.0 {
        SHORT => Some(4),
        LONG => Some(8),
        _ => None,
    }
}

/// A call frame instruction, if it is relevant here. The others describe where registers are
/// saved.
enum Step {
    /// `DW_CFA_advance_loc`, in units of the code alignment factor.
    Advance(u32),
    /// `DW_CFA_AARCH64_negate_ra_state`.
    Mark,
    /// `DW_CFA_remember_state`.
    Remember,
    /// `DW_CFA_restore_state`.
    Restore,
    Other,
}

/// The next instruction; `None` at the end.
fn next(
    instructions: &mut CallFrameInstructionIter<'_, Reader<'_>>,
) -> Result<Option<Step>, UnwindReason> {
    match instructions.next() {
        Ok(None) => Ok(None),
        Ok(Some(CallFrameInstruction::AdvanceLoc { delta })) => Ok(Some(Step::Advance(delta))),
        Ok(Some(CallFrameInstruction::NegateRaState)) => Ok(Some(Step::Mark)),
        Ok(Some(CallFrameInstruction::RememberState)) => Ok(Some(Step::Remember)),
        Ok(Some(CallFrameInstruction::RestoreState)) => Ok(Some(Step::Restore)),
        // Sets any address; compilers do not emit it for contiguous code.
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

/// Checks that the initial instructions of a CIE, which apply at the start of each function, mark no
/// address.
fn check_initial<'a>(section: &Section<'a>, cie: &Cie<'a>) -> Result<(), UnwindReason> {
    let mut instructions = cie.instructions(&section.eh_frame, &section.bases);
    while let Some(step) = next(&mut instructions)? {
        if matches!(step, Step::Advance(_) | Step::Mark) {
            return Err(UnwindReason::Place);
        }
    }
    Ok(())
}

/// States of the return address that are remembered at once. Compilers remember one.
const DEPTH: u32 = 64;

fn stretches<'a>(
    section: &Section<'a>,
    fde: &Fde<'a>,
    mut found: impl FnMut(Stretch) -> Result<(), UnwindReason>,
) -> Result<(), UnwindReason> {
    let factor = fde.cie().code_alignment_factor();
    let mut instructions = fde.instructions(&section.eh_frame, &section.bases);
    let (mut offset, mut is_signed, mut is_marked) = (0_u64, false, false);
    // The remembered states, the last one in bit 0, and their number.
    let (mut remembered, mut depth) = (0_u64, 0);
    while let Some(step) = next(&mut instructions)? {
        match step {
            Step::Advance(delta) => {
                let end = u64::from(delta)
                    .checked_mul(factor)
                    .and_then(|bytes| offset.checked_add(bytes))
                    .filter(|end| *end <= fde.len())
                    .ok_or(UnwindReason::Place)?;
                if end != offset {
                    found(Stretch {
                        range: offset..end,
                        is_signed,
                        is_marked,
                    })?;
                    is_marked = false;
                }
                offset = end;
            }
            Step::Mark if !offset.is_multiple_of(4) => return Err(UnwindReason::Place),
            Step::Mark => (is_signed, is_marked) = (!is_signed, true),
            Step::Remember if depth == DEPTH => return Err(UnwindReason::Program),
            Step::Remember => {
                remembered = remembered << 1 | u64::from(is_signed);
                depth += 1;
            }
            Step::Restore if depth == 0 => return Err(UnwindReason::Program),
            Step::Restore => {
                is_signed = remembered & 1 == 1;
                remembered >>= 1;
                depth -= 1;
            }
            Step::Other => {}
        }
    }
    found(Stretch {
        range: offset..fde.len(),
        is_signed,
        is_marked,
    })
}
