//! The order of all measurements, from the entry to the end.

use aarch64_rt::{ExceptionHandlers, entry, exception_handlers};
use alt_runtime::{Image, Room, boot::Detected, cap::IdRegs};

use crate::checks::cpucaps::{LSE, TABLE};
use crate::{boot_path, callbacks, case, checks, counter, operations, pass};
use flat_guest::{Alias, power_off, print, text};

entry!(main);

fn main(_: u64, _: u64, _: u64, _: u64) -> ! {
    counter::start();
    match case::load() {
        Some(case) => pass::run(case),
        None => {
            boot_path::run();
            callbacks::run();
            checks::before();
            let patched = patch();
            checks::after(patched);
            operations::run(patched);
        }
    }
    print(format_args!("end 0"));
    power_off()
}

/// Room for every instruction of every site.
static ROOM: Room<256> = Room::new();

/// Patches this image; returns whether the CPU has LSE.
fn patch() -> bool {
    let Ok(detected) = Detected::new(&TABLE, IdRegs::read()) else {
        panic!("cpucaps conflict");
    };
    // SAFETY: the text as the linker script bounds it; everything is mapped; once.
    let mut image = unsafe { Image::new(text()) }.with_room(ROOM.take().unwrap_or_default());
    // SAFETY: one CPU, and the map is one to one.
    match unsafe { detected.patch(&mut image, &mut Alias) } {
        Ok(done) => done.has(LSE),
        Err(why) => panic!("{why}"),
    }
}

struct Handlers;
impl ExceptionHandlers for Handlers {}
exception_handlers!(Handlers);

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    print(format_args!("error {}", info.message()));
    power_off()
}
