//! Execution: pages of clean text run freely; in all others, each instruction is judged before the
//! CPU executes it in a single step.

use el2_monitor::insn::{Exclusive, is_wait};
use el2_monitor::layout::{Listed, Reason, ViolationKind};
use el2_monitor::words::{PAGE, State as WordState, Word, line};

use crate::config::is_text;
use crate::frame::Frame;
use crate::pages::SLOTS;
use crate::registers::{execute, read, write};
use crate::stage2::{self, Rights};
use crate::state::State;
use crate::watch::WATCHED;
use crate::{exclusive, guest};

/// After this number of instructions without a store to text or cache maintenance of any CPU, dirty
/// text counts as left behind.
const PATIENCE: u64 = 20_000;

/// MDSCR_EL1.SS, and PSTATE.SS in SPSR_EL2.
const SS: u64 = 1;
const PSTATE_SS: u64 = 1 << 21;
/// MDCR_EL2.TDE: debug exceptions are taken to EL2.
const TDE: u64 = 1 << 8;

impl State {
    /// A single step has been executed: closes the pages that were opened for it.
    pub fn stepped(&mut self, cpu: usize, frame: &Frame) -> Result<(), Reason> {
        self.report().steps[cpu] += 1;
        let open = core::mem::take(&mut self.cpus[cpu].writable);
        for page in open.into_iter().flatten() {
            let execute = self.cpus[cpu].stepped == Some(page);
            let rights = Rights { execute, ..WATCHED };
            self.stage2.set(cpu, page, rights)?;
        }
        if open.iter().any(Option::is_some) {
            stage2::forget();
        }
        let changes = self.changes;
        let this = &mut self.cpus[cpu];
        this.steps += 1;
        if this.changes != changes {
            this.changes = changes;
            this.steps = 0;
        }
        if this.steps > PATIENCE
            && let Some(page) = this.stepped
        {
            this.steps = 0;
            self.left(cpu, frame, page);
        }
        Ok(())
    }

    /// Judges the instruction that the CPU executes next, and limits the CPU to it if the page is
    /// not clean.
    pub fn settle(&mut self, cpu: usize, frame: &mut Frame) -> Result<(), Reason> {
        let caches = self.cpus[cpu].caches;
        let stores = self.cpus[cpu].writable.iter().any(Option::is_some);
        loop {
            let next = guest::translate(frame, frame.elr, false);
            let Some(next) = next else {
                // The guest takes the abort itself.
                self.close(cpu)?;
                step(frame, stores);
                return Ok(());
            };
            if !guest::is_ram(next) {
                return Err(Reason::Memory);
            }
            let page = next & !(PAGE - 1);
            let slot = self.watch(page)?;
            if slot.page.is_clean(cpu, caches) {
                if self.cpus[cpu].stepped != Some(page) {
                    self.close(cpu)?;
                    self.open(cpu, page)?;
                }
                self.cpus[cpu].stepped = None;
                step(frame, stores);
                return Ok(());
            }
            if let Some(state) = slot.page.word(next).state(cpu, caches) {
                let (start, end) = line(next, caches.instruction_line);
                slot.page
                    .change(start.saturating_sub(page), end - page, |_| Word::CLEAN);
                self.violation(cpu, frame, ViolationKind::Executed, state as u32, next);
                continue;
            }
            if self.cpus[cpu].stepped != Some(page) {
                self.close(cpu)?;
                self.open(cpu, page)?;
                self.cpus[cpu].stepped = Some(page);
            }
            let insn = guest::instruction(next);
            if is_wait(insn) {
                self.cpus[cpu].steps = 0;
            }
            // A single-stepped loop of exclusives never ends, because each exception clears the
            // exclusive monitor (Arm ARM B2.12).
            if !stores
                && let Some(insn) = Exclusive::decode(insn)
                && exclusive::emulate(self, cpu, frame, insn)?
            {
                frame.skip();
                continue;
            }
            step(frame, true);
            return Ok(());
        }
    }

    /// Lets the CPU execute a page.
    fn open(&mut self, cpu: usize, page: u64) -> Result<(), Reason> {
        let write = self.cpus[cpu].writable.contains(&Some(page));
        let rights = Rights {
            execute: true,
            write,
        };
        if self.stage2.set(cpu, page, rights)? {
            stage2::forget();
        }
        Ok(())
    }

    /// The CPU leaves the page that it has single-stepped.
    fn close(&mut self, cpu: usize) -> Result<(), Reason> {
        if let Some(page) = self.cpus[cpu].stepped.take() {
            let write = self.cpus[cpu].writable.contains(&Some(page));
            let rights = Rights {
                execute: false,
                write,
            };
            self.stage2.set(cpu, page, rights)?;
            stage2::forget();
        }
        Ok(())
    }

    /// Notes a violation of the word at a physical address.
    pub fn violation(
        &mut self,
        cpu: usize,
        frame: &Frame,
        kind: ViolationKind,
        state: u32,
        address: u64,
    ) {
        let line = self.cpus[cpu].caches.instruction_line as u32;
        self.report().note(Listed {
            kind: kind as u32,
            cpu: cpu as u32,
            state,
            line,
            pc: frame.elr,
            address,
        });
    }

    /// Notes each line of a page that may be stale for the CPU, and forgets about it.
    fn left(&mut self, cpu: usize, frame: &Frame, page: u64) {
        let caches = self.cpus[cpu].caches;
        let mut offset = 0;
        while offset < PAGE {
            let Some(slot) = self.pages.get(page) else {
                return;
            };
            let word = slot.page.word(offset);
            let is_text = !slot.is_loaded() || is_text(page + offset);
            if let Some(state) = word.state(cpu, caches).filter(|_| is_text) {
                let (start, end) = line(page + offset, caches.instruction_line);
                slot.page
                    .change(start.saturating_sub(page), end - page, |_| Word::CLEAN);
                self.violation(cpu, frame, ViolationKind::Left, state as u32, page + offset);
            }
            offset += 4;
        }
    }

    /// The run is over: judges the text that was loaded.
    pub fn finish(&mut self) {
        // PC 0: no CPU executes any more.
        let nowhere = Frame::new(0, 0);
        let mut pages = [0; SLOTS];
        let loaded = self.pages.iter_mut().filter(|slot| slot.is_loaded());
        let mut count = 0;
        for (to, slot) in pages.iter_mut().zip(loaded) {
            *to = slot.address;
            count += 1;
        }
        // A CPU that is off may have been refused for a missing cpucap.
        for cpu in self.online() {
            for page in &pages[..count] {
                self.left(cpu, &nowhere, *page);
            }
        }
    }
}

/// Makes the CPU trap after one instruction, or run freely.
fn step(frame: &mut Frame, alone: bool) {
    let (mdscr, mdcr) = (read!("mdscr_el1"), read!("mdcr_el2"));
    let is_on = mdscr & SS != 0;
    if alone {
        frame.spsr |= PSTATE_SS;
    } else {
        frame.spsr &= !PSTATE_SS;
    }
    if alone != is_on {
        write!("mdscr_el1", mdscr ^ SS);
        write!("mdcr_el2", if alone { mdcr | TDE } else { mdcr & !TDE });
        execute!("isb");
    }
}

const _: () = assert!(WordState::Dirty as u32 != 0, "0 is no state");
