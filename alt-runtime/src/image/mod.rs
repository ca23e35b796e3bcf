//! An image to patch: its text and tables, and the room for the plan.

#[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
mod linked;

use core::mem::MaybeUninit;

use crate::insn::Insn;
use crate::patch::{Decision, ImageError, PatchError, Plan};
use crate::region::Region;
use crate::room::{PlannedWrite, as_words};

/// A kernel's image, as the phases of [`boot`](crate::boot) patch it: its region, and room for
/// the plan.
///
/// The region may read memory that is freed after boot, so nothing that is borrowed from the image
/// outlives it:
///
/// ```compile_fail
/// use alt_runtime::{Image, region::Region};
///
/// fn keep(image: Image<'_>) -> Region<'static> {
///     image.region()
/// }
/// ```
#[derive(Debug)]
pub struct Image<'a> {
    region: Region<'a>,
    /// Room for one write to each word of each site.
    room: &'a mut [MaybeUninit<PlannedWrite>],
    /// Words of all sites that the linker kept; 0 if that is not known.
    linked: usize,
}

impl<'a> Image<'a> {
    /// The image that `region` describes, with `room` for the plan.
    pub const fn of_region(region: Region<'a>, room: &'a mut [MaybeUninit<PlannedWrite>]) -> Self {
        Self {
            region,
            room,
            linked: 0,
        }
    }

    /// The same with other room for the plan. It must hold one entry for each instruction of each
    /// site, whether or not it changes.
    #[must_use]
    pub fn with_room(self, room: &'a mut [MaybeUninit<PlannedWrite>]) -> Self {
        Self { room, ..self }
    }

    /// The same, whose sites have this number of words as the linker counted them, by the size of
    /// the section `alt_plan_size`.
    #[must_use]
    pub fn linked(self, words: usize) -> Self {
        Self {
            linked: words,
            ..self
        }
    }

    /// The text and tables.
    pub const fn region(&self) -> Region<'_> {
        self.region
    }

    /// The text and tables, and the room for a plan of them.
    pub const fn parts(&mut self) -> (Region<'_>, &mut [MaybeUninit<PlannedWrite>]) {
        (self.region, self.room)
    }

    /// Plans the first pass: checks every arm of every site, whether or not it wins, so that no
    /// later pass is refused for an arm after this one has written. Checks that the tables contain
    /// all sites that the linker counted, and that the room is large enough for all their words.
    /// Writes to each page of that room, so that room which is not mapped writable faults on every
    /// CPU model, even if nothing is patched.
    ///
    /// Returns the region of the plan as well.
    ///
    /// # Errors
    /// [`PatchError::Plan`] for the first record, in address order, that could not be applied on
    /// some CPU; [`PatchError::Image`] for incomplete tables or too little room.
    pub fn plan_first_pass<A>(
        &mut self,
        decision: Decision<'_>,
    ) -> Result<(Region<'_>, Plan<'_>), PatchError<A>> {
        let (region, plan) = self.first_plan(decision)?;
        Ok((*region, plan))
    }

    /// As [`plan_first_pass`](Self::plan_first_pass), without a copy of the region.
    pub(crate) fn first_plan<A>(
        &mut self,
        decision: Decision<'_>,
    ) -> Result<(&Region<'_>, Plan<'_>), PatchError<A>> {
        let mut plan = match Plan::checked(&self.region, decision, self.room) {
            Ok(plan) => plan,
            Err(why) => return Err(PatchError::Plan(why)),
        };
        let needed = plan.needed();
        if needed < self.linked {
            return Err(PatchError::Image(ImageError::Tables {
                linked: self.linked,
                found: needed,
            }));
        }
        let planned = plan.writes().len();
        let room = planned + plan.unused().len();
        let Some(unplanned) = plan.unused().get_mut(..needed.saturating_sub(planned)) else {
            return Err(PatchError::Image(ImageError::Room { room, needed }));
        };
        // No page is smaller than 4 KiB.
        let words = as_words(unplanned);
        for page in words.chunks_mut(4096 / size_of::<Insn>()) {
            if let Some(first) = page.first_mut() {
                touch(first);
            }
        }
        if let Some(last) = words.last_mut() {
            touch(last);
        }
        Ok((&self.region, plan))
    }
}

/// Writes to a word, and reads it.
fn touch(word: &mut MaybeUninit<Insn>) {
    let word: *mut Insn = word.as_mut_ptr();
    // SAFETY: the word is borrowed for writing; what is read has just been written. Volatile,
    // so that both happen.
    unsafe {
        word.write_volatile(Insn::NOP);
        word.read_volatile();
    }
}
