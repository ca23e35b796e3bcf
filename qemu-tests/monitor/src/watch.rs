//! Watches pages: no CPU writes or executes them without an abort at stage 2.

use el2_monitor::layout::Reason;
use el2_monitor::words::{PAGE, Page, Word};

use crate::pages::Slot;
use crate::stage2::{self, DATA, Rights};
use crate::state::State;

/// A page that was not loaded as text and is written this often is data.
const DATA_STORES: u32 = 256;

/// Rights to a page that is watched.
pub const WATCHED: Rights = Rights {
    write: false,
    execute: false,
};

impl State {
    /// Treats the pages of `start..end` as loaded, clean text. The rest of the last page is
    /// included.
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

    /// Sets the rights of a CPU that starts: watched pages are not writable, and not executable
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

    /// Bytes of a watched page will be written. Returns `false` if the page is not watched any
    /// more, because it is data.
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
