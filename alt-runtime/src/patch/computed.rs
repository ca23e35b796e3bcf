//! The words of a callback, checked.

use crate::callback::{Callback, Site};
use crate::insn::{Class, Insn};
use crate::patch::error::Reason;
use crate::record::AlternativeRecord;
use crate::region::Region;

/// The longest site.
pub(super) const MAX_LEN: usize = u8::MAX as usize;

/// What a callback makes of a site of at most so many words.
pub(super) struct Computed<const LEN: usize>([Insn; LEN]);

impl<const LEN: usize> Computed<LEN> {
    /// Calls the callback that `record` names, which is at `at` and for the site at
    /// `site`, and calls it again on its own answer.
    pub fn new(
        region: &Region<'_>,
        at: u64,
        record: &AlternativeRecord,
        site: u64,
    ) -> Result<Self, Reason> {
        let len = usize::from(record.site_len);
        let callback = find(region, at, record)?;

        let mut old = [Insn::NOP; LEN];
        for (index, word) in (0..record.site_len).zip(&mut old) {
            *word = region
                .text
                .get(site.wrapping_add(4 * u64::from(index)))
                .ok_or(Reason::SiteOutsideText { len: 1 })?;
        }
        let mut new = old;
        let (Some(before), Some(after)) = (old.get_mut(..len), new.get_mut(..len)) else {
            return Err(Reason::SiteOutsideText {
                len: record.site_len,
            });
        };
        call(callback, site, before, after)?;
        for (index, &word) in (0..record.site_len).zip(after.iter()) {
            if matches!(word.classify(), Class::Unknown | Class::SignsPc) {
                return Err(Reason::CallbackWord { index, word });
            }
        }
        let again = before;
        again.copy_from_slice(after);
        call(callback, site, after, again)?;
        if after != again {
            let name = callback.name();
            return Err(Reason::CallbackUnstable { name });
        }
        Ok(Self(new))
    }

    /// The word for the site's instruction `index`, below its length.
    pub fn word(&self, index: u8) -> Insn {
        self.0.get(usize::from(index)).copied().unwrap_or(Insn::NOP)
    }
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
