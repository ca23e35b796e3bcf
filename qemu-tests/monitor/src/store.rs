//! Stores to watched pages: each is noted, then executed by the CPU in a single step.

use el2_monitor::insn::{self, Size};
use el2_monitor::layout::Reason;
use el2_monitor::words::{PAGE, line};

use crate::frame::Frame;
use crate::guest;
use crate::registers::read;
use crate::stage2;
use crate::state::State;

impl State {
    /// The guest writes to a watched page. It gets the permission for one instruction, after
    /// which `stepped` takes it back: so any store works, however wide it is.
    pub fn store(
        &mut self,
        cpu: usize,
        frame: &Frame,
        syndrome: u64,
        address: u64,
    ) -> Result<(), Reason> {
        // Not a cache operation, and not a walk of the guest's translation tables.
        if syndrome & (1 << 6) == 0 || syndrome & (1 << 8 | 1 << 7) != 0 {
            return Err(Reason::Memory);
        }
        // Another CPU may have changed the map since; then the store faults again.
        let Some(physical) = guest::translate(frame, address, true) else {
            return Ok(());
        };
        let page = physical & !(PAGE - 1);
        if self.pages.get(page).is_none() {
            // It has become data meanwhile.
            return Ok(());
        }
        self.report().stores[cpu] += 1;
        self.changes += 1;
        let (start, end) = written(frame, syndrome, physical);
        if !self.written(page, start.saturating_sub(page), end - page)? {
            return Ok(());
        }
        let open = &mut self.cpus[cpu].writable;
        if let Some(free) = open.iter_mut().find(|open| open.is_none()) {
            *free = Some(page);
        }
        let execute = self.cpus[cpu].stepped == Some(page);
        let rights = stage2::Rights {
            write: true,
            execute,
        };
        self.stage2.set(cpu, page, rights)?;
        stage2::forget();
        Ok(())
    }
}

/// The physical addresses that are written, from the first that faulted on.
fn written(frame: &Frame, syndrome: u64, physical: u64) -> (u64, u64) {
    let rest_of_page = (physical & !(PAGE - 1)) + PAGE;
    // ISV: a single register of 1 << SAS bytes.
    if syndrome & 1 << 24 != 0 {
        return (physical, physical + (1 << (syndrome >> 22 & 3)));
    }
    let Some(pc) = guest::translate(frame, frame.elr, false).filter(|pc| guest::is_ram(*pc)) else {
        return (physical, rest_of_page);
    };
    let zero_block = 4 << (read!("dczid_el0") & 0xf);
    match insn::store_size(guest::instruction(pc)) {
        Some(Size::Bytes(size)) => (physical, physical + size),
        Some(Size::ZeroBlock) => line(physical, zero_block),
        None => (physical, rest_of_page),
    }
}
