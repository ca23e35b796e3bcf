//! The quick way over the tables, for sites of the usual kinds.
//!
//! Nearly all records are of a few simple kinds. One loop takes these, with every check that
//! [`Walk`] makes of them; it calls nothing, so that all that it needs stays in registers. It
//! finds no fault: where anything is not as usual it stops in front of the record, with
//! nothing done for it, and [`Walk`] looks closely.

use crate::arch::Write;
use crate::patch::records::{NOWHERE, Records};
use crate::patch::rewrite::{Rewrite, View, opaque};
use crate::patch::shape::Shape;
use crate::patch::site::Record;
use crate::patch::states::{Known, States};
use crate::patch::walk::Walk;
use crate::patch::writer::Writer;
use crate::record::{AlternativeRecord, BranchRecord, Condition};

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

/// Whether the sites of a table, which are less than 2 GiB away from it, have the same order in
/// the loop as where they are linked, even if they are not where they should be.
fn keeps_order<R: Record>(records: &Records<'_, R>, shift: u64) -> bool {
    let linked = records.address();
    let is_far_inside = |at: u64| (1 << 31..TOP).contains(&at);
    records.is_empty()
        || shift == 0
        || is_far_inside(linked) && is_far_inside(linked.wrapping_sub(shift))
}

/// Stands at the end of a table: the length of its site is not usual.
static NONE: AlternativeRecord = AlternativeRecord {
    site: 0,
    replacement: 0,
    condition: Condition::from_bits(0),
    site_len: 0,
    replacement_len: 0,
};

/// Where the loop is, and what it needs.
struct Cursor<'s> {
    rewrite: Rewrite,
    states: &'s States,
    branch: *const BranchRecord,
    branch_site: u64,
    alternative: *const AlternativeRecord,
    alternative_site: u64,
    /// From the place of an alternative's record to what the loop counts from.
    shift: u64,
    /// Where the site before ends.
    end: u64,
    /// A site here or further on, or one that ends further on, is looked at closely. The text
    /// does not end before, and the site of the last record of a table is behind.
    last: u64,
    /// The next write, and the end of the room for them.
    to: *mut Write,
    room_end: *mut Write,
    /// Sites of which a later pass decides.
    pending: u32,
    /// Writes that are not the first one of their site.
    further: u64,
}

impl Cursor<'_> {
    /// Takes sites up to the next one that is not of a usual kind.
    ///
    /// # Safety
    /// The fields must be as they say. There must be a record at `alternative`, and one at
    /// `branch` unless its site is [`NOWHERE`].
    #[inline(never)]
    unsafe fn run(&mut self) {
        let Self {
            ref rewrite,
            states,
            mut branch,
            mut branch_site,
            mut alternative,
            mut alternative_site,
            shift,
            mut end,
            last,
            mut to,
            room_end,
            mut pending,
            mut further,
        } = *self;
        let rewrite = rewrite.in_registers();

        'all: loop {
            // Branches, up to the next alternative.
            let limit = alternative_site.min(last);
            while branch_site <= limit {
                let site = branch_site;
                if site.wrapping_sub(end) & FAR != 0 {
                    break 'all;
                }
                // SAFETY: the site is that of a record, since it is not above `last`.
                let record = unsafe { &*branch };
                // Opaque, since the compiler would ask for the rarest state first.
                let known = Known(opaque!(states.known(record.condition).0));
                if known == Known::PRESENT {
                    // SAFETY: the site lies between `end` and `last`, in the text.
                    let (write, is_usual) = unsafe { rewrite.flip(site, record) };
                    if opaque!(u32::from(is_usual & (to < room_end))) == 0 {
                        break 'all;
                    }
                    // SAFETY: there is room.
                    unsafe { to.write(write) };
                    to = to.wrapping_add(1);
                } else if known != Known::ABSENT {
                    if Known(opaque!(known.0)) != Known::PENDING {
                        break 'all;
                    }
                    pending += 1;
                }
                end = site.wrapping_add(4);
                branch = branch.wrapping_add(1);
                // SAFETY: the last record of the table has its site behind this one's.
                branch_site = unsafe { site_of(branch, 0) };
                branch = opaque!(branch);
            }

            // One alternative, if that is next: else it is behind `last`, not in its place.
            let site = alternative_site;
            // SAFETY: the caller's promise, and below.
            let record = unsafe { &*alternative };
            let shape = Shape(opaque!(Shape::of(record).0));
            let len = shape.site_len();
            let end_of_site = site.wrapping_add(4 * len);
            let is_in_place = (site.wrapping_sub(end) & FAR == 0) & (end_of_site <= last);
            if !is_in_place | (len == 0) {
                break;
            }
            let known = Known(opaque!(states.known(shape.condition()).0));
            if known == Known::PRESENT {
                let at = (alternative as u64).wrapping_add(shift);
                let from = record.replacement_address(at);
                if shape.is_copy_of(1) {
                    if !rewrite.has(from, 1) | (to >= room_end) {
                        break;
                    }
                    // SAFETY: the site lies between `end` and `last`, in the text.
                    let write = unsafe { rewrite.copy(site, from) };
                    let Some(write) = write else { break };
                    // SAFETY: there is room.
                    unsafe { to.write(write) };
                    to = opaque!(to.wrapping_add(1));
                } else {
                    let is_usual = shape.is_copy_of(len) & rewrite.has(from, len);
                    let room = (room_end as u64).wrapping_sub(to as u64);
                    if !is_usual | (room < len * size_of::<Write>() as u64) {
                        break;
                    }
                    let mut word = site;
                    while word != end_of_site {
                        // SAFETY: as above, for all words of the site.
                        let write = unsafe {
                            rewrite.copy_ordinary(word, word.wrapping_add(from.wrapping_sub(site)))
                        };
                        let Some(write) = write else {
                            // Nothing has been done for this site.
                            to = to.wrapping_sub((word.wrapping_sub(site) / 4) as usize);
                            break 'all;
                        };
                        // SAFETY: there is room for all of them.
                        unsafe { to.write(write) };
                        to = to.wrapping_add(1);
                        word = opaque!(word.wrapping_add(4));
                    }
                    further += len - 1;
                }
            } else if known != Known::ABSENT {
                if Known(opaque!(known.0)) != Known::PENDING {
                    break;
                }
                pending += 1;
            }
            end = end_of_site;
            alternative = alternative.wrapping_add(1);
            // SAFETY: the last record of the table has its site behind this one's.
            alternative_site = unsafe { site_of(alternative, shift) };
            alternative = opaque!(alternative);
        }

        (self.branch, self.alternative) = (branch, alternative);
        (self.end, self.to) = (end, to);
        (self.pending, self.further) = (pending, further);
    }
}

impl<'a> Walk<'a> {
    /// Takes sites up to the next one that is not of a usual kind.
    pub(super) fn quick(&mut self, states: &States, writer: &mut Writer<'a, '_>) {
        let shift = self.branches.shift();
        let text = View::new(writer.text(), shift);
        let Some(last) = self.last(&text, shift) else {
            return;
        };
        let branch = self.branches.rest().as_ptr();
        let alternative = match self.alternatives.rest() {
            [] => &NONE,
            rest => rest.as_ptr(),
        };
        let room = writer.room();
        let mut cursor = Cursor {
            rewrite: Rewrite::new(text, View::new(writer.replacements(), shift)),
            states,
            branch,
            branch_site: first_site(&self.branches, shift),
            alternative,
            alternative_site: first_site(&self.alternatives, shift),
            shift: self.alternatives.shift().wrapping_sub(shift),
            end: self.end.wrapping_sub(shift),
            last,
            to: room.start,
            room_end: room.end,
            pending: 0,
            further: 0,
        };
        // SAFETY: they are; an alternative is always there, since `NONE` stands for none.
        unsafe { cursor.run() };

        // SAFETY: the loop has gone on from each, within the room and the tables.
        let (words, branches, alternatives) = unsafe {
            (
                cursor.to.offset_from(room.start) as usize,
                cursor.branch.offset_from(branch) as usize,
                cursor.alternative.offset_from(alternative) as usize,
            )
        };
        // SAFETY: so many entries have been written, one for each word of a site.
        unsafe { writer.took(words, cursor.further as usize) };
        self.branches.skip(branches);
        self.alternatives.skip(alternatives);
        self.pending += cursor.pending;
        self.end = cursor.end.wrapping_add(shift);
    }

    /// The last address of which a site that is there is not looked at closely in any case:
    /// it is in the text, and below the last site of a table, so that there is a record after
    /// each that is met. None in a text that is not aligned, and at the ends of the address
    /// space, where sums overflow.
    fn last(&self, text: &View, shift: u64) -> Option<u64> {
        let bytes = 4 * text.words;
        let linked = text.start.wrapping_add(shift);
        let is_usual = |start: u64| start.checked_add(bytes).is_some_and(|end| end < TOP);
        let last = self.branches.last_site().min(self.alternatives.last_site());
        let stop = last.min(linked.wrapping_add(bytes));
        let is_usual = linked.is_multiple_of(4) && is_usual(linked) && is_usual(text.start);
        let is_ordered =
            keeps_order(&self.branches, shift) && keeps_order(&self.alternatives, shift);
        (is_usual && is_ordered && stop > linked).then(|| stop.wrapping_sub(shift) - 1)
    }
}
