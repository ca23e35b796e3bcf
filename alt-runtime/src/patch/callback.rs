//! The words that a callback computes for a site.

use core::mem::MaybeUninit;

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
    let mut computed = Computed::new(callback, site, own)?;
    let mut words = computed.words().iter();
    if !words.all(|word| word.is_position_independent()) {
        check_words(region, site, computed.words())?;
    }
    let mut offset = site.range().start.wrapping_sub(region.text.start()) as u32;
    let mut planned = 0;
    for (index, old) in site.iter().enumerate() {
        if let Some(&new) = computed.words().get(index)
            && old != new
        {
            computed.plan(planned, PlannedWrite::new(offset, old, new));
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

/// Checks the words that a callback returned, if some of them depend on their addresses.
#[cold]
#[inline(never)]
fn check_words(region: &Region<'_>, site: Words<'_>, words: &[Insn]) -> Result<(), Reason> {
    for (index, &word) in words.iter().enumerate() {
        if let Class::Unknown | Class::SignsPc = word.classify() {
            let index = index as u8;
            return Err(Reason::CallbackWord { index, word });
        }
        if region.text.is_aliased() {
            refuse_leaving(region, site.range().start, index, word)?;
        }
    }
    Ok(())
}

/// The words that a callback has computed, in the memory of the entries that are made of them.
///
/// They are the last third of this memory. An entry is three words long and there is one for each
/// word at most, so that the entry for a word ends before the words after it begin.
struct Computed<'p>(&'p mut [MaybeUninit<PlannedWrite>]);

impl<'p> Computed<'p> {
    /// Runs `callback` on the words of `site`. `own` has an entry for each of them.
    ///
    /// With debug assertions, the callback also runs on its result, which must not change.
    #[inline(always)]
    fn new(
        callback: &Callback,
        site: Words<'_>,
        own: &'p mut [MaybeUninit<PlannedWrite>],
    ) -> Result<Self, Reason> {
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
        Ok(Self(own))
    }

    /// The computed words; after `plan`, those over which no entry has been written.
    #[inline(always)]
    fn words(&mut self) -> &[Insn] {
        let len = self.0.len();
        let (_, words) = as_words(self.0).split_at(2 * len);
        // SAFETY: `new` has initialised the last third, and an entry that was written over a part of
        // it consists of words, too.
        unsafe { &*(&raw const *words as *const [Insn]) }
    }

    /// Writes the entry with this number.
    #[inline(always)]
    fn plan(&mut self, number: usize, write: PlannedWrite) {
        if let Some(entry) = self.0.get_mut(number) {
            entry.write(write);
        }
    }
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
