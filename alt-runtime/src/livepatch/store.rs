//! The payloads of a kernel.

use core::cell::UnsafeCell;
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::format::Id;
use super::loaded::Loaded;

/// The state of a payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum State {
    /// In memory, complete and executable; the image does not use it.
    Loaded,
    /// The image's functions branch to it.
    Applied,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loaded => "loaded, not applied",
            Self::Applied => "applied",
        })
    }
}

/// The state of a payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Status<'a> {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: &'a str,
    /// Its state.
    pub state: State,
    /// Address of its memory.
    pub address: u64,
    /// Bytes of its memory, without the pages between the parts that are not used. Parts are counted
    /// as they are, not rounded up to pages.
    pub resident: u64,
    /// Number of functions that it replaces.
    pub functions: u32,
}

/// The function at an address of a payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Symbol<'a> {
    /// Name of the payload.
    pub payload: &'a str,
    /// Name of the function; `None` between functions.
    pub function: Option<&'a str>,
    /// Bytes from the start of the function, or of the payload.
    pub offset: u64,
}

/// The report of an action.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Done {
    /// Functions of the image that have been redirected.
    pub redirected: u32,
    /// Functions of the image that have been restored.
    pub restored: u32,
    /// Words of the image's text that have been written.
    pub words: u32,
    /// Data cache lines that have been cleaned.
    pub lines: u32,
}

/// Up to `N` payloads, as a static of the kernel:
/// `static LIVEPATCH: Livepatch<4> = Livepatch::new();`.
///
/// One operation runs at a time; a second one returns an error. [`list`](Self::list) and
/// [`lookup`](Self::lookup) can be called at any time, from any CPU.
pub struct Livepatch<const N: usize> {
    is_busy: AtomicBool,
    slots: [Slot; N],
}

/// A payload, or room for one.
struct Slot {
    /// Whether there is a payload.
    is_taken: AtomicBool,
    /// Number of those that read the payload at this moment.
    readers: AtomicU32,
    /// Written by an operation, while the slot is not taken and has no readers.
    loaded: UnsafeCell<Option<Loaded>>,
    /// Position in the order of loading.
    serial: AtomicU32,
    /// Position in the order of applying, from 1 on; 0 while it is not applied.
    level: AtomicU32,
    /// It has been applied before.
    is_used: AtomicBool,
}

// SAFETY: only the one operation in progress writes the content of a slot, while the slot is not taken and has
// no readers; the pointer in it is to memory that the slot owns.
unsafe impl Sync for Slot {}
// SAFETY: a slot can move only while nothing borrows it, and the memory of its payload is mapped on every CPU.
unsafe impl Send for Slot {}

impl Slot {
    const fn new() -> Self {
        Self {
            is_taken: AtomicBool::new(false),
            readers: AtomicU32::new(0),
            loaded: UnsafeCell::new(None),
            serial: AtomicU32::new(0),
            level: AtomicU32::new(0),
            is_used: AtomicBool::new(false),
        }
    }

    /// The payload, if there is one, which stays until the result is dropped.
    fn read(&self) -> Option<Reader<'_>> {
        // Sequentially consistent, as in `release`: either the reader sees that the slot is not
        // taken any more, or the one that releases it sees the reader.
        self.readers.fetch_add(1, Ordering::SeqCst);
        let reader = Reader(self);
        self.is_taken.load(Ordering::SeqCst).then_some(reader)
    }

    const fn state(level: u32) -> State {
        match level {
            0 => State::Loaded,
            _ => State::Applied,
        }
    }
}

/// Keeps a payload from being freed.
struct Reader<'a>(&'a Slot);

impl Reader<'_> {
    fn loaded(&self) -> Option<&Loaded> {
        // SAFETY: `is_taken` was set when this reader was counted, and an operation writes a slot only while it
        // is not taken and has no readers.
        unsafe { &*self.0.loaded.get() }.as_ref()
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.0.readers.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<const N: usize> Livepatch<N> {
    /// Without payloads.
    pub const fn new() -> Self {
        Self {
            is_busy: AtomicBool::new(false),
            slots: [const { Slot::new() }; N],
        }
    }

    /// Calls `each` with the state of each payload, in the order of loading.
    pub fn list(&self, mut each: impl FnMut(Status<'_>)) {
        let mut next = 0;
        // One payload in each turn: the lowest serial from `next` on.
        for _ in &self.slots {
            let readers = self.slots.iter().filter_map(Slot::read);
            let readers = readers.filter(|reader| reader.0.serial.load(Ordering::Relaxed) >= next);
            let first = readers.min_by_key(|reader| reader.0.serial.load(Ordering::Relaxed));
            let Some(reader) = first else { return };
            next = reader.0.serial.load(Ordering::Relaxed).saturating_add(1);
            if let Some(loaded) = reader.loaded() {
                each(Status {
                    id: loaded.header.id,
                    // SAFETY: the description is complete before a slot is taken.
                    name: unsafe { loaded.description() }.name(),
                    state: Slot::state(reader.0.level.load(Ordering::Relaxed)),
                    address: loaded.block.address,
                    resident: loaded.layout.resident(1),
                    functions: loaded.header.functions.len,
                });
            }
        }
    }

    /// Calls `found` with the function at `address`, if it is in the executable segment of a payload.
    /// For backtraces: callable from exception handlers.
    pub fn lookup<R>(&self, address: u64, found: impl FnOnce(Symbol<'_>) -> R) -> Option<R> {
        let mut readers = self.slots.iter().filter_map(Slot::read);
        let reader = readers.find(|reader| {
            let loaded = reader.loaded();
            loaded.is_some_and(|loaded| loaded.executes(address))
        })?;
        let loaded = reader.loaded()?;
        // SAFETY: the payload is complete before a slot is taken.
        let (description, symbol) = unsafe { (loaded.description(), loaded.symbol_at(address)) };
        let start = symbol.map_or(loaded.block.address, |(_, start)| start);
        Some(found(Symbol {
            payload: description.name(),
            function: symbol.map(|(name, _)| name),
            offset: address.wrapping_sub(start),
        }))
    }

    /// Begins an operation; `None` while another one is in progress.
    pub(super) fn begin(&self) -> Option<Operation<'_, N>> {
        match self.is_busy.swap(true, Ordering::Acquire) {
            true => None,
            false => Some(Operation { store: self }),
        }
    }
}

impl<const N: usize> Default for Livepatch<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> fmt::Debug for Livepatch<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        self.list(|status| {
            list.entry(&status);
        });
        list.finish()
    }
}

/// The one operation in progress. Only it changes the list of payloads and their states.
pub(super) struct Operation<'a, const N: usize> {
    store: &'a Livepatch<N>,
}

impl<const N: usize> Drop for Operation<'_, N> {
    fn drop(&mut self) {
        self.store.is_busy.store(false, Ordering::Release);
    }
}

impl<const N: usize> Operation<'_, N> {
    fn slot(&self, index: usize) -> Option<&Slot> {
        let slot = self.store.slots.get(index)?;
        slot.is_taken.load(Ordering::Relaxed).then_some(slot)
    }

    /// The payload in slot number `index`.
    pub fn loaded(&self, index: usize) -> Option<&Loaded> {
        // SAFETY: only an operation writes it, through `&mut self`.
        unsafe { &*self.slot(index)?.loaded.get() }.as_ref()
    }

    /// The numbers of the slots that are taken.
    fn indices(&self) -> impl Iterator<Item = usize> {
        (0..N).filter(|index| self.slot(*index).is_some())
    }

    /// The slot of the payload with this id.
    pub fn find(&self, id: &Id) -> Option<usize> {
        let is_it = |index: &usize| self.loaded(*index).is_some_and(|it| it.header.id == *id);
        self.indices().find(is_it)
    }

    /// The state of a payload.
    pub fn state(&self, index: usize) -> State {
        let level = self
            .slot(index)
            .map(|slot| slot.level.load(Ordering::Relaxed));
        Slot::state(level.unwrap_or(0))
    }

    /// Whether the payload has been applied since it was loaded.
    pub fn is_used(&self, index: usize) -> bool {
        self.slot(index)
            .is_some_and(|slot| slot.is_used.load(Ordering::Relaxed))
    }

    /// The slots of the payloads that are applied, in the order of applying; and their number.
    pub fn applied(&self) -> ([usize; N], usize) {
        let (mut indices, mut len) = ([0; N], 0);
        for index in self.indices() {
            if self.state(index) == State::Applied {
                // A bound that the compiler cannot know: there are at most N.
                if let Some(place) = indices.get_mut(len) {
                    *place = index;
                    len += 1;
                }
            }
        }
        let level = |index: &usize| {
            let slot = self.slot(*index);
            slot.map_or(0, |slot| slot.level.load(Ordering::Relaxed))
        };
        if let Some(applied) = indices.get_mut(..len) {
            applied.sort_unstable_by_key(level);
        }
        (indices, len)
    }

    /// The payload that was loaded last. Its room is large enough for the functions of all.
    pub fn newest(&self) -> Option<&Loaded> {
        let serial = |index: &usize| {
            let slot = self.slot(*index);
            slot.map_or(0, |slot| slot.serial.load(Ordering::Relaxed))
        };
        self.loaded(self.indices().max_by_key(serial)?)
    }

    /// Number of functions of all payloads.
    pub fn functions(&self) -> usize {
        let loaded = self.indices().filter_map(|index| self.loaded(index));
        loaded
            .map(|loaded| loaded.header.functions.len as usize)
            .sum()
    }

    /// A slot that is not taken, and the place in it for a payload, which readers find after
    /// [`publish`](Self::publish). `None` if each slot is taken.
    pub fn free_slot(&mut self) -> Option<(usize, &mut Option<Loaded>)> {
        let mut serials = self.indices().filter_map(|index| self.slot(index));
        let serial = serials.try_fold(0, |last: u32, slot| {
            let serial = slot.serial.load(Ordering::Relaxed);
            Some(last.max(serial.checked_add(1)?))
        })?;
        let index = (0..N).find(|index| self.slot(*index).is_none())?;
        let slot = self.store.slots.get(index)?;
        // A reader that found the slot not taken may still be counted.
        while slot.readers.load(Ordering::SeqCst) != 0 {
            core::hint::spin_loop();
        }
        slot.serial.store(serial, Ordering::Relaxed);
        slot.level.store(0, Ordering::Relaxed);
        slot.is_used.store(false, Ordering::Relaxed);
        // SAFETY: the slot has no readers, and is not taken, so a new reader does not read the payload.
        Some((index, unsafe { &mut *slot.loaded.get() }))
    }

    /// Lets readers find the payload in a slot from [`free_slot`](Self::free_slot).
    pub fn publish(&mut self, index: usize) {
        if let Some(slot) = self.store.slots.get(index) {
            slot.is_taken.store(true, Ordering::SeqCst);
        }
    }

    /// Removes the payload of a slot, and calls `free` with it. `false` if the slot is empty or a reader
    /// is using it.
    pub fn remove(&mut self, index: usize, free: impl FnOnce(&Loaded)) -> bool {
        let Some(slot) = self.slot(index) else {
            return false;
        };
        slot.is_taken.store(false, Ordering::SeqCst);
        if slot.readers.load(Ordering::SeqCst) != 0 {
            slot.is_taken.store(true, Ordering::SeqCst);
            return false;
        }
        // SAFETY: only an operation writes it, and this is the one in progress.
        if let Some(loaded) = unsafe { &*slot.loaded.get() } {
            free(loaded);
        }
        true
    }

    /// Sets the position of a payload in the order of applying; 0 if it is not applied.
    pub fn set_level(&self, index: usize, level: usize) {
        if let Some(slot) = self.slot(index) {
            let level = u32::try_from(level).unwrap_or(u32::MAX);
            slot.level.store(level, Ordering::Relaxed);
            slot.is_used.fetch_or(level != 0, Ordering::Relaxed);
        }
    }
}
