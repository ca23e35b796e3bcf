//! The entries of `.eh_frame`, one after the other, each checked.

use core::ops::Range;

use gimli::{BaseAddresses, EhFrame, EhFrameOffset, EndianSlice, LittleEndian};
use gimli::{UnwindSection, Vendor, constants};

use super::error::{UnwindError, UnwindReason};
use super::program;
use crate::region::Text;

pub(super) type Reader<'a> = EndianSlice<'a, LittleEndian>;
pub(super) type Cie<'a> = gimli::CommonInformationEntry<Reader<'a>>;
pub(super) type Fde<'a> = gimli::FrameDescriptionEntry<Reader<'a>>;

/// DWARF's number of x30 (DWARF for the Arm 64-bit Architecture, 4.1).
const X30: u16 = 30;

/// Bytes of an entry's length, and of what follows it: 0, or the distance of the CIE.
const HEAD: usize = 8;

/// The unwind tables of a text: a section `.eh_frame`.
#[derive(Clone, Copy, Debug)]
pub struct UnwindInfo<'a> {
    address: u64,
    bytes: &'a [u8],
}

impl<'a> UnwindInfo<'a> {
    /// The `bytes` of the section, which is linked at `address`.
    pub const fn new(address: u64, bytes: &'a [u8]) -> Self {
        Self { address, bytes }
    }
}

/// One function of the tables.
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

    /// Tells how far from the start each mark is, in bytes, in their order.
    pub fn marks(
        &self,
        found: impl FnMut(u64) -> Result<(), UnwindReason>,
    ) -> Result<(), UnwindReason> {
        program::marks(self.section, &self.fde, found)
    }
}

/// The section, with all that it takes to read it.
pub(super) struct Section<'a> {
    info: UnwindInfo<'a>,
    pub eh_frame: EhFrame<Reader<'a>>,
    pub bases: BaseAddresses,
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

    /// Tells each function, in the order of the section.
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

    /// Where the entry at `offset` ends; `None` if there is none, since the table ends.
    fn end(&self, offset: usize) -> Result<Option<usize>, UnwindReason> {
        let rest = self.info.bytes.get(offset..).unwrap_or_default();
        let Some(len) = self.u32_at(offset).filter(|len| *len != 0) else {
            // A terminator, or nothing but padding.
            return match rest.iter().all(|byte| *byte == 0) {
                true => Ok(None),
                false if rest.len() < 4 => Err(UnwindReason::Damaged),
                false => Err(UnwindReason::BehindEnd),
            };
        };
        // The highest lengths announce the 64-bit format, and are longer than any section.
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

    /// The CIE at `offset`, if it is of the only kind that compilers make for `pac-ret`.
    fn cie(&self, offset: usize) -> Result<Cie<'a>, UnwindReason> {
        // Behind the version, which is one byte.
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
        program::check_initial(self, &cie)?;
        Ok(cie)
    }

    /// The function whose entry is at `offset` and ends at `end`. An error comes with its address,
    /// as soon as that is known.
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
        // Address and length, of 4 bytes each as the CIE says; then the length of what the
        // augmentation adds, which gimli passes over.
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

/// Where a function is.
#[derive(PartialEq)]
pub(super) enum Place {
    Text,
    Excluded,
}

/// Where the `len` bytes at `start` are: as a whole in one of the ranges that are excluded, or
/// else in the text.
pub(super) fn place(
    text: &Text<'_>,
    excluded: &[Range<u64>],
    (start, len): (u64, u64),
) -> Result<Place, UnwindReason> {
    // Distances wrap, so that a range may end at the top of the address space.
    let size = |range: &Range<u64>| range.end.wrapping_sub(range.start);
    let offset = |range: &Range<u64>| start.wrapping_sub(range.start);
    let is_inside = |range: &Range<u64>| {
        let rest = size(range).checked_sub(offset(range));
        rest.is_some_and(|rest| len <= rest)
    };
    let overlaps = |range: &Range<u64>| {
        let before = range.start.wrapping_sub(start);
        offset(range) < size(range) || (before < len && size(range) != 0)
    };
    if excluded.iter().any(is_inside) {
        return Ok(Place::Excluded);
    }
    match text.contains(start, len.div_ceil(4)) && !excluded.iter().any(overlaps) {
        true => Ok(Place::Text),
        false => Err(UnwindReason::Outside { len }),
    }
}
