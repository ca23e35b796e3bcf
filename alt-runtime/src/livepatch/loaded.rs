//! A payload in memory.

use core::mem::MaybeUninit;
use core::ops::Range;

use super::description::{Description, text};
use super::elf::Segments;
use super::format::{
    BASE_IMAGE, FUNCTION_MAY_BE_RUNNING, Function, Header, HookKind, NONE, Relocation,
};
use super::kernel::{Hook, RunningImage};
use super::memory::{Block, Layout, Part, Rights};
use super::payload::{Payload, branch_offset};
use crate::insn::{Insn, OutOfReach};
use crate::room::PlannedWrite;

/// The addresses of the parts of a payload in its memory, and the loader's data about it.
///
/// The memory has the segments, at their offsets; after the writable one, the *notes*: the words
/// that the branches have replaced, and room for a plan; and last, the description.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    pub block: Block,
    pub layout: Layout,
    pub header: Header,
    /// Offset of the description.
    description: u64,
    /// Offsets of the executable and the read-only segment.
    text: Range<u32>,
    read_only: Range<u32>,
    /// Offset of the notes.
    notes: u64,
    /// Entries of the room.
    room: usize,
    /// Address of the image's build id.
    anchor: u64,
}

/// The old word of a function, or an entry of the room, begins at a multiple of this.
const ALIGN: u64 = 4;

impl Loaded {
    /// Fills `place` by how `payload` uses memory in pages of `page` bytes. `others` is the number of
    /// functions of all payloads that are loaded: the room also serves to replace those.
    // Out of line: the value is copied, from stack that is free again afterwards.
    #[inline(never)]
    pub fn fill<'p>(
        place: &'p mut Option<Self>,
        payload: &Payload<'_>,
        image: &RunningImage,
        others: usize,
        page: u64,
    ) -> &'p mut Self {
        place.insert(Self::new(payload, image, others, page))
    }

    fn new(payload: &Payload<'_>, image: &RunningImage, others: usize, page: u64) -> Self {
        let Segments {
            text,
            read_only,
            data,
        } = payload.segments;
        let header = *payload.header();
        let functions = header.functions.len as usize;
        let room = (functions + others).max(payload.site_words as usize);
        let end = u64::from(payload.segments.end());
        let data = match data {
            Some(data) => u64::from(data.start)..data.end().into(),
            None => end.next_multiple_of(page)..end.next_multiple_of(page),
        };
        let notes = data.end.next_multiple_of(ALIGN);
        let notes_size = functions * size_of::<u32>() + room * size_of::<PlannedWrite>();
        let notes_end = notes + notes_size as u64;
        let description = notes_end.next_multiple_of(page);
        let read_only = read_only.map_or(0..0, |segment| segment.start..segment.end());
        let part = |range, rights| Part { range, rights };
        let wide = |range: &Range<u32>| range.start.into()..range.end.into();
        let text = text.start..text.end();
        Self {
            // Set when there is memory.
            block: Block {
                address: 0,
                pointer: core::ptr::null_mut(),
            },
            layout: Layout {
                parts: [
                    part(wide(&text), Rights::ReadExecute),
                    part(wide(&read_only), Rights::Read),
                    part(data.start..notes_end, Rights::ReadWrite),
                    part(
                        description..description + u64::from(header.size),
                        Rights::Read,
                    ),
                ],
            },
            header,
            description,
            text,
            read_only,
            notes,
            room,
            anchor: image.build_id.anchor,
        }
    }

    /// The addresses of the executable segment.
    pub fn text(&self) -> Range<u64> {
        self.at(self.text.start)..self.at(self.text.end)
    }

    /// Whether `address` is in the executable segment.
    pub fn executes(&self, address: u64) -> bool {
        self.text().contains(&address)
    }

    /// The address of a place of the payload.
    pub fn at(&self, offset: u32) -> u64 {
        self.block.address.wrapping_add(offset.into())
    }

    /// Where the loader reads and writes that place.
    pub fn pointer(&self, offset: u64) -> *mut u8 {
        self.block.pointer.wrapping_add(offset as usize)
    }

    /// The address of a place of the image, by its offset from the anchor.
    pub fn image_at(&self, offset: u32) -> u64 {
        let offset = i64::from(offset as i32);
        self.anchor.wrapping_add_signed(offset)
    }

    /// The description, as copied to the payload's memory.
    ///
    /// # Safety
    /// It has been copied, and the memory has not been freed for the result's lifetime.
    pub unsafe fn description(&self) -> Description<'_> {
        let start = self.pointer(self.description);
        // SAFETY: the part has these bytes, and is not written after the copy.
        let bytes = unsafe { core::slice::from_raw_parts(start, self.header.size as usize) };
        Description::new(bytes, self.header)
    }

    /// Where the description goes.
    pub fn description_offset(&self) -> u64 {
        self.description
    }

    /// A name in the read-only segment. The parser has refused invalid names; here they are empty.
    ///
    /// # Safety
    /// As for [`description`](Self::description).
    pub unsafe fn name(&self, name: u32, len: u32) -> &str {
        let Range { start, end } = self.read_only;
        if name < start || name > end || len > end - name {
            return "";
        }
        // SAFETY: the bytes are in the read-only part, which is not written after the copy.
        let bytes = unsafe { core::slice::from_raw_parts(self.pointer(name.into()), len as usize) };
        text(bytes).unwrap_or_default()
    }

    /// The place of the branch at the entry of an old function.
    pub fn place(&self, function: &Function) -> u64 {
        let entry = self.image_at(function.old);
        entry.wrapping_add(branch_offset(function).into())
    }

    /// The branch from there to the new function.
    pub fn branch(&self, function: &Function) -> Result<Insn, OutOfReach> {
        let target = self.at(function.new + branch_offset(function));
        Insn::branch(self.place(function), target)
    }

    /// The addresses of an old function.
    pub fn old(&self, function: &Function) -> Range<u64> {
        let start = self.image_at(function.old);
        start..start.wrapping_add(function.old_size.into())
    }

    /// The addresses of a new function.
    pub fn new_range(&self, function: &Function) -> Range<u64> {
        self.at(function.new)..self.at(function.new + function.new_size)
    }

    /// The address that a relocation refers to.
    pub fn target(&self, relocation: &Relocation) -> u64 {
        let base = match relocation.base() {
            BASE_IMAGE => self.anchor,
            _ => self.block.address,
        };
        base.wrapping_add_signed(relocation.target())
    }

    /// The hook of a kind, if there is one.
    ///
    /// # Safety
    /// As for [`description`](Self::description).
    pub unsafe fn hook(&self, kind: HookKind) -> Option<Hook<'_>> {
        let offset = *self.header.hooks.get(kind as usize)?;
        (offset != NONE).then(|| Hook {
            kind,
            address: self.at(offset),
            payload: self.header.id,
            // SAFETY: the caller's promise.
            name: unsafe { self.description() }.name(),
        })
    }

    /// Where the word is kept that the branch of function number `index` has replaced.
    fn saved(&self, index: usize) -> *mut u32 {
        let offset = self.notes + (index * size_of::<u32>()) as u64;
        self.pointer(offset).cast()
    }

    /// The word that the branch of function number `index` has replaced.
    ///
    /// # Safety
    /// The memory exists, `index` is less than the number of functions, and one operation runs.
    pub unsafe fn saved_word(&self, index: usize) -> Insn {
        // SAFETY: the notes have a word for each function; they begin as zeros.
        Insn(unsafe { self.saved(index).read() })
    }

    /// Keeps the word that the branch of function number `index` replaces.
    ///
    /// # Safety
    /// As for [`saved_word`](Self::saved_word).
    pub unsafe fn save_word(&self, index: usize, word: Insn) {
        // SAFETY: as in `saved_word`; the notes stay writable.
        unsafe { self.saved(index).write(word.0) }
    }

    /// The room for a plan.
    ///
    /// # Safety
    /// The memory is there, and nobody else uses the room for the result's lifetime: only one
    /// operation is in progress.
    #[expect(clippy::mut_from_ref, reason = "the caller is the only one")]
    pub unsafe fn room(&self) -> &mut [MaybeUninit<PlannedWrite>] {
        let start = self.saved(self.header.functions.len as usize);
        // SAFETY: the notes have this number of entries after the words, aligned like them.
        unsafe { core::slice::from_raw_parts_mut(start.cast(), self.room) }
    }

    /// The function whose branch is at `place`, and its index.
    ///
    /// # Safety
    /// As for [`description`](Self::description).
    pub unsafe fn function_at(&self, place: u64) -> Option<(usize, Function)> {
        // SAFETY: the caller's promise.
        let found = unsafe { self.replaced_at(place) }?;
        (self.place(&found.1) == place).then_some(found)
    }

    /// The function, by index, whose old one contains `address`.
    ///
    /// # Safety
    /// As for [`description`](Self::description).
    pub unsafe fn replaced_at(&self, address: u64) -> Option<(usize, Function)> {
        let offset = address.wrapping_sub(self.anchor) as i64;
        // SAFETY: the caller's promise.
        let found = unsafe { self.description() }.function_before(offset)?;
        let Range { start, end } = self.old(&found.1);
        (address.wrapping_sub(start) < end.wrapping_sub(start)).then_some(found)
    }

    /// The function whose new one contains `address`.
    ///
    /// # Safety
    /// As for [`description`](Self::description).
    pub unsafe fn replacement_at(&self, address: u64) -> Option<Function> {
        // SAFETY: the caller's promise.
        let mut functions = unsafe { self.description() }.functions();
        functions.find(|function| self.new_range(function).contains(&address))
    }

    /// The function at an address of the executable segment: its name and its start.
    ///
    /// # Safety
    /// As for [`description`](Self::description).
    pub unsafe fn symbol_at(&self, address: u64) -> Option<(&str, u64)> {
        // SAFETY: the caller's promise.
        let (description, replacement) =
            unsafe { (self.description(), self.replacement_at(address)) };
        let (start, name, len) = match replacement {
            Some(function) => (function.new, function.name, function.name_len),
            None => {
                let mut symbols = description.symbols();
                let symbol = symbols.find(|symbol| {
                    let start = self.at(symbol.start);
                    address.wrapping_sub(start) < symbol.size.into()
                })?;
                (symbol.start, symbol.name, symbol.name_len)
            }
        };
        // SAFETY: the caller's promise.
        Some((unsafe { self.name(name, len) }, self.at(start)))
    }
}

/// Whether calls of the function may be in progress when it is replaced.
pub(super) const fn may_be_running(function: &Function) -> bool {
    function.flags & FUNCTION_MAY_BE_RUNNING != 0
}
