//! Emulates exclusives, which cannot be single-stepped: the CPU's exclusive monitor in software.

use core::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use el2_monitor::insn::{Access, Exclusive};
use el2_monitor::layout::Reason;

use crate::frame::Frame;
use crate::guest;
use crate::registers::read;
use crate::state::State;

/// Emulates an instruction. Returns `false` if the CPU must execute it, because it would fault.
///
/// Store-exclusive compares values, so a value that was changed and restored is not noticed, as
/// with compare-and-swap.
pub fn emulate(
    state: &mut State,
    cpu: usize,
    frame: &mut Frame,
    insn: Exclusive,
) -> Result<bool, Reason> {
    let (access, result) = match insn {
        Exclusive::Clear => {
            state.cpus[cpu].exclusive = None;
            return Ok(true);
        }
        Exclusive::Load(access) => (access, None),
        Exclusive::Store(access, result) => (access, Some(result)),
    };
    let bytes = (1 << access.log2) << u32::from(access.pair);
    let base = base(frame, access.rn);
    let physical = guest::translate(frame, base, result.is_some());
    let Some(physical) = physical.filter(|at| guest::is_ram(*at) && at % bytes == 0) else {
        return Ok(false);
    };
    let Some(result) = result else {
        let values = [
            load(physical, access.log2),
            if access.pair {
                load(physical + (1 << access.log2), access.log2)
            } else {
                0
            },
        ];
        state.cpus[cpu].exclusive = Some((physical, bytes, values));
        frame.set(access.rt, values[0]);
        if access.pair {
            frame.set(access.rt2, values[1]);
        }
        return Ok(true);
    };
    // A store to text takes the path of all stores, which notes it; it fails there without harm.
    if state.pages.get(physical & !0xfff).is_some() {
        return Ok(false);
    }
    let held = state.cpus[cpu].exclusive.take();
    let done = match held {
        Some((address, held_bytes, expected)) if (address, held_bytes) == (physical, bytes) => {
            let new = [frame.get(access.rt), frame.get(access.rt2)];
            swap(physical, access, expected, new)
        }
        _ => false,
    };
    frame.set(result, u64::from(!done));
    Ok(true)
}

/// The base register.
fn base(frame: &Frame, rn: u32) -> u64 {
    match (rn, frame.spsr & 1) {
        (31, 0) => read!("sp_el0"),
        (31, _) => read!("sp_el1"),
        _ => frame.get(rn),
    }
}

fn load(address: u64, log2: u32) -> u64 {
    // SAFETY: RAM of the guest, aligned; any value is one of an integer.
    unsafe {
        match log2 {
            0 => AtomicU8::from_ptr(address as *mut u8)
                .load(Ordering::Acquire)
                .into(),
            1 => AtomicU16::from_ptr(address as *mut u16)
                .load(Ordering::Acquire)
                .into(),
            2 => AtomicU32::from_ptr(address as *mut u32)
                .load(Ordering::Acquire)
                .into(),
            _ => AtomicU64::from_ptr(address as *mut u64).load(Ordering::Acquire),
        }
    }
}

/// Stores if memory has the loaded value. A pair of 64 bits is compared by halves, which is not
/// atomic, but the monitor's lock is held.
fn swap(address: u64, access: Access, expected: [u64; 2], new: [u64; 2]) -> bool {
    macro_rules! exchange {
        ($atomic:ty, $int:ty, $at:expr, $old:expr, $new:expr) => {
            // SAFETY: RAM of the guest, aligned.
            unsafe { <$atomic>::from_ptr($at as *mut $int) }
                .compare_exchange(
                    $old as $int,
                    $new as $int,
                    Ordering::AcqRel,
                    Ordering::Acquire,
                )
                .is_ok()
        };
    }
    match (access.pair, access.log2) {
        (false, 0) => exchange!(AtomicU8, u8, address, expected[0], new[0]),
        (false, 1) => exchange!(AtomicU16, u16, address, expected[0], new[0]),
        (false, 2) => exchange!(AtomicU32, u32, address, expected[0], new[0]),
        (false, _) => exchange!(AtomicU64, u64, address, expected[0], new[0]),
        (true, 2) => {
            let join = |pair: [u64; 2]| pair[0] & 0xffff_ffff | pair[1] << 32;
            exchange!(AtomicU64, u64, address, join(expected), join(new))
        }
        (true, _) => {
            load(address + 8, 3) == expected[1]
                && exchange!(AtomicU64, u64, address, expected[0], new[0])
                && exchange!(AtomicU64, u64, address + 8, expected[1], new[1])
        }
    }
}
