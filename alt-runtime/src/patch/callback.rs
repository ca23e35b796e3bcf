//! The words that a callback computes for a site.

use crate::callback::{Callback, Site};
use crate::insn::{Class, Insn};
use crate::patch::error::Reason;
use crate::record::AlternativeRecord;
use crate::region::{Table, Words};

/// The longest site in instructions.
pub(super) const MAX_LEN: usize = u8::MAX as usize;

/// The callback that `record`, which is at `at`, names. The patcher calls no other function.
pub(super) fn find<'a>(
    callbacks: &Table<'a, Callback>,
    record: &AlternativeRecord,
    at: u64,
) -> Result<&'a Callback, Reason> {
    if record.replacement_len != record.site_len {
        return Err(Reason::CallbackLength {
            site: record.site_len,
            callback: record.replacement_len,
        });
    }
    let address = record.replacement_address(at);
    callbacks
        .at(address)
        .ok_or(Reason::UnregisteredCallback { address })
}

/// Runs `callback` on the words of `site`, and stores the result at the start of `words`.
///
/// Checks the result, and runs the callback a second time on it: the words must not change again,
/// else a second pass would change the text again.
pub(super) fn compute(
    callback: &Callback,
    site: Words<'_>,
    words: &mut [Insn; MAX_LEN],
) -> Result<(), Reason> {
    let address = site.range().start;
    let mut other = [Insn::NOP; MAX_LEN];
    for ((word, other), old) in words.iter_mut().zip(&mut other).zip(site.iter()) {
        (*word, *other) = (old, old);
    }
    let len = site.len().min(MAX_LEN);
    let (words, other) = (&mut words[..len], &mut other[..len]);
    call(callback, address, other, words)?;
    for (index, &word) in words.iter().enumerate() {
        if let Class::Unknown | Class::SignsPc = word.classify() {
            let index = index as u8;
            return Err(Reason::CallbackWord { index, word });
        }
    }
    other.copy_from_slice(words);
    call(callback, address, words, other)?;
    match words == other {
        true => Ok(()),
        false => Err(Reason::CallbackUnstable {
            name: callback.name(),
        }),
    }
}

fn call(callback: &Callback, site: u64, now: &[Insn], words: &mut [Insn]) -> Result<(), Reason> {
    let site = Site::new(site, now);
    callback
        .call(&site, words)
        .map_err(|error| Reason::CallbackFailed {
            name: callback.name(),
            error,
        })
}
