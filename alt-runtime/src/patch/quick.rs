//! The quick way over the tables, for sites of the usual kinds.
//!
//! Nearly all records are of a few simple kinds. One loop takes these, with every check that
//! [`Walk`] makes of them; it calls nothing, so that all that it needs stays in registers. It
//! finds no fault: where anything is not as usual it stops in front of the record, with
//! nothing done for it, and [`Walk`] looks closely.

use core::ops::Range;

use crate::patch::records::{NOWHERE, Records};
use crate::patch::rewrite::{Rewrite, View, opaque};
use crate::patch::shape::Shape;
use crate::patch::site::Record;
use crate::patch::states::{Known, KnownOfWord, States};
use crate::patch::walk::Walk;
use crate::patch::writer::Writer;
use crate::record::{AlternativeRecord, BranchRecord};
use crate::room::PlannedWrite;

/// Above all addresses that are far enough from the top of the address space.
const TOP: u64 = u64::MAX - (1 << 32);

/// Bits that are not set in the distance from the end of one site to the next one: those
/// of the alignment, and those of 16 MiB or more, as has whatever begins before that end.
const FAR: u64 = !0xff_fffc;

/// Address of a record's site in the loop; `shift` leads from records to where they are linked.
///
/// # Safety
/// There must be a record.
#[inline(always)]
unsafe fn site_of<R: Record>(record: *const R, shift: u64) -> u64 {
    let at = (record as u64).wrapping_add(shift);
    // SAFETY: the caller's promise.
    unsafe { &*record }.site(at)
}

/// Address of the next record's site in the loop; [`NOWHERE`] if there is none.
fn first_site<R: Record>(records: &Records<'_, R>, shift: u64) -> u64 {
    match records.peek() {
        Some((at, next)) => next.site(at).wrapping_sub(shift),
        None => NOWHERE,
    }
}

/// Where the loop is, and what it needs.
struct Cursor<'s> {
    rewrite: &'s Rewrite,
    states: &'s States,
    branch: *const BranchRecord,
    branch_site: u64,
    alternative: *const AlternativeRecord,
    alternative_site: u64,
    /// From the place of an alternative's record to what the loop counts from.
    shift: u64,
    /// Where the site before ends.
    end: u64,
    /// In the text; a site further on, or one that ends further on, is looked at closely. In each
    /// table the site of some record is behind. It is no multiple of 4 bytes from `end`.
    last: u64,
    /// The next write.
    to: *mut PlannedWrite,
    /// How many writes there is room for beyond one for each record.
    spare: u64,
    /// Sites of which a later pass decides.
    pending: u32,
}

impl Cursor<'_> {
    /// Takes sites up to the next one that is not of a usual kind.
    ///
    /// # Safety
    /// The fields must be as they say. There must be a record at `branch` and at `alternative`,
    /// unless the site is [`NOWHERE`] or `last`.
    #[inline(never)]
    unsafe fn run(&mut self) {
        let Self {
            rewrite,
            states,
            mut branch,
            mut branch_site,
            mut alternative,
            mut alternative_site,
            shift,
            mut end,
            last,
            mut to,
            mut spare,
            ..
        } = *self;
        let rewrite = rewrite.in_registers();

        'all: loop {
            // Branches, up to the next alternative.
            while branch_site <= alternative_site {
                let site = branch_site;
                if site.wrapping_sub(end) & FAR != 0 {
                    break 'all;
                }
                // SAFETY: the site is that of a record, since it is not above `last`.
                let record = unsafe { &*branch };
                // Opaque, since the compiler would ask for the rarest state first.
                let known = Known(opaque!(states.known(record.condition).0));
                if known == Known::PRESENT {
                    // SAFETY: the site lies between `end` and `last`, in the text; and there is
                    // room for one write for each record.
                    match unsafe { rewrite.flip(site, record, to) } {
                        Some(next) => to = next,
                        None => break 'all,
                    }
                } else if known != Known::ABSENT {
                    if Known(opaque!(known.0)) != Known::PENDING {
                        break 'all;
                    }
                    self.pending += 1;
                }
                end = site.wrapping_add(4);
                branch = branch.wrapping_add(1);
                // SAFETY: this is no record whose site is behind `last`, so there is a next one.
                branch_site = unsafe { site_of(branch, 0) };
                branch = opaque!(branch);
            }

            // One alternative.
            let site = alternative_site;
            if site.wrapping_sub(end) & FAR != 0 {
                break;
            }
            // SAFETY: the site is that of a record, since it is not `last`, which is no
            // multiple of 4.
            let record = unsafe { &*alternative };
            let shape = Shape(opaque!(Shape::of(record).0));
            let known = KnownOfWord(opaque!(states.known_of_word(shape).0));
            if known == KnownOfWord::ABSENT {
                end = site.wrapping_add(4);
            } else if known == KnownOfWord::PRESENT {
                let from = rewrite.place_of(record);
                if !rewrite.has(from, 1) {
                    break;
                }
                // SAFETY: the site lies between `end` and `last`, in the text.
                let write = unsafe { rewrite.copy(site, from) };
                let Some(write) = write else { break };
                // SAFETY: there is room for one write for each record.
                unsafe { to.write(write) };
                to = to.wrapping_add(1);
                end = site.wrapping_add(4);
            } else {
                let len = shape.site_len();
                let end_of_site = site.wrapping_add(4 * len);
                if (len == 0) | (end_of_site > last) {
                    break;
                }
                let known = known.of_cap();
                if known == Known::PRESENT {
                    let from = rewrite.place_of(record);
                    if !shape.is_copy_of(len) || !rewrite.has(from, len) || spare < len - 1 {
                        break;
                    }
                    // SAFETY: as above, for all words of the site, which are so many.
                    match unsafe { rewrite.copy_all(site..end_of_site, from, to) } {
                        Some(next) => to = next,
                        None => break,
                    }
                    spare -= len - 1;
                } else if known == Known::PENDING {
                    self.pending += 1;
                } else if known != Known::ABSENT {
                    break;
                }
                end = end_of_site;
            }
            alternative = alternative.wrapping_add(1);
            // SAFETY: this is no record whose site is behind `last`, so there is a next one.
            alternative_site = unsafe { site_of(alternative, shift) }.min(last);
            alternative = opaque!(alternative);
        }

        (self.branch, self.alternative) = (branch, alternative);
        (self.end, self.to, self.spare) = (end, to, spare);
    }
}

/// The quick way over the tables of one region.
pub(super) struct Quick {
    rewrite: Rewrite,
    /// The text, as it is linked.
    text: Range<u64>,
    /// From where branch records are to where they are linked.
    branches: u64,
    /// The same of alternatives.
    alternatives: u64,
}

impl Quick {
    /// `None` for a text of several ranges or aliases, for one that is not aligned, and at the
    /// ends of the address space, where sums overflow.
    pub fn new(walk: &Walk<'_>, writer: &Writer<'_, '_>) -> Option<Self> {
        let (branches, alternatives) = (walk.branches.shift(), walk.alternatives.shift());
        let text = writer.text().only()?;
        let view = View::new(text, branches);
        let text = text.range();
        let bytes = 4 * view.words;
        let is_usual = |start: u64| start.checked_add(bytes).is_some_and(|end| end < TOP);
        let is_usual = is_usual(text.start) && is_usual(view.start);
        (is_usual && text.start.is_multiple_of(4)).then(|| Self {
            rewrite: Rewrite::new(view, writer.replacements(), alternatives, branches),
            text,
            branches,
            alternatives,
        })
    }

    /// Takes sites up to the next one that is not of a usual kind.
    pub fn run(&self, walk: &mut Walk<'_>, writer: &mut Writer<'_, '_>) {
        let states = walk.states;
        let shift = self.branches;
        let (branches, alternatives) = (walk.branches.rest(), walk.alternatives.rest());
        let room = writer.room();
        let free = room.len();
        // So many records are met, each of which there is room for. Where no cpucap is present,
        // there is nothing to write.
        let (first, second) = match states.has_present() {
            true => {
                let first = branches.len().min(free);
                (first, alternatives.len().min(free - first))
            }
            false => (branches.len(), alternatives.len()),
        };
        let spare = free.saturating_sub(first + second) as u64;
        let stop = walk.branches.site_after(first);
        let stop = stop.min(walk.alternatives.site_after(second));
        let stop = stop.min(self.text.end) & !3;
        if stop <= self.text.start {
            return;
        }
        // No multiple of 4 from any site that is taken.
        let last = stop.wrapping_sub(shift) - 1;
        let to = room.as_mut_ptr().cast();
        let mut cursor = Cursor {
            rewrite: &self.rewrite,
            states,
            branch: branches.as_ptr(),
            branch_site: first_site(&walk.branches, shift),
            alternative: alternatives.as_ptr(),
            alternative_site: first_site(&walk.alternatives, shift).min(last),
            shift: self.alternatives.wrapping_sub(shift),
            end: walk.end.wrapping_sub(shift),
            last,
            to,
            spare,
            pending: 0,
        };
        // SAFETY: the fields are as they say: `last` ends the look in the text, and in front of
        // the last record of each table, or of the first one that there may be no room for.
        unsafe { cursor.run() };

        // SAFETY: the loop has gone on from each, within the room and the tables.
        let (words, branches, alternatives) = unsafe {
            (
                cursor.to.offset_from(to) as usize,
                cursor.branch.offset_from(branches.as_ptr()) as usize,
                cursor.alternative.offset_from(alternatives.as_ptr()) as usize,
            )
        };
        // SAFETY: so many entries have been written, one for each word of a site.
        unsafe { writer.took(words, (spare - cursor.spare) as usize) };
        walk.branches.skip(branches);
        walk.alternatives.skip(alternatives);
        walk.pending += cursor.pending;
        walk.end = cursor.end.wrapping_add(shift);
    }
}
