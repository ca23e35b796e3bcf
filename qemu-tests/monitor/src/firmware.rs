//! The firmware's calls. CPUs that start pass through the monitor; the end of the run is noted.

use el2_monitor::layout::{self, MAX_CPUS, Reason};

use crate::arch::smc;
use crate::frame::Frame;
use crate::state::{Locked, SYSTEM_OFF, State};

const CPU_OFF: u64 = 0x8400_0002;
const CPU_ON_32: u64 = 0x8400_0003;
const CPU_ON: u64 = 0xc400_0003;
/// PSCI's return value for a CPU that does not exist.
const INVALID_PARAMETERS: u64 = -2_i64 as u64;
const SYSTEM_RESET: u64 = 0x8400_0009;

unsafe extern "C" {
    /// The entry of a CPU that CPU_ON starts, with its number in X0.
    safe fn monitor_secondary();
}

/// Answers HVC and SMC alike: as for any guest of `virt`, the device tree names one of the two.
pub fn call(mut state: Locked, cpu: usize, frame: &mut Frame) -> Result<Locked, Reason> {
    let mut x = [frame.x[0], frame.x[1], frame.x[2], frame.x[3]];
    match x[0] {
        CPU_ON | CPU_ON_32 => {
            let other = (x[1] & 0xff) as usize;
            let is_ours = x[1] >> 8 == 0 && other < MAX_CPUS;
            // A CPU enters EL2 only through the monitor.
            if !is_ours {
                frame.x[0] = INVALID_PARAMETERS;
                return Ok(state);
            }
            if !state.cpus[other].online {
                let state: &mut State = &mut state;
                state.cpus[other].entry = [x[2], x[3]];
                for slot in state.pages.iter_mut() {
                    slot.page.change(0, u64::MAX, |word| word.started(other));
                }
                x[2] = monitor_secondary as *const () as u64;
                x[3] = other as u64;
            }
            smc(&mut x);
        }
        CPU_OFF => {
            state.cpus[cpu].online = false;
            drop(state);
            smc(&mut x);
            // The call returns only if the firmware refuses.
            return Err(Reason::Exception);
        }
        SYSTEM_OFF | SYSTEM_RESET => {
            state.finish();
            state.report().status = layout::ENDED;
            smc(&mut x);
        }
        _ => smc(&mut x),
    }
    frame.x[..4].copy_from_slice(&x);
    Ok(state)
}
