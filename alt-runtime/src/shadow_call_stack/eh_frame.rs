//! Reading `.eh_frame`: the functions, and the addresses that their call frame instructions mark.

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

    /// Calls `found` with the offset of each mark from the start, in bytes and in ascending order.
    pub fn marks(
        &self,
        found: impl FnMut(u64) -> Result<(), UnwindReason>,
    ) -> Result<(), UnwindReason> {
        marks(self.section, &self.fde, found)
    }
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
        let encoding = cie.fde_address_encoding().map_or(0, |encoding| encoding.0);
        if encoding != constants::DW_EH_PE_pcrel.0 | constants::DW_EH_PE_sdata4.0 {
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
        // Address and length, 4 bytes each by the CIE's encoding; then the length of the
        // augmentation data, which gimli skips.
        let fields = self.info.bytes.get(offset + HEAD..end).unwrap_or_default();
        if fields.get(8).is_some_and(|len| *len != 0) {
            let place = self.info.address.wrapping_add((offset + HEAD) as u64);
            let start = self.u32_at(offset + HEAD);
            let start = start.map(|from| place.wrapping_add_signed((from as i32).into()));
            return Err((start, UnwindReason::AugmentationData));
        }
        let fde = partial.parse(|_, _, _| Ok(cie.clone())).map_err(damaged)?;
        Ok(Function { section: self, fde })
    }
}

/// A call frame instruction, as far as it matters here. The others describe where registers are
/// saved.
enum Step {
    /// `DW_CFA_advance_loc`, in units of the code alignment factor.
    Advance(u32),
    /// `DW_CFA_AARCH64_negate_ra_state`.
    Mark,
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
        if !matches!(step, Step::Other) {
            return Err(UnwindReason::Place);
        }
    }
    Ok(())
}

/// Calls `found` with the offset of each mark from the start of the function, in bytes and in
/// ascending order.
fn marks<'a>(
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
