//! Sites that name callbacks.

#![no_std]
#![no_main]

use core::hint::black_box;

use alt_runtime::{CallbackError, Image, Insn, Site, alternative_cb, callback, cap::Cap};

const A: Cap = Cap::new(0, true);

fn first(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    words.fill(Insn::hvc(1));
    Ok(())
}

fn second(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    words.fill(Insn::smc(2));
    Ok(())
}

callback! {
    /// Named by two sites.
    #[unsafe(no_mangle)]
    pub static FIRST = first;
    /// Named by one.
    #[unsafe(no_mangle)]
    pub static SECOND = second;
}

macro_rules! sites {
    ($($name:ident: $site:literal $callback:path;)*) => {$(
        #[unsafe(no_mangle)]
        #[inline(never)]
        pub extern "C" fn $name() {
            // SAFETY: hints; never run.
            unsafe { alternative_cb!($site, A => $callback) };
        }
    )*};
}
sites! { one: "hint 1" FIRST; two: "hint 2" SECOND; three: "hint 3" FIRST; }

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    for function in [one as extern "C" fn(), two, three] {
        black_box(function)();
    }
    // SAFETY: never run.
    black_box(unsafe { Image::new(core::ptr::null()..core::ptr::null()) });
    loop {}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
