//! Faults that are provoked, to prove that they are noticed; and properties of a finished pass.
//!
//! Functions that call alt-runtime's code in the init region (`init-boot.x`) are in the init region, too.

use core::cell::UnsafeCell;
use core::ops::Range;

use alt_runtime::Image;
use alt_runtime::boot::{Booted, Detected, FinaliseError, Finalised};
use alt_runtime::cap::CapSet;
use alt_runtime::finished::TableError;
use alt_runtime::patch::{
    AliasError, Decision, LinearAlias, PatchError, Plan, Reason, WritableAlias,
};
use defmt::{Display2Format, error, info};

use super::probe;
use crate::cpucaps::{ALWAYS_BOOT, ALWAYS_SYSTEM};
use crate::hyp;
use crate::platform::alias::{self, Alias};
use crate::platform::board::{MAX_CPUS, PAGE};
use crate::platform::outcome::Failed;
use crate::platform::{image, timer};
use crate::smp;

/// The text is writable neither at its own address nor at that of the alias, which is closed.
pub fn text_is_protected() -> Result<(), Failed> {
    let text = image::resident_text().start as *mut u32;
    for (name, word) in [("text", text), ("closed alias", alias::of(text))] {
        // SAFETY: the text is readable and nothing writes to it.
        unsafe { probe::is_read_only(name, text, word) }?;
    }
    Ok(())
}

/// Upper bound of the size of the text in bytes.
const SCRATCH: usize = 1 << 20;

#[repr(C, align(4096))]
struct Scratch(UnsafeCell<[u8; SCRATCH]>);

// SAFETY: it is written only by `wrong_alias_is_noticed` and by the pass that it runs.
unsafe impl Sync for Scratch {}

static SCRATCH_TEXT: Scratch = Scratch(UnsafeCell::new([0; SCRATCH]));

/// An alias that maps other memory from a page of the text on.
struct HalfAlias {
    /// The first page that is mapped to other memory.
    from: usize,
    /// That memory: page-aligned, and as long as the rest of the text.
    scratch: *mut u8,
}

// SAFETY: both parts are writable while the alias is open. That the second one is not the text is
// the fault that the pass must notice.
unsafe impl WritableAlias for HalfAlias {
    type Error = &'static str;

    fn open(&mut self, text: Range<u64>) -> Result<*mut u32, Self::Error> {
        alias::map(&(self.from..text.end as usize), self.scratch as usize);
        Alias.open(text)
    }

    fn close(&mut self) {
        Alias.close();
        alias::map(&(self.from..image::text().end), self.from);
    }
}

/// A pass through a wrong alias does not read back the words that it wrote. It reports that, and
/// restores the words that it did write to the text.
#[inline(never)]
#[unsafe(link_section = ".init.text")]
pub fn wrong_alias_is_noticed(detected: &Detected, image: &mut Image<'_>) -> Result<(), Failed> {
    let (region, room) = image.parts();
    // The real pass reports a table that is refused. Without a write there is nothing to notice.
    let last = Plan::new(&region, everything(detected), room)
        .ok()
        .and_then(|plan| plan.writes().last().copied());
    let Some(last) = last else { return Ok(()) };
    let text = image::text();
    let from = (text.start + last.offset as usize) & !(PAGE - 1);
    if text.end - from > SCRATCH {
        error!("the scratch memory is smaller than the text");
        return Err(Failed);
    }
    let scratch: *mut u8 = SCRATCH_TEXT.0.get().cast();
    // Copies the words, or the pass would notice the alias before it writes anything.
    let words = (text.end - from) / 4;
    // SAFETY: the text is readable, and nothing else uses the scratch memory, which is long enough.
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
            error!("the old words are not restored");
            Err(Failed)
        }
        // An arm is refused that does not apply on this CPU.
        Err(FinaliseError::Patch(PatchError::Plan(_))) => Ok(()),
        Err(why) => {
            error!("a wrong alias could not be tried: {}", Display2Format(&why));
            Err(Failed)
        }
        Ok(_) => {
            error!("a pass through a wrong alias succeeded");
            Err(Failed)
        }
    }
}

/// A pass through an alias that is read-only, as the text is at its own address, is refused before a write faults.
#[inline(never)]
#[unsafe(link_section = ".init.text")]
pub fn read_only_alias_is_noticed(
    detected: &Detected,
    image: &mut Image<'_>,
) -> Result<(), Failed> {
    // SAFETY: the alias is the text itself. That it is not writable is the fault that the pass must notice.
    let mut alias = unsafe { LinearAlias::new(0) };
    // SAFETY: no other CPU runs; the image is the running one.
    match unsafe { detected.patch(image, &mut alias) } {
        Err(FinaliseError::Patch(PatchError::WrongAlias(why @ AliasError::ReadOnly { .. }))) => {
            info!("a read-only alias is noticed: {}", Display2Format(&why));
            Ok(())
        }
        // An arm is refused that does not apply on this CPU.
        Err(FinaliseError::Patch(PatchError::Plan(_))) => Ok(()),
        Err(why) => {
            error!(
                "a read-only alias could not be tried: {}",
                Display2Format(&why)
            );
            Err(Failed)
        }
        Ok(_) => {
            error!("a pass through a read-only alias succeeded");
            Err(Failed)
        }
    }
}

/// The decision of a pass over all scopes on the boot CPU.
#[unsafe(link_section = ".init.text")]
fn everything(detected: &Detected) -> Decision<'_> {
    Decision {
        table: detected.table(),
        present: detected.caps(),
        decided: &CapSet::ALL,
    }
}

/// A checksum of all words that depends on their order.
fn sum(text: &Range<usize>) -> u64 {
    text.clone().step_by(4).fold(0u64, |sum, word| {
        // SAFETY: the text is readable.
        sum.rotate_left(1) ^ u64::from(unsafe { (word as *const u32).read_volatile() })
    })
}

/// A checksum of the kernel's resident text. The hypervisor's text, after it, is freed if no variant
/// of it runs.
pub fn resident_sum() -> u64 {
    let text = image::resident_text();
    sum(&(text.start..hyp::variant::all_text().start))
}

/// The error of a rendezvous names the CPU that is missing.
pub fn missing_cpu_is_named() -> Result<(), Failed> {
    const OFF: usize = MAX_CPUS - 1;
    match smp::stop([OFF].into_iter(), timer::frequency() / 100) {
        Err(missing) => {
            info!("a missing CPU is named: {}", Display2Format(&missing));
            Ok(())
        }
        Ok(_) => {
            error!("CPU {=usize} came although it is off", OFF);
            Err(Failed)
        }
    }
}

/// The boot-scope pass has applied the cpucaps of boot scope only.
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

/// The last pass has applied the cpucaps of system scope.
pub fn final_is_applied(finalised: &Finalised) -> Result<(), Failed> {
    if finalised.is_applied(ALWAYS_SYSTEM) {
        return Ok(());
    }
    error!("the last pass has not applied the cpucaps of system scope");
    Err(Failed)
}

/// A pass over text that is patched already writes nothing. Over a finished table, it is refused.
#[inline(never)]
#[unsafe(link_section = ".init.text")]
pub fn second_pass_is_idle(finalised: &Finalised, image: &mut Image<'_>) -> Result<(), Failed> {
    let (region, room) = image.parts();
    match Plan::new(&region, finalised.decision(), room) {
        Ok(plan) if plan.writes().is_empty() => {
            info!("a second pass would change nothing");
            Ok(())
        }
        Ok(plan) => {
            error!(
                "a second pass would write {=usize} words",
                plan.writes().len()
            );
            Err(Failed)
        }
        Err(why) if is_patched(why.reason) && region.is_finished() => {
            info!("a second pass is refused: {}", Display2Format(&why));
            Ok(())
        }
        Err(why) => {
            error!("a second pass is refused: {}", Display2Format(&why));
            Err(Failed)
        }
    }
}

/// Whether a plan is refused because the text has been patched before.
fn is_patched(reason: Reason) -> bool {
    let error = TableError::Patched;
    matches!(reason, Reason::Finished { error: found, .. } if found == error)
}
