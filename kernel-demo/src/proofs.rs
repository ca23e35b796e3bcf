//! Things that must go wrong, provoked.

use core::cell::UnsafeCell;
use core::ops::Range;

use alt_runtime::Image;
use alt_runtime::boot::{Booted, Detected, FinaliseError};
use alt_runtime::patch::{PatchError, WritableAlias};
use defmt::{Display2Format, error, info};

use crate::checks::timer;
use crate::cpucaps::{ALWAYS_BOOT, ALWAYS_SYSTEM};
use crate::kernel::Failed;
use crate::{exceptions, memory, smp};

/// Text can be written neither where it runs nor where it was patched.
pub fn text_is_protected() -> Result<(), Failed> {
    let text = memory::resident_text().cast_mut();
    let alias = memory::alias_of(text);
    for (name, word) in [("text", text), ("closed alias", alias)] {
        // SAFETY: the write faults, or it puts back what is there.
        match unsafe { exceptions::try_write(word, text.read_volatile()) } {
            Err(fault) => info!(
                "wxorx ok writing the {=str} at {=u64:#x} faults: ESR_EL1={=u64:#x}",
                name, word as u64, fault.syndrome
            ),
            Ok(()) => {
                error!("the {=str} at {=u64:#x} is writable", name, word as u64);
                return Err(Failed);
            }
        }
    }
    Ok(())
}

/// As many bytes as the text may have.
const SCRATCH: usize = 1 << 20;

#[repr(C, align(4096))]
struct Scratch(UnsafeCell<[u8; SCRATCH]>);

// SAFETY: only one pass at a time writes it, through the pointer it is given.
unsafe impl Sync for Scratch {}

static SCRATCH_TEXT: Scratch = Scratch(UnsafeCell::new([0; SCRATCH]));

/// An alias that is none: it maps other memory.
struct WrongAlias;

// SAFETY: the memory is writable and large enough. That it is not the text is
// the mistake that the pass has to notice; it can do no harm.
unsafe impl WritableAlias for WrongAlias {
    type Error = &'static str;

    fn open(&mut self, text: Range<u64>) -> Result<*mut u32, Self::Error> {
        if text.end - text.start > SCRATCH as u64 {
            return Err("the scratch memory is smaller than the text");
        }
        Ok(SCRATCH_TEXT.0.get().cast())
    }

    fn close(&mut self) {}
}

/// A pass that writes to the wrong place reads nothing back, and says so.
pub fn wrong_alias_is_noticed(detected: &Detected, image: &mut Image) -> Result<(), Failed> {
    // SAFETY: no other CPU runs; the image is the running one.
    match unsafe { detected.patch(image, &mut WrongAlias) } {
        Err(FinaliseError::Patch(PatchError::ReadBack(why))) => {
            info!("a wrong alias is noticed: {}", Display2Format(&why));
            Ok(())
        }
        // Of a refused table the real pass has the word.
        Err(FinaliseError::Patch(PatchError::Plan(_))) => Ok(()),
        Err(why) => {
            error!("a wrong alias could not be tried: {}", Display2Format(&why));
            Err(Failed)
        }
        Ok(_) => {
            error!("a pass through a wrong alias was believed");
            Err(Failed)
        }
    }
}

/// A CPU that does not come is named, and the others go on.
pub fn missing_cpu_is_named() -> Result<(), Failed> {
    const NOBODY: usize = smp::MAX_CPUS - 1;
    match smp::call([NOBODY].into_iter(), timer::frequency() / 100) {
        Err(missing) => {
            info!("a missing CPU is named: {}", Display2Format(&missing));
            Ok(())
        }
        Ok(_) => {
            error!("CPU {=usize} came although it is off", NOBODY);
            Err(Failed)
        }
    }
}

/// After the boot-scope pass, what it decided is applied and nothing else.
pub fn applied_is_what_was_decided(booted: &Booted) -> Result<(), Failed> {
    match (
        booted.is_applied(ALWAYS_BOOT),
        booted.is_applied(ALWAYS_SYSTEM),
    ) {
        (true, false) => Ok(()),
        applied => {
            error!("boot and system scope applied: {}", applied);
            Err(Failed)
        }
    }
}
