//! The loop over the sites of one word each, in a text that is one range.

use crate::finished::{Digest, ESCAPE};
use crate::insn::Insn;
use crate::patch::alternative::Entries;
use crate::region::Words;
use crate::room::PlannedWrite;

/// The state of the loop. Functions out of line receive no reference to it, so the compiler keeps it
/// in registers.
pub(super) struct Sites<'a, 'p> {
    text: Words<'a>,
    /// Index in the text of the site before.
    index: u64,
    pub digest: Digest,
    pub count: u32,
    pub entries: Entries<'p>,
}

impl<'a, 'p> Sites<'a, 'p> {
    /// The loop that counts from the address `start`, with the digest of the sites before.
    #[inline(always)]
    pub fn new(text: Words<'a>, start: u64, digest: Digest, entries: Entries<'p>) -> Self {
        Self {
            text,
            // Rotated, an offset that is no multiple of 4 is higher than any index.
            index: start.wrapping_sub(text.range().start).rotate_right(2),
            digest,
            count: 0,
            entries,
        }
    }

    /// Looks at the site so many words further on, and plans its word if it changes.
    ///
    /// # Errors
    /// The address of the site, which is not in the text.
    #[inline(always)]
    pub fn step(&mut self, distance: u16, new: impl Fn(u32) -> u32) -> Result<(), u64> {
        self.index = self.index.wrapping_add(u64::from(distance));
        if distance == ESCAPE {
            return Ok(());
        }
        let old = usize::try_from(self.index).ok();
        let Some(old) = old.and_then(|index| self.text.word(index)) else {
            let offset = self.index.rotate_left(2);
            return Err(self.text.range().start.wrapping_add(offset));
        };
        self.digest = self.digest.with(old.0);
        self.count += 1;
        let new = Insn(new(old.0));
        if new != old {
            let offset = 4 * self.index as u32;
            self.entries.push(PlannedWrite::new(offset, old, new));
        }
        Ok(())
    }
}
