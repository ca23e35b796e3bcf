//! Patches, and prints the results of the calls before and after.

use core::mem::MaybeUninit;

use aarch64_rt::entry;
use alt_runtime::boot::Detected;
use alt_runtime::cap::IdRegs;
use alt_runtime::shadow_call_stack::UnwindInfo;
use alt_runtime::{Image, PlannedWrite, Room};

use crate::board::eh_frame;
use crate::calls;
use flat_guest::{Alias, power_off, print, text};

mod cpucaps {
    alt_runtime::cpucaps!("cpucaps.toml");
}

/// Room for every instruction of every site.
static ROOM: Room<64> = Room::new();

entry!(main);

/// On the only CPU.
fn main(_: u64, _: u64, _: u64, _: u64) -> ! {
    run();
    power_off()
}

fn run() {
    print(format_args!("before: {}", calls::run()));
    report_attack();

    let Ok(detected) = Detected::new(&cpucaps::TABLE, IdRegs::read()) else {
        panic!("cpucaps conflict");
    };
    // SAFETY: the text as the linker script bounds it; everything is mapped; once.
    let mut image = unsafe { Image::new(text()) }.with_room(ROOM.take().unwrap_or_default());
    // SAFETY: one CPU, and the map is one to one.
    let finalised = match unsafe { detected.patch(&mut image, &mut Alias) } {
        Ok(done) => done,
        Err(why) => panic!("{why}"),
    };

    let mut room = [MaybeUninit::<PlannedWrite>::uninit(); 8];
    let (address, bytes) = eh_frame();
    // SAFETY: as above. Only the functions of functions.s sign: none of them is on the call stack
    // now, and they run on a shadow call stack each time; they call nothing that uses x18.
    let given = unsafe {
        finalised.shadow_call_stack(
            &image.region(),
            UnwindInfo::new(address, bytes),
            &[calls::foreign_range()],
            &mut room,
            &mut Alias,
        )
    };
    match given {
        Ok(Some(report)) => print(format_args!("{report}")),
        Ok(None) => {
            print(format_args!("not wanted"));
            if finalised.has(cpucaps::ADDRESS_AUTH) {
                // SAFETY: the CPU has pointer authentication, and no return address has been signed yet.
                unsafe { calls::enable_authentication() };
            }
        }
        Err(why) => panic!("{why}"),
    }
    print(format_args!("foreign: {:08x}", calls::foreign_word()));
    print(format_args!("after: {}", calls::run()));
    report_attack();
}

fn report_attack() {
    match calls::attack() {
        Some(calls) => print(format_args!("attack: {calls} calls returned")),
        None => print(format_args!("attack: hijacked")),
    }
}
