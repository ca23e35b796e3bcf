//! The pages that are watched: the text that was loaded, and each page that has ever been
//! cleaned, invalidated or executed.
//!
//! Everything else is data: never cleaned, so that each of its words counts as just written.
//! So nothing is lost when a page is watched only from its first maintenance on.

use el2_monitor::layout::Reason;
use el2_monitor::words::{PAGE, Page, Word};

use crate::stage2::{self, DATA, RAM, RAM_PAGES, Rights};
use crate::state::State;

/// Pages that can be watched at a time.
pub const SLOTS: usize = 640;
/// A page that was not loaded as text and is written so often is data after all.
const DATA_STORES: u32 = 256;

/// A watched page.
pub struct Slot {
    /// Where it is; 0 if the slot is free.
    pub address: u64,
    /// Its words.
    pub page: Page,
    /// Text of the image that was loaded.
    loaded: bool,
    /// Stores since it is watched.
    stores: u32,
}

/// All watched pages.
pub struct Pages {
    /// By page of RAM: number of the slot, plus 1.
    numbers: [u16; RAM_PAGES],
    slots: [Slot; SLOTS],
}

impl Pages {
    /// None is watched.
    pub const NONE: Self = Self {
        numbers: [0; RAM_PAGES],
        slots: [const {
            Slot {
                address: 0,
                page: Page::new(Word::CLEAN),
                loaded: false,
                stores: 0,
            }
        }; SLOTS],
    };

    fn number(&mut self, page: u64) -> Option<&mut u16> {
        let index = page.checked_sub(RAM)? / PAGE;
        self.numbers.get_mut(usize::try_from(index).ok()?)
    }

    /// The watched page at an address, if it is one.
    pub fn get(&mut self, address: u64) -> Option<&mut Slot> {
        let number = *self.number(address)?;
        self.slots.get_mut(usize::from(number).checked_sub(1)?)
    }

    /// All of them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.slots.iter_mut().filter(|slot| slot.address != 0)
    }

    fn add(&mut self, address: u64, loaded: bool) -> Result<(), Reason> {
        let free = self.slots.iter().position(|slot| slot.address == 0);
        let free = free.ok_or(Reason::Pages)?;
        *self.number(address).ok_or(Reason::Memory)? = free as u16 + 1;
        let slot = &mut self.slots[free];
        slot.address = address;
        slot.page = Page::new(Word::WRITTEN);
        slot.loaded = loaded;
        slot.stores = 0;
        Ok(())
    }

    fn remove(&mut self, address: u64) {
        if let Some(slot) = self.get(address) {
            slot.address = 0;
        }
        if let Some(number) = self.number(address) {
            *number = 0;
        }
    }
}

impl Slot {
    /// Whether it is text of the image that was loaded.
    pub fn is_loaded(&self) -> bool {
        self.loaded
    }
}

impl State {
    /// Takes the pages of `start..end` for loaded text, with all that it takes to execute it. What
    /// fills the last page is loaded as well, though hardly executed.
    pub fn watch_text(&mut self, start: u64, end: u64) -> Result<(), Reason> {
        let mut page = start & !(PAGE - 1);
        while page < end {
            if self.pages.get(page).is_none() {
                self.pages.add(page, true)?;
            }
            if let Some(slot) = self.pages.get(page) {
                slot.page = Page::new(Word::CLEAN);
            }
            page += PAGE;
        }
        Ok(())
    }

    /// All memory of a CPU that starts: watched pages are not writable, and not executable
    /// before they are judged.
    pub fn build_tables(&mut self, cpu: usize) -> Result<(), Reason> {
        self.stage2.reset(cpu);
        for slot in self.pages.iter_mut() {
            self.stage2.set(cpu, slot.address, WATCHED)?;
        }
        Ok(())
    }

    /// Watches a page from now on.
    pub fn watch(&mut self, page: u64) -> Result<&mut Slot, Reason> {
        if self.pages.get(page).is_none() {
            self.pages.add(page, false)?;
            self.protect(page)?;
        }
        self.pages.get(page).ok_or(Reason::Pages)
    }

    /// Makes a watched page inaccessible for writing and executing on all CPUs, except for one
    /// that judges each instruction before it executes it.
    pub fn protect(&mut self, page: u64) -> Result<(), Reason> {
        let mut changed = false;
        for cpu in self.online() {
            if self.cpus[cpu].stepped != Some(page) {
                changed |= self.stage2.set(cpu, page, WATCHED)?;
            }
        }
        if changed {
            stage2::forget_all();
        }
        Ok(())
    }

    /// Bytes of a watched page are about to be written. `false`: the page is not watched any
    /// more, since it is data.
    pub fn written(&mut self, page: u64, start: u64, end: u64) -> Result<bool, Reason> {
        let Some(slot) = self.pages.get(page) else {
            return Ok(false);
        };
        slot.page.change(start, end, |_| Word::WRITTEN);
        slot.stores += 1;
        let is_data = slot.stores > DATA_STORES || slot.page.is_written();
        if slot.loaded || !is_data {
            self.protect(page)?;
            return Ok(true);
        }
        self.pages.remove(page);
        for cpu in self.online() {
            self.stage2.set(cpu, page, DATA)?;
            if self.cpus[cpu].stepped == Some(page) {
                self.cpus[cpu].stepped = None;
            }
        }
        stage2::forget_all();
        Ok(false)
    }
}

/// Rights to a page that is watched.
pub const WATCHED: Rights = Rights {
    write: false,
    execute: false,
};
