//! All that alt-runtime needs of this kernel.

use core::convert::Infallible;
use core::ops::Range;

use alt_runtime::Image;
use alt_runtime::boot::{Detected, Finalised};
use alt_runtime::cap::{CpuVerdict, IdRegs};
use alt_runtime::patch::WritableAlias;
use spin::Once;

use crate::console::print;
use crate::memory;

/// The cpucaps of this kernel.
pub mod cpucaps {
    alt_runtime::cpucaps!("cpucaps.toml");
}

static FINALISED: Once<Finalised> = Once::new();

struct Alias;

// SAFETY: all memory is mapped writable in the upper half. It stays so.
unsafe impl WritableAlias for Alias {
    type Error = Infallible;

    fn open(&mut self, text: Range<u64>) -> Result<*mut u32, Infallible> {
        Ok((text.start as usize + memory::LINEAR) as *mut u32)
    }

    fn close(&mut self) {}
}

/// Patches the text, on the boot CPU, before the others start.
pub fn adapt(_command_line: &str) {
    let detected = Detected::new(&cpucaps::TABLE, IdRegs::read()).expect("no conflicts");
    // SAFETY: the bounds of the executable text; the tables are mapped.
    let mut image = unsafe { Image::new(memory::text()) };
    // SAFETY: no other CPU runs; the alias maps the memory of the text.
    match unsafe { detected.patch(&mut image, &mut Alias) } {
        Ok(done) => {
            print(format_args!("{}", done.report()));
            FINALISED.call_once(|| done);
        }
        Err(why) => print(format_args!("not patched: {why}")),
    }
}

/// Whether another CPU may take part.
pub fn let_in() -> bool {
    // SAFETY: has no effect but time.
    unsafe { core::arch::asm!("ic iallu", "dsb nsh", "isb") };
    match FINALISED.get().map(|done| done.late_cpu(&IdRegs::read())) {
        Some(CpuVerdict::Ok) => true,
        verdict => {
            print(format_args!("a CPU is kept out: {verdict:?}"));
            false
        }
    }
}
