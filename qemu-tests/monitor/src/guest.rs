//! The guest's addresses and memory.

use core::arch::asm;

use crate::frame::Frame;
use crate::registers::{execute, read, write};
use crate::stage2::{RAM, RAM_PAGES};

/// The physical address that the guest, at the level of `frame`, accesses by a virtual address.
/// `None` if the access would abort.
pub fn translate(frame: &Frame, address: u64, to_write: bool) -> Option<u64> {
    let saved = read!("par_el1");
    let from_el0 = frame.spsr & 0xf == 0;
    // SAFETY: the address is looked up and nothing else; the guest gets its PAR_EL1 back.
    unsafe {
        match (from_el0, to_write) {
            (false, false) => asm!("at s1e1r, {}", in(reg) address, options(nostack)),
            (false, true) => asm!("at s1e1w, {}", in(reg) address, options(nostack)),
            (true, false) => asm!("at s1e0r, {}", in(reg) address, options(nostack)),
            (true, true) => asm!("at s1e0w, {}", in(reg) address, options(nostack)),
        }
    }
    execute!("isb");
    let result = read!("par_el1");
    write!("par_el1", saved);
    (result & 1 == 0).then_some(result & 0x000f_ffff_ffff_f000 | address & 0xfff)
}

/// Whether it is an address of memory that can be watched.
pub fn is_ram(address: u64) -> bool {
    let monitor = el2_monitor::layout::CONFIG;
    (RAM..RAM + (RAM_PAGES as u64) * 4096).contains(&address)
        && !(monitor..RAM + (256 << 20)).contains(&address)
}

/// The instruction at a physical address of RAM.
pub fn instruction(address: u64) -> u32 {
    // SAFETY: all RAM is mapped, and a word of it may have any value.
    unsafe { (address as *const u32).read_volatile() }
}
