//! The words that a callback computes for a site.

use core::cell::Cell;
use core::mem::MaybeUninit;
use core::slice;

use crate::callback::{Callback, Site};
use crate::insn::{Class, Insn};
use crate::patch::error::Reason;
use crate::patch::replacement::{breakpoint, refuse_leaving};
use crate::record::AlternativeRecord;
use crate::region::{Region, Words};
use crate::room::{PlannedWrite, as_words};

/// The address of the callback that `record`, which is at `at`, names.
#[inline(always)]
pub(super) fn address(record: &AlternativeRecord, at: u64) -> Result<u64, Reason> {
    match record.replacement_len == record.site_len {
        true => Ok(record.replacement_address(at)),
        false => Err(Reason::CallbackLength {
            site: record.site_len,
            callback: record.replacement_len,
        }),
    }
}

/// Runs the callback at `address` for `site` if the arm wins, checks its words, and writes an entry
/// for each word that changes, from the start of `room`. The room has an entry for each word of the
/// site. Returns the number of entries.
///
/// The patcher calls no other functions than those of `region.callbacks`.
// Out of line, with values: see `walk::walk`.
#[inline(never)]
pub(super) fn plan(
    region: &Region<'_>,
    address: u64,
    site: Words<'_>,
    wins: bool,
    is_first_pass: bool,
    room: &mut [MaybeUninit<PlannedWrite>],
) -> Result<usize, Reason> {
    let callback = region.callbacks.at(address);
    let callback = callback.ok_or(Reason::UnregisteredCallback { address })?;
    if is_first_pass {
        check_breakpoints(site)?;
    }
    if !wins {
        return Ok(0);
    }
    let own = room.get_mut(..site.len()).unwrap_or(&mut []);
    let (entries, computed) = compute(callback, site, own)?;
    let mut offset = site.range().start.wrapping_sub(region.text.start()) as u32;
    let mut planned = 0;
    for (index, (old, new)) in site.iter().zip(computed).enumerate() {
        // SAFETY: `compute` has initialised it; an entry that has been written over it consists of
        // initialised words, too.
        let new = unsafe { new.get().assume_init() };
        if old != new {
            if !new.is_position_independent() {
                check_word(region, site, index, new)?;
            }
            if let Some(entry) = entries.get(planned) {
                entry.set(MaybeUninit::new(PlannedWrite::new(offset, old, new)));
            }
            planned += 1;
        }
        offset += 4;
    }
    Ok(planned)
}

/// Refuses a breakpoint of a debugger.
fn check_breakpoints(site: Words<'_>) -> Result<(), Reason> {
    let mut words = site.iter().enumerate();
    match words.find(|(_, word)| word.is_breakpoint()) {
        Some((index, word)) => Err(breakpoint(index, word)),
        None => Ok(()),
    }
}

/// Checks a word that a callback returned and that depends on its address.
#[cold]
#[inline(never)]
fn check_word(
    region: &Region<'_>,
    site: Words<'_>,
    index: usize,
    word: Insn,
) -> Result<(), Reason> {
    if let Class::Unknown | Class::SignsPc = word.classify() {
        let index = index as u8;
        return Err(Reason::CallbackWord { index, word });
    }
    match region.text.is_aliased() {
        true => refuse_leaving(region, site.range().start, index, word),
        false => Ok(()),
    }
}

/// The entries of a site and, in the last third of the same memory, the words that a callback has
/// computed. An entry is three words long and there is one for each word at most, so the entry for a
/// word ends before the words after it begin.
type Computed<'p> = (
    &'p [Cell<MaybeUninit<PlannedWrite>>],
    &'p [Cell<MaybeUninit<Insn>>],
);

/// Runs `callback` on the words of `site`. `own` has an entry for each of them.
///
/// With debug assertions, the callback also runs on its result, which must not change.
#[inline(always)]
fn compute<'p>(
    callback: &Callback,
    site: Words<'_>,
    own: &'p mut [MaybeUninit<PlannedWrite>],
) -> Result<Computed<'p>, Reason> {
    let len = own.len();
    let (_, memory) = as_words(own).split_at_mut(len);
    let (now, new) = memory.split_at_mut(len);
    for ((now, new), old) in now.iter_mut().zip(new.iter_mut()).zip(site.iter()) {
        (*now, *new) = (MaybeUninit::new(old), MaybeUninit::new(old));
    }
    // SAFETY: the site has no fewer words than there are entries, so that each has been written.
    let [now, new] = [now, new].map(|words| unsafe { &mut *(&raw mut *words as *mut [Insn]) });
    let address = site.range().start;
    call(callback, address, now, new)?;
    if cfg!(debug_assertions) {
        now.copy_from_slice(new);
        call(callback, address, new, now)?;
        if now != new {
            let name = callback.name();
            return Err(Reason::CallbackUnstable { name });
        }
    }
    let entries = Cell::from_mut(own).as_slice_of_cells();
    let computed = entries.as_ptr().cast::<Cell<MaybeUninit<Insn>>>();
    // SAFETY: cells of the same memory, borrowed for as long: an entry is three words (`as_words`).
    let computed = unsafe { slice::from_raw_parts(computed.add(2 * len), len) };
    Ok((entries, computed))
}

#[inline(always)]
fn call(callback: &Callback, site: u64, now: &[Insn], words: &mut [Insn]) -> Result<(), Reason> {
    let site = Site::new(site, now);
    callback
        .call(&site, words)
        .map_err(|error| Reason::CallbackFailed {
            name: callback.name(),
            error,
        })
}
