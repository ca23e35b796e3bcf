//! Things that must go wrong, provoked.

use core::cell::UnsafeCell;
use core::ops::Range;

use alt_runtime::Image;
use alt_runtime::boot::{Booted, Detected, FinaliseError};
use alt_runtime::cap::CapSet;
use alt_runtime::patch::{Decision, PatchError, Plan};
use defmt::{Display2Format, error, info};

use crate::checks::timer;
use crate::cpucaps::{ALWAYS_BOOT, ALWAYS_SYSTEM};
use crate::kernel::Failed;
use crate::memory::HalfAlias;
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

/// A pass that writes to the wrong place does not read back what it wrote, says so,
/// and puts back the words that did reach the text.
pub fn wrong_alias_is_noticed(detected: &Detected, image: &mut Image<'_>) -> Result<(), Failed> {
    let (region, room) = image.parts();
    // Of a refused table the real pass has the word; without a write there is nothing
    // to notice.
    let last = Plan::new(&region, everything(detected), room)
        .ok()
        .and_then(|plan| plan.writes().last().copied());
    let Some(last) = last else { return Ok(()) };
    let text = memory::text();
    let from = (text.start as usize + last.offset as usize) & !0xfff;
    if text.end as usize - from > SCRATCH {
        error!("the scratch memory is smaller than the text");
        return Err(Failed);
    }
    let scratch: *mut u8 = SCRATCH_TEXT.0.get().cast();
    // The same words, or the pass would know the alias before it has written anything.
    let words = (text.end as usize - from) / 4;
    // SAFETY: the text is readable, and nobody else uses the scratch memory, which is as long.
    unsafe { core::ptr::copy_nonoverlapping(from as *const u32, scratch.cast(), words) };

    let before = sum(&text);
    // SAFETY: no other CPU runs; the image is the running one.
    let result = unsafe { detected.patch(image, &mut HalfAlias { from, scratch }) };
    match result {
        Err(FinaliseError::Patch(PatchError::ReadBack(why))) if sum(&text) == before => {
            info!("a wrong alias is noticed: {}", Display2Format(&why));
            Ok(())
        }
        Err(FinaliseError::Patch(PatchError::ReadBack(_))) => {
            error!("the old words are not back");
            Err(Failed)
        }
        // An arm at fault that would not apply here.
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

/// What the pass over everything decides, as far as the boot CPU knows.
fn everything(detected: &Detected) -> Decision<'_> {
    Decision {
        table: detected.table(),
        present: detected.caps(),
        decided: &CapSet::ALL,
    }
}

/// A sum of all words in which each place counts differently.
fn sum(text: &Range<*const u32>) -> u64 {
    let mut word = text.start;
    let mut sum = 0u64;
    while word < text.end {
        // SAFETY: the text is readable.
        sum = sum.rotate_left(1) ^ u64::from(unsafe { word.read_volatile() });
        word = word.wrapping_add(1);
    }
    sum
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
