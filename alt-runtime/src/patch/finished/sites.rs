//! The loop over the sites of one word each.

use crate::finished::{Digest, ESCAPE};
use crate::insn::Insn;
use crate::patch::alternative::Entries;
use crate::patch::replacement::refuse_leaving;
use crate::region::{Region, Text};
use crate::room::PlannedWrite;

/// The state of the loop over the sites of a run of one word each. It has all that changes, so that
/// the loop keeps it in registers.
pub(super) struct Sites<'a, 'p> {
    region: &'a Region<'a>,
    text: Text<'a>,
    /// Of the site before.
    address: u64,
    pub digest: Digest,
    pub count: u32,
    pub rewritten: u32,
    pub entries: Entries<'p>,
}

impl<'a, 'p> Sites<'a, 'p> {
    /// The loop that counts from the address `start`, with the digest of the sites before.
    #[inline(always)]
    pub fn new(region: &'a Region<'a>, start: u64, digest: Digest, entries: Entries<'p>) -> Self {
        Self {
            region,
            text: region.text,
            address: start,
            digest,
            count: 0,
            rewritten: 0,
            entries,
        }
    }

    /// Looks at the site so many words further on, and plans its word if it changes.
    ///
    /// # Errors
    /// The site, which is not in the text or cannot become the new word.
    #[inline(always)]
    pub fn step(&mut self, distance: u16, new: impl Fn(u32) -> u32) -> Result<(), (u64, Insn)> {
        self.address = self.address.wrapping_add(4 * u64::from(distance));
        if distance == ESCAPE {
            return Ok(());
        }
        let site = self.address;
        let Some(old) = self.text.get(site) else {
            return Err((site, Insn::NOP));
        };
        self.digest = self.digest.with(old.0);
        self.count += 1;
        let new = Insn(new(old.0));
        if self.text.is_aliased() && refuse_leaving(self.region, site, 0, new).is_err() {
            return Err((site, new));
        }
        if new != old {
            let offset = site.wrapping_sub(self.text.start()) as u32;
            self.entries.push(PlannedWrite::new(offset, old, new));
            self.rewritten += 1;
        }
        Ok(())
    }
}
