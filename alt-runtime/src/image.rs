//! An image to patch: its text and tables, and the room for the plan.

#[cfg(all(target_arch = "aarch64", target_os = "none"))]
mod linked;

use core::fmt;
use core::mem::MaybeUninit;

use crate::patch::too_small;
use crate::region::Region;
use crate::room::PlannedWrite;

/// A kernel's image, as the phases of [`boot`](crate::boot) patch it: its region, and room for
/// the plan.
///
/// What the region reads may lie in memory that is given back after boot, so nothing that is
/// borrowed from the image outlives it:
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

    /// Checks that the tables are those of all sites that are linked, which have `words` words by
    /// the tables, and that there is room for a plan of all of them. Writes to each page of that
    /// room, so that room which is not mapped writable faults on every CPU model, also where
    /// nothing is patched.
    ///
    /// # Errors
    /// The tables are not those of the linked sites, or the room is too small.
    pub fn prepare(&mut self, words: usize) -> Result<(), ImageError> {
        if words < self.linked {
            return Err(ImageError::Tables {
                linked: self.linked,
                found: words,
            });
        }
        let room = self.room.len();
        let needed = self.room.get_mut(..words);
        let needed = needed.ok_or(ImageError::Room {
            room,
            needed: words,
        })?;
        // No page is smaller than 4 KiB.
        const STEP: usize = 4096 / size_of::<PlannedWrite>();
        for part in needed.chunks_mut(STEP) {
            part.first_mut().map(touch);
            part.last_mut().map(touch);
        }
        Ok(())
    }
}

/// Writes to an entry, and reads it.
fn touch(entry: &mut MaybeUninit<PlannedWrite>) {
    let entry: *mut PlannedWrite = entry.as_mut_ptr();
    // SAFETY: the entry is borrowed for writing; what is read has just been written. Volatile,
    // so that both happen.
    unsafe {
        entry.write_volatile(PlannedWrite::new(0, crate::Insn::NOP, crate::Insn::NOP));
        entry.read_volatile();
    }
}

/// An image that is not linked as a pass needs it. Nothing has been written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ImageError {
    /// The tables are not those of all sites in the image.
    Tables {
        /// Words of the sites that the linker kept.
        linked: usize,
        /// Words of the sites in the tables.
        found: usize,
    },
    /// There is too little room for the plan. All numbers are of words.
    Room {
        /// What there is room for.
        room: usize,
        /// Words of all sites.
        needed: usize,
    },
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Tables { linked, found } => write!(
                f,
                "the sites in the image have {linked} words, those in its tables {found}: the linker script places or discards alt_branches or alt_records where their __start_ and __stop_ symbols do not enclose them; leave the sections to the linker, or INCLUDE alternatives-init.x once"
            ),
            Self::Room { room, needed } => too_small(f, room, needed),
        }
    }
}

impl core::error::Error for ImageError {}
