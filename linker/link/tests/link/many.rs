//! Functions with two sites each. The even ones are called, the odd ones are not.
//! The number of the function is in its cpucaps, its defaults and its replacement.

#![no_std]
#![no_main]

use alt_runtime::{Image, alternative, cap::Cap, cpu_has_cap};
use core::hint::black_box;

macro_rules! functions {
    ($($name:ident $number:literal)*) => {$(
        #[unsafe(no_mangle)]
        #[inline(never)]
        pub extern "C" fn $name(n: u64) -> u64 {
            const CAP: Cap = Cap::new($number, true);
            // SAFETY: hints; never run.
            unsafe { alternative!("hint {n}", CAP => "svc {n}", n = const $number) };
            if cpu_has_cap!(likely CAP) { black_box(n) } else { $number }
        }
    )*};
}

functions! {
    function_0 0 function_1 1 function_2 2 function_3 3 function_4 4 function_5 5
    function_6 6 function_7 7 function_8 8 function_9 9 function_10 10 function_11 11
    function_12 12 function_13 13 function_14 14 function_15 15 function_16 16
    function_17 17 function_18 18 function_19 19 function_20 20 function_21 21
}

macro_rules! call {
    ($($name:ident)*) => { [$($name as extern "C" fn(u64) -> u64),*] };
}

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    // Not in the order of their definition.
    let live = call! {
        function_20 function_4 function_18 function_6 function_16 function_8
        function_14 function_10 function_12 function_2 function_0
    };
    for function in live {
        black_box(function)(1);
    }
    // Every kernel has read-only data, and `alternatives.x` goes behind it.
    black_box(&[1u64, 2, 3]);
    // SAFETY: never run.
    black_box(unsafe { Image::new(core::ptr::null()..core::ptr::null()) });
    loop {}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
