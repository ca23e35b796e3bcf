//! The words of a callback, checked.

use crate::callback::{Callback, Site};
use crate::insn::{Class, Insn};
use crate::patch::error::Reason;
use crate::patch::writer::outside;
use crate::record::AlternativeRecord;
use crate::region::Region;

/// The longest site.
pub(super) const MAX_LEN: usize = u8::MAX as usize;

/// Fills `words`, at least as many as the site at `site` has, with what the callback makes of
/// it that `record`, which is at `at`, names; calls it again on its own answer.
pub(super) fn compute<const LEN: usize>(
    region: &Region<'_>,
    at: u64,
    record: &AlternativeRecord,
    site: u64,
    words: &mut [Insn; LEN],
) -> Result<(), Reason> {
    let len = record.site_len;
    let callback = find(region, at, record)?;

    let outside = outside(&region.text, len);
    let old = region.text.part(site, len).ok_or(outside)?;
    for (word, old) in words.iter_mut().zip(old.iter()) {
        *word = old;
    }
    // Whole arrays, which are short: a slice would be copied by a call.
    let before = *words;
    let range = ..usize::from(len);
    let (Some(before), Some(new)) = (before.get(range), words.get_mut(range)) else {
        return Err(outside);
    };
    call(callback, site, before, new)?;
    for (index, &word) in (0..len).zip(new.iter()) {
        let is_known = word.is_ordinary();
        if !is_known && matches!(word.classify(), Class::Unknown | Class::SignsPc) {
            return Err(Reason::CallbackWord { index, word });
        }
    }
    let mut again = *words;
    let (Some(new), Some(newer)) = (words.get(range), again.get_mut(range)) else {
        return Err(outside);
    };
    call(callback, site, new, newer)?;
    if *words != again {
        let name = callback.name();
        return Err(Reason::CallbackUnstable { name });
    }
    Ok(())
}

/// The callback that `record`, which is at `at`, names.
pub(super) fn find<'a>(
    region: &Region<'a>,
    at: u64,
    record: &AlternativeRecord,
) -> Result<&'a Callback, Reason> {
    if record.replacement_len != record.site_len {
        return Err(Reason::CallbackLength {
            site: record.site_len,
            callback: record.replacement_len,
        });
    }
    let address = record.replacement_address(at);
    region
        .callbacks
        .at(address)
        .ok_or(Reason::UnregisteredCallback { address })
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
