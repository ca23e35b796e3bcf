//! From a file to a payload in memory, complete and protected.

use core::convert::Infallible;
use core::ops::Range;
use core::slice;

use super::format::{FUNCTION_LANDING_PAD, Function};
use super::kernel::{Kernel, RunningImage};
use super::load_error::LoadError;
use super::loaded::Loaded;
use super::memory::{Block, Layout};
use super::name::Name;
use super::payload::Payload;
use super::relocate::Kind;
use crate::insn::Insn;
use crate::patch::{PatchError, Plan, WritableAlias};
use crate::region::{Region, Table, Words};

/// Memory of a payload that is freed unless the payload is kept.
struct Memory<'k, K: Kernel> {
    kernel: &'k mut K,
    loaded: &'k Loaded,
    is_kept: bool,
}

impl<K: Kernel> Drop for Memory<'_, K> {
    fn drop(&mut self) {
        if !self.is_kept {
            self.kernel.free(self.loaded.block, &self.loaded.layout);
        }
    }
}

/// Loads `payload`, up to the point where it can be executed, and fills its `place`. `others` is the
/// number of functions of all payloads that are loaded.
#[inline(never)]
pub(super) fn load<K: Kernel>(
    kernel: &mut K,
    payload: &Payload<'_>,
    others: usize,
    place: &mut Option<Loaded>,
) -> Result<(), LoadError<K::MemoryError>> {
    const {
        assert!(K::PAGE.is_power_of_two() && K::PAGE <= Layout::ALIGN);
    }
    let image = kernel.image();
    check_places(payload, &image)?;
    let loaded = Loaded::fill(place, payload, &image, others, K::PAGE);
    let block = kernel.allocate(&loaded.layout, image.range());
    loaded.block = block.map_err(LoadError::Memory)?;
    let loaded = &*loaded;
    let mut memory = Memory {
        kernel,
        loaded,
        is_kept: false,
    };
    let Block { address, pointer } = loaded.block;
    for (address, align) in [(address, Layout::ALIGN), (pointer.addr() as u64, 16)] {
        if !address.is_multiple_of(align) {
            return Err(LoadError::MisalignedMemory { address });
        }
    }
    check_branches(payload, loaded)?;
    // All relocations are computed before the first one is written.
    relocations(payload, loaded, |_, _, _| ())?;
    // SAFETY: the kernel has provided the memory for this layout.
    unsafe { copy(payload, loaded) };
    relocations(payload, loaded, |place, width, value: u64| {
        let bytes = value.to_le_bytes();
        // SAFETY: the place has `width` bytes in a segment, which is in the memory.
        unsafe {
            let to = loaded.pointer(place.into());
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), to, width as usize);
        }
    })?;
    // SAFETY: the segments are complete, and no other code has their address yet.
    unsafe { patch_sites(memory.kernel, &image, payload, loaded) }.map_err(LoadError::Sites)?;
    #[cfg(all(target_arch = "aarch64", target_os = "none"))]
    {
        let Range { start, end } = loaded.text();
        let start_pointer = loaded.pointer(start.wrapping_sub(address)) as u64;
        let text = start_pointer..start_pointer.wrapping_add(end.wrapping_sub(start));
        // SAFETY: the text is mapped readable there, and no CPU executes it yet. The CPU that
        // executes it first has been stopped by the rendezvous since, or is this one.
        unsafe { memory.kernel.maintenance().sync(text) };
    }
    let protected = memory.kernel.protect(&loaded.block, &loaded.layout);
    protected.map_err(LoadError::Memory)?;
    memory.is_kept = true;
    Ok(())
}

/// Checks that each new function is in the reach of its branch.
// Out of line, as the other checks: their stack is free again when the sites are patched.
#[inline(never)]
fn check_branches<M>(payload: &Payload<'_>, loaded: &Loaded) -> Result<(), LoadError<M>> {
    for function in payload.functions() {
        loaded
            .branch(&function)
            .map_err(|error| LoadError::OutOfReach {
                function: name(payload, &function),
                error,
            })?;
    }
    Ok(())
}

/// Checks the payload's statements about the image: places and landing pads.
#[inline(never)]
fn check_places<M>(payload: &Payload<'_>, image: &RunningImage) -> Result<(), LoadError<M>> {
    let anchor = image.build_id.anchor;
    let place = |offset: u32| anchor.wrapping_add_signed(i64::from(offset as i32));
    for function in payload.functions() {
        let address = place(function.old);
        if !image
            .text
            .contains(address, u64::from(function.old_size) / 4)
        {
            return Err(LoadError::FunctionOutsideText {
                function: name(payload, &function),
                address,
            });
        }
        check_landing_pad(payload, image, &function, address)?;
    }
    for (index, expectation) in (0..).zip(payload.expectations()) {
        let address = place(expectation.place);
        if image.text.get(address).is_none() {
            return Err(LoadError::ExpectationOutsideText { index, address });
        }
    }
    Ok(())
}

/// The pad of the old function is executed, then the branch to the word after the pad of the new
/// function. Without a pad that stays, an indirect branch to the old entry would find the B, which
/// is no landing pad (Arm ARM D8.4.5).
fn check_landing_pad<M>(
    payload: &Payload<'_>,
    image: &RunningImage,
    function: &Function,
    address: u64,
) -> Result<(), LoadError<M>> {
    let old = image.text.get(address).unwrap_or(Insn::NOP);
    let new = payload.bytes_at(function.new).and_then(<[u8]>::first_chunk);
    let new = Insn(new.map_or(0, |bytes| u32::from_le_bytes(*bytes)));
    let has_pad = function.flags & FUNCTION_LANDING_PAD != 0;
    let is_right = match has_pad {
        true => is_landing_pad(old) && old == new,
        false => !is_landing_pad(old),
    };
    match is_right {
        true => Ok(()),
        false => Err(LoadError::LandingPad {
            function: name(payload, function),
            old,
            new,
        }),
    }
}

/// Whether an indirect branch may go to `word` in a guarded page: BTI, or PACIASP or PACIBSP, which
/// also are one (Arm ARM D8.4.5).
const fn is_landing_pad(word: Insn) -> bool {
    // HINT #32, #34, #36 and #38 are the forms of BTI.
    matches!(
        word.0,
        0xd503_241f | 0xd503_245f | 0xd503_249f | 0xd503_24df | 0xd503_233f | 0xd503_237f
    )
}

fn name(payload: &Payload<'_>, function: &Function) -> Name {
    Name::new(payload.text(function.name, function.name_len))
}

/// Calls `write` with place, width and value of each relocation.
#[inline(never)]
fn relocations<M>(
    payload: &Payload<'_>,
    loaded: &Loaded,
    mut write: impl FnMut(u32, u32, u64),
) -> Result<(), LoadError<M>> {
    for (index, relocation) in (0..).zip(payload.relocations()) {
        let (place, elf_type) = (relocation.place, relocation.elf_type());
        // The parser has refused unknown types, and places outside.
        let Some(kind) = Kind::new(elf_type) else {
            continue;
        };
        let bytes = payload.bytes_at(place).and_then(<[u8]>::first_chunk);
        let word = Insn(bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes)));
        let (at, target) = (loaded.at(place), loaded.target(&relocation));
        let value =
            kind.apply(elf_type, word, at, target)
                .map_err(|error| LoadError::Relocation {
                    index,
                    place,
                    error,
                })?;
        write(place, kind.width(), value);
    }
    Ok(())
}

/// Fills the memory: segments, notes of zeros, description.
///
/// # Safety
/// The memory is mapped writable, and no other code uses it.
unsafe fn copy(payload: &Payload<'_>, loaded: &Loaded) {
    for part in loaded.layout.parts() {
        let size = part.range.end - part.range.start;
        // SAFETY: the kernel has provided memory for all parts.
        unsafe {
            loaded
                .pointer(part.range.start)
                .write_bytes(0, size as usize);
        }
    }
    let segments = payload.segments.iter();
    let segments = segments.map(|segment| (u64::from(segment.start), segment.bytes));
    let description = (loaded.description_offset(), payload.description.bytes());
    for (start, bytes) in segments.chain([description]) {
        // SAFETY: each is in one of the parts; the file is other memory.
        unsafe {
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), loaded.pointer(start), bytes.len());
        }
    }
}

/// Patches the payload's own sites for this system: checks every arm, as a first pass does.
///
/// # Safety
/// The segments are complete and writable, and no other code uses the memory.
unsafe fn patch_sites<K: Kernel>(
    kernel: &K,
    image: &RunningImage,
    payload: &Payload<'_>,
    loaded: &Loaded,
) -> Result<(), PatchError<Infallible>> {
    let header = payload.header();
    let pointer = |offset: u32| loaded.pointer(offset.into());
    let words = |start: u32, bytes: u32| {
        let start_pointer = pointer(start).cast::<u32>();
        // SAFETY: the parser has found these words in a segment, aligned to 4.
        unsafe { Words::from_raw(loaded.at(start), start_pointer, bytes as usize / 4) }
    };
    let text = payload.segments.text;
    let replacements = header.replacements;
    let region = Region {
        text: words(text.start, text.size).into(),
        // SAFETY: the parser has found the records in the read-only segment, aligned to 4. Each
        // pattern of bits is a record, and nothing writes to that segment any more.
        branches: unsafe { table(loaded, header.branches.start, header.branches.len) },
        // SAFETY: as above.
        alternatives: unsafe { table(loaded, header.alternatives.start, header.alternatives.len) },
        replacements: match replacements.len {
            0 => Words::new(0, &[]),
            len => words(replacements.start, len),
        },
        callbacks: image.callbacks,
    };
    // SAFETY: the kernel has provided the memory, and only one operation runs at a time.
    let room = unsafe { loaded.room() };
    let plan = Plan::checked_records(&region, kernel.decision(), room).map_err(PatchError::Plan)?;
    let mut alias = Own(pointer(text.start).cast());
    // SAFETY: the plan was just made for this region. No CPU executes it yet.
    unsafe { plan.commit(&region, &kernel.maintenance(), &mut alias) }?;
    Ok(())
}

/// A table of the payload; `start` does not count if it is empty.
///
/// # Safety
/// The records are in the payload's memory, aligned, and each pattern of bits is one.
unsafe fn table<R>(loaded: &Loaded, start: u32, len: u32) -> Table<'_, R> {
    if len == 0 {
        return Table::new(0, &[]);
    }
    let records = loaded.pointer(start.into()).cast::<R>();
    // SAFETY: the caller's promise.
    let records = unsafe { slice::from_raw_parts(records, len as usize) };
    Table::new(loaded.at(start), records)
}

/// The text of a payload that is still writable.
struct Own(*mut u32);

// SAFETY: the memory is writable and readable by this pointer until it is protected.
unsafe impl WritableAlias for Own {
    type Error = Infallible;

    fn open(&mut self, _text: Range<u64>) -> Result<*mut u32, Infallible> {
        Ok(self.0)
    }

    fn close(&mut self) {}
}
