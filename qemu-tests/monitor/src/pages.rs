//! The pages that are watched: the text that was loaded, and each page that has ever been
//! cleaned, invalidated or executed.
//!
//! All other memory is data: it is never cleaned, so each of its words counts as just written. So
//! it is sufficient to watch a page from its first maintenance on.

use el2_monitor::layout::Reason;
use el2_monitor::words::{PAGE, Page, Word};

use crate::stage2::{RAM, RAM_PAGES};

/// Pages that can be watched at a time.
pub const SLOTS: usize = 640;

/// A watched page.
pub struct Slot {
    /// Its address; 0 if the slot is free.
    pub address: u64,
    /// Its words.
    pub page: Page,
    /// Text of the image that was loaded.
    pub loaded: bool,
    /// Number of stores since it is watched.
    pub stores: u32,
}

/// All watched pages.
pub struct Pages {
    /// By page of RAM: number of the slot, plus 1.
    numbers: [u16; RAM_PAGES],
    slots: [Slot; SLOTS],
}

impl Pages {
    /// Without watched pages.
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

    pub fn add(&mut self, address: u64, loaded: bool) -> Result<(), Reason> {
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

    pub fn remove(&mut self, address: u64) {
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
