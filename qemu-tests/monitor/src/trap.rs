//! Exceptions of the guest that are taken to EL2.

use el2_monitor::layout::Reason;

use crate::arch::this_cpu;
use crate::frame::Frame;
use crate::registers::read;
use crate::state::{self, State};
use crate::{firmware, idregs, maintenance};

// Exception classes (Arm ARM D24.2.43).
const HVC: u64 = 0x16;
const SMC: u64 = 0x17;
const SYSTEM: u64 = 0x18;
const INSTRUCTION_ABORT: u64 = 0x20;
const DATA_ABORT: u64 = 0x24;
const STEP: u64 = 0x32;

/// Handles an exception.
pub fn handle(frame: &mut Frame) {
    let cpu = this_cpu();
    let mut guard = state::lock();
    let state: &mut State = &mut guard;
    let syndrome = read!("esr_el2");
    let permission = syndrome >> 2 & 0xf == 0b0011;
    let result = match syndrome >> 26 {
        HVC => firmware::call(guard, cpu, frame),
        SMC => {
            frame.skip();
            firmware::call(guard, cpu, frame)
        }
        SYSTEM => {
            let done = if maintenance::is_one(syndrome) {
                maintenance::handle(state, cpu, frame, syndrome)
            } else {
                match idregs::emulate(frame, syndrome) {
                    true => Ok(()),
                    false => Err(Reason::Exception),
                }
            };
            frame.skip();
            done.map(|()| guard)
        }
        // It is judged below.
        INSTRUCTION_ABORT if permission => Ok(guard),
        DATA_ABORT if permission => {
            let address = read!("far_el2");
            state.store(cpu, frame, syndrome, address).map(|()| guard)
        }
        INSTRUCTION_ABORT | DATA_ABORT => Err(Reason::Memory),
        STEP => state.stepped(cpu, frame).map(|()| guard),
        _ => Err(Reason::Exception),
    };
    let result = result.and_then(|mut guard| {
        let state: &mut State = &mut guard;
        state.settle(cpu, frame)
    });
    if let Err(reason) = result {
        state::give_up(reason, frame.elr);
    }
}
