//! docs/shadow-call-stack.md.

use core::fmt::{Arguments, Display};
use core::mem::MaybeUninit;
use core::ops::Range;

use alt_runtime::boot::Finalised;
use alt_runtime::patch::WritableAlias;
use alt_runtime::shadow_call_stack::UnwindInfo;
use alt_runtime::{Image, PlannedWrite};

struct EhFrame {
    address: u64,
    bytes: &'static [u8],
}

fn print(_: Arguments<'_>) {}

macro_rules! log {
    ($($text:tt)*) => { print(format_args!($($text)*)) };
}

/// # Safety
/// As for `shadow_call_stack`.
unsafe fn push<A: WritableAlias<Error: Display>>(
    finalised: &Finalised,
    image: &Image,
    eh_frame: EhFrame,
    excluded: &[Range<u64>],
    mut room: [MaybeUninit<PlannedWrite>; 100],
    mut alias: A,
) {
    let unwind = UnwindInfo::new(eh_frame.address, eh_frame.bytes);
    // SAFETY: no other CPU executes kernel text; the alias maps the memory of the text.
    match unsafe {
        finalised.shadow_call_stack(&image.region(), unwind, excluded, &mut room, &mut alias)
    } {
        Ok(Some(report)) => log!("{report}"), // 412 sites rewritten, …
        Ok(None) => {}                        // pointer authentication does it
        Err(why) => log!("{why}"),            // nothing is written; the kernel runs on, unprotected
    }
}
