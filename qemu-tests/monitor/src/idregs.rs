//! ID registers: those of the CPU, and the values that the guest reads.

use core::arch::global_asm;

use el2_monitor::layout::{self, register};

use crate::arch::this_cpu;
use crate::config::override_of;
use crate::frame::Frame;
use crate::registers::read;

// One function of two instructions for each S3_0_C0_Cm_op2, m from 1 to 7: an MRS names its
// register in the instruction.
global_asm!(
    ".pushsection .text.monitor_idregs, \"ax\"",
    ".balign 8",
    "monitor_idregs:",
    ".irp m, 1,2,3,4,5,6,7",
    ".irp op, 0,1,2,3,4,5,6,7",
    "mrs x0, S3_0_C0_C\\m\\()_\\op",
    "ret",
    ".endr",
    ".endr",
    ".popsection",
);

unsafe extern "C" {
    static monitor_idregs: [u32; 0];
}

/// Reads an ID register of this CPU; 0 outside of the space of HCR_EL2.TID3.
pub fn native(wanted: u32) -> u64 {
    let first = register(3, 0, 0, 1, 0);
    let index = wanted.wrapping_sub(first) as usize;
    if index >= 7 * 8 {
        return 0;
    }
    // SAFETY: each entry is a function of that kind; the index is inside.
    let read: extern "C" fn() -> u64 = unsafe {
        let entry = (&raw const monitor_idregs).cast::<[u32; 2]>().add(index);
        core::mem::transmute(entry)
    };
    read()
}

/// Emulates a trapped MRS, or MSR of CSSELR_EL1. Returns `false` for other instructions.
pub fn emulate(frame: &mut Frame, syndrome: u64) -> bool {
    let field = |bit: u32, mask: u64| (syndrome >> bit & mask) as u32;
    let wanted = register(
        field(20, 3),
        field(14, 7),
        field(10, 15),
        field(1, 15),
        field(17, 7),
    );
    let (rt, is_read) = (field(5, 31), syndrome & 1 != 0);
    if !is_read {
        if wanted == CSSELR_EL1 {
            crate::registers::write!("csselr_el1", frame.get(rt));
            return true;
        }
        return false;
    }
    let value = match override_of(this_cpu(), wanted) {
        Some(value) => value,
        None => match wanted {
            layout::CTR_EL0 => read!("ctr_el0"),
            layout::REVIDR_EL1 => read!("revidr_el1"),
            AIDR_EL1 => read!("aidr_el1"),
            CCSIDR_EL1 => read!("ccsidr_el1"),
            CLIDR_EL1 => read!("clidr_el1"),
            CSSELR_EL1 => read!("csselr_el1"),
            _ if wanted >> 7 == register(3, 0, 0, 0, 0) >> 7 => native(wanted),
            _ => return false,
        },
    };
    frame.set(rt, value);
    true
}

const AIDR_EL1: u32 = register(3, 1, 0, 0, 7);
const CCSIDR_EL1: u32 = register(3, 1, 0, 0, 0);
const CLIDR_EL1: u32 = register(3, 1, 0, 0, 1);
const CSSELR_EL1: u32 = register(3, 2, 0, 0, 0);
