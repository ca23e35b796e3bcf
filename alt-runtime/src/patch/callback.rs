//! The words that a callback computes for a site.

use crate::callback::{Callback, Site};
use crate::insn::{Class, Insn};
use crate::patch::error::Reason;
use crate::record::AlternativeRecord;
use crate::region::{Table, Words};

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

/// Runs `callback` on the words of `site`. `memory` has three words for each of the site, and the
/// result is in the last two thirds, twice: once as the callback made it, and once as it made it of
/// its own result. The caller compares them.
///
/// Checks the result. The callback runs a second time on it since the words must not change again:
/// else a second pass would change the text again.
pub(super) fn compute(
    callback: &Callback,
    site: Words<'_>,
    memory: &mut [Insn],
) -> Result<(), Reason> {
    let (address, len) = (site.range().start, site.len());
    let (_, memory) = memory.split_at_mut(len.min(memory.len()));
    let (other, words) = memory.split_at_mut(len.min(memory.len()));
    for ((word, other), old) in words.iter_mut().zip(other.iter_mut()).zip(site.iter()) {
        (*word, *other) = (old, old);
    }
    call(callback, address, other, words)?;
    for (index, (word, other)) in words.iter().zip(other.iter_mut()).enumerate() {
        // Most words are recognised by their top byte.
        if !word.is_position_independent()
            && let Class::Unknown | Class::SignsPc = word.classify()
        {
            let (index, word) = (index as u8, *word);
            return Err(Reason::CallbackWord { index, word });
        }
        *other = *word;
    }
    call(callback, address, words, other)
}

/// Refuses a callback that makes other words of its own result.
#[cold]
pub(super) fn unstable(callback: &Callback) -> Reason {
    Reason::CallbackUnstable {
        name: callback.name(),
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
