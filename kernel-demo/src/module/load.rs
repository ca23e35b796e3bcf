//! Loading a module: from an object file to operations that can be called.

use core::mem::MaybeUninit;
use core::ops::Range;
use core::slice;

use alt_runtime::boot::Finalised;
use alt_runtime::patch::{PatchError, Report, WritableAlias};
use alt_runtime::region::{Region, Table, Words};
use alt_runtime::{Callback, PlannedWrite};
use demo_module::Operations;
use thiserror::Error;

use super::pages::Pages;
use crate::platform::memory::{self, Rights};
use demo_object::{Object, ObjectError, Part};

unsafe extern "C" {
    /// An absolute symbol: the version of the layout of the kernel's own records.
    static __alt_layout_version: u8;
}

/// Why a module was refused.
#[derive(Debug, Error)]
pub enum LoadError<'a> {
    /// It cannot be read or linked.
    #[error("{0}")]
    Object(ObjectError<'a>),
    /// There are not enough free pages in a row.
    #[error("no memory for {size} bytes")]
    NoMemory {
        /// Bytes that it requires.
        size: usize,
    },
    /// The layout of its records is not the kernel's.
    #[error("its records are of layout {found}, the kernel's are of {known}")]
    OtherLayout {
        /// The version of the module.
        found: u64,
        /// The version of the kernel.
        known: u64,
    },
    /// It does not define `demo_module`, or not as [`Operations`].
    #[error("it has no operations")]
    NoOperations,
    /// The size of a table is not a multiple of the size of its records.
    #[error("its tables are not whole records")]
    PartialRecord,
    /// Its sites cannot be patched.
    #[error("{0}")]
    Patch(PatchError<&'static str>),
}

/// A module in memory, patched and executable.
pub struct Module {
    /// Its memory, which is free again when it is dropped.
    _pages: Pages,
    text: Range<usize>,
    operations: *const Operations,
    report: Report,
}

impl Module {
    /// Loads the object `file` and patches it by the decision of `system`. It may use the symbols
    /// that `export` finds, and the `callbacks` of the kernel.
    pub fn load<'a>(
        file: &'a [u8],
        export: impl Fn(&str) -> Option<u64>,
        system: &Finalised,
        callbacks: Table<'_, Callback>,
    ) -> Result<Self, LoadError<'a>> {
        let object = Object::parse(file).map_err(LoadError::Object)?;
        check_layout(&object)?;
        let size = object.size();
        let mut pages = Pages::take(size).ok_or(LoadError::NoMemory { size })?;
        let start = pages.range().start;
        object
            .load(pages.bytes_mut(), start as u64, export)
            .map_err(LoadError::Object)?;

        let operations = operations(&object, start)?;
        let memory = Memory {
            object: &object,
            start,
        };
        // SAFETY: the pages are this module's, and there is no reference to them any more.
        let (region, room) = unsafe { memory.region(callbacks) }?;
        let text = memory.pages(Part::Text, Part::ReadOnly);
        let mut alias = InPlace(text.clone());
        // SAFETY: the text is mapped at its address and not executable yet.
        let report =
            unsafe { system.patch_region(&region, room, &mut alias) }.map_err(LoadError::Patch)?;

        // SAFETY: the text is readable; the parts are whole pages of this module, which
        // does not write to its text and its constants.
        unsafe {
            system.maintenance().sync(region.text.range());
            memory::set_rights(text, Rights::Execute);
            memory::set_rights(memory.pages(Part::ReadOnly, Part::Data), Rights::ReadOnly);
        }
        let text = memory.range(Part::Text);
        // The tables and the room for the plan are no longer needed.
        pages.truncate(object.part(Part::Branches).start);
        Ok(Self {
            _pages: pages,
            text,
            operations,
            report,
        })
    }

    /// Its operations.
    pub fn operations(&self) -> &Operations {
        // SAFETY: they are in the module's read-only pages, as `operations` has checked. That the
        // functions are those of `Operations` cannot be checked: a kernel trusts its modules.
        unsafe { &*self.operations }
    }

    /// The report of the patching.
    pub fn report(&self) -> Report {
        self.report
    }

    /// The addresses of its text.
    pub fn text(&self) -> Range<usize> {
        self.text.clone()
    }
}

fn check_layout<'a>(object: &Object<'_>) -> Result<(), LoadError<'a>> {
    let known = &raw const __alt_layout_version as u64;
    match object.constant("__alt_layout_version") {
        Some(found) if found != known => Err(LoadError::OtherLayout { found, known }),
        _ => Ok(()),
    }
}

fn operations<'a>(object: &Object<'_>, start: usize) -> Result<*const Operations, LoadError<'a>> {
    let (offset, size) = object.find("demo_module").ok_or(LoadError::NoOperations)?;
    let range = object.part(Part::ReadOnly);
    let is_inside = range.contains(&offset) && size_of::<Operations>() <= range.end - offset;
    let address = start.wrapping_add(offset) as *const Operations;
    if size != size_of::<Operations>() as u64 || !is_inside || !address.is_aligned() {
        return Err(LoadError::NoOperations);
    }
    Ok(address)
}

/// The memory of a module while it is loaded.
struct Memory<'m> {
    object: &'m Object<'m>,
    start: usize,
}

impl<'m> Memory<'m> {
    /// The addresses of a part.
    fn range(&self, part: Part) -> Range<usize> {
        let Range { start, end } = self.object.part(part);
        self.start + start..self.start + end
    }

    /// The pages of `part`, up to those of `next`.
    fn pages(&self, part: Part, next: Part) -> Range<usize> {
        self.range(part).start..self.range(next).start
    }

    /// Address and number of the elements of a part.
    fn elements<T>(&self, part: Part) -> Result<(*mut T, usize), LoadError<'static>> {
        let range = self.range(part);
        if !range.len().is_multiple_of(size_of::<T>()) {
            return Err(LoadError::PartialRecord);
        }
        Ok((range.start as *mut T, range.len() / size_of::<T>()))
    }

    /// The region to be patched, and the room for the plan.
    ///
    /// # Safety
    /// The memory must be readable and writable, and used by nothing else, for `'m`.
    unsafe fn region(
        &self,
        callbacks: Table<'m, Callback>,
    ) -> Result<(Region<'m>, &'m mut [MaybeUninit<PlannedWrite>]), LoadError<'static>> {
        let (text, text_len) = self.elements(Part::Text)?;
        let (branches, branches_len) = self.elements(Part::Branches)?;
        let (records, records_len) = self.elements(Part::Records)?;
        let (words, words_len) = self.elements::<u32>(Part::Replacements)?;
        let (room, room_len) = self.elements(Part::Plan)?;
        // SAFETY: the parts do not overlap and are aligned to 16 bytes; any bytes are valid records;
        // the caller's promise.
        unsafe {
            let region = Region {
                text: Words::from_raw(text as u64, text, text_len).into(),
                branches: Table::new(
                    branches as u64,
                    slice::from_raw_parts(branches, branches_len),
                ),
                alternatives: Table::new(
                    records as u64,
                    slice::from_raw_parts(records, records_len),
                ),
                replacements: Words::from_raw(words as u64, words, words_len),
                callbacks,
            };
            Ok((region, slice::from_raw_parts_mut(room, room_len)))
        }
    }
}

/// The alias of a text that is not executable yet: the text itself, on these pages.
struct InPlace(Range<usize>);

// SAFETY: the pages of a module that is being loaded are mapped writable; `close` makes them
// read-only.
unsafe impl WritableAlias for InPlace {
    type Error = &'static str;

    fn open(&mut self, text: Range<u64>) -> Result<*mut u32, Self::Error> {
        Ok(text.start as *mut u32)
    }

    fn close(&mut self) {
        // SAFETY: the loader does not write to the text any more.
        unsafe { memory::set_rights(self.0.clone(), Rights::ReadOnly) };
    }
}
