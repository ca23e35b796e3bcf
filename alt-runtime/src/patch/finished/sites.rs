//! The loops over the sites of a run, in a text that is one range.

use core::mem::MaybeUninit;

use crate::finished::{Digest, Run};
use crate::insn::Insn;
use crate::region::Words;
use crate::room::PlannedWrite;

/// Entries of a plan, not written yet.
type Entries = [MaybeUninit<PlannedWrite>];

/// What has been planned.
#[derive(Clone, Copy, Default)]
pub(super) struct Planned {
    /// Words that change, whose entries are in the room.
    pub words: usize,
    /// Words that change, and for which there was no room.
    pub without_room: usize,
    /// Sites that change.
    pub sites: u32,
}

impl Planned {
    /// Sites of one word each, with room.
    #[inline(always)]
    pub fn of_sites(sites: usize) -> Self {
        Self {
            words: sites,
            without_room: 0,
            sites: sites as u32,
        }
    }
}

/// The state of a loop, which reads each site, adds its words to the digest, and writes their entries.
///
/// Each loop is a separate function that takes its state by value, so the compiler keeps it in registers.
/// The caller passes one entry for each word of the sites, and the loop ends with the entries: it needs no
/// other check of the room. It returns `None` if a site is outside of the text.
#[derive(Clone, Copy)]
pub(super) struct Sites {
    /// Index in the text of the site before.
    pub index: u64,
    /// With the words that were found.
    pub digest: Digest,
}

impl Sites {
    /// Plans a run whose `steps` have two sites in a word.
    #[inline(never)]
    pub fn halves(
        mut self,
        text: Words<'_>,
        steps: &[u32],
        entries: &mut Entries,
        new: impl Fn(Insn) -> Insn,
    ) -> Option<(Planned, Digest)> {
        let sites = entries.len();
        let (pairs, last) = entries.as_chunks_mut::<2>();
        for (&step, [low, high]) in steps.iter().zip(pairs) {
            self.plan(&text, step as u16, low, &new)?;
            self.plan(&text, (step >> 16) as u16, high, &new)?;
        }
        if let ([entry], Some(step)) = (last, steps.last()) {
            self.plan(&text, *step as u16, entry, &new)?;
        }
        Some((Planned::of_sites(sites), self.digest))
    }

    /// The same for steps that are words: the new word depends on the high half.
    #[inline(never)]
    pub fn words(
        mut self,
        text: Words<'_>,
        steps: &[u32],
        entries: &mut Entries,
        new: impl Fn(u16) -> Insn,
    ) -> Option<(Planned, Digest)> {
        let sites = entries.len();
        for (&step, entry) in steps.iter().zip(entries) {
            self.plan(&text, step as u16, entry, &|_| new((step >> 16) as u16))?;
        }
        Some((Planned::of_sites(sites), self.digest))
    }

    /// The same for sites that become words of `dictionary` and NOPs. `None` also if the dictionary does not
    /// have the words.
    #[inline(never)]
    pub fn arms(
        mut self,
        text: Words<'_>,
        run: &Run<'_>,
        dictionary: &[u32],
        entries: &mut Entries,
    ) -> Option<(Planned, Digest)> {
        let mut planned = Planned::default();
        for &step in run.words() {
            self.index = self.index.wrapping_add((step as u16).into());
            let site = text.part_at(self.index, run.header().len)?;
            let new = arm_words(dictionary, run, (step >> 16) as u16)?;
            let (before, mut offset) = (planned.words, 4 * self.index as u32);
            let mut new = new.iter();
            for old in site.iter() {
                let new = new.next().map_or(Insn::NOP, |word| Insn(*word));
                self.digest = self.digest.with(old.0);
                // Where the word stays, the next one takes the entry.
                let entry = entries.get_mut(planned.words)?;
                entry.write(PlannedWrite::new(offset, old, new));
                planned.words += usize::from(old != new);
                offset = offset.wrapping_add(4);
            }
            planned.sites += u32::from(planned.words != before);
        }
        Some((planned, self.digest))
    }

    /// Plans the site so many words further on.
    #[inline(always)]
    fn plan(
        &mut self,
        text: &Words<'_>,
        distance: u16,
        entry: &mut MaybeUninit<PlannedWrite>,
        new: &impl Fn(Insn) -> Insn,
    ) -> Option<()> {
        self.index = self.index.wrapping_add(distance.into());
        let old = text.word(usize::try_from(self.index).ok()?)?;
        self.digest = self.digest.with(old.0);
        entry.write(PlannedWrite::new(4 * self.index as u32, old, new(old)));
        Some(())
    }
}

/// The words of the dictionary that a site of `run` receives; NOPs follow. `None` if the dictionary does not
/// have them.
pub(super) fn arm_words<'a>(
    dictionary: &'a [u32],
    run: &Run<'_>,
    payload: u16,
) -> Option<&'a [u32]> {
    let (base, words) = run.header().arm();
    let start = base + usize::from(payload);
    dictionary.get(start..start + words)
}
