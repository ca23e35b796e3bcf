//! A small image made by hand, with raw tables, and the same image finished.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU32, Ordering};

use alt_image::finished::{Outcome, Written, write};
use alt_runtime::cap::{Cap, CapInfo, CapSet, CapTable};
use alt_runtime::patch::{Decision, Plan, PlanError, Report};
use alt_runtime::record::{AlternativeRecord, BranchRecord, Condition};
use alt_runtime::region::{Region, Table, Words};
use alt_runtime::{Callback, CallbackError, Insn, PlannedWrite, Site};

pub const TEXT: u64 = 0xffff_8000_0001_0000;
pub const BRANCHES: u64 = TEXT + 0x40_0000;
pub const RECORDS: u64 = TEXT + 0x50_0000;
pub const REPLACEMENTS: u64 = TEXT + 0x60_0000;
pub const CALLBACKS: u64 = TEXT + 0x70_0000;

pub const AND: u16 = 1 << 13;
pub const NOT: u16 = 1 << 14;
pub const LIKELY: u16 = 1 << 15;
pub const CALLBACK: u16 = 1 << 15;

pub const NOP: u32 = 0xd503_201f;

pub const CAPS: usize = 4;

const INFOS: [CapInfo; CAPS] = [info(0, "A"), info(1, "B"), info(2, "C"), info(3, "D")];
pub static TABLE: CapTable = alt_runtime::cap_table!(&INFOS);

const fn info(number: u16, name: &'static str) -> CapInfo {
    CapInfo::new(Cap::new(number, true), name)
}

/// The set of the cpucaps whose bits are 1.
pub fn set(bits: u32) -> CapSet {
    let caps = (0..CAPS as u16).filter(|cap| bits >> cap & 1 != 0);
    caps.map(|cap| Cap::new(cap, true)).collect()
}

/// `mov x0, #address bits`: a word that depends on the site.
fn computed(site: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    for (index, word) in words.iter_mut().enumerate() {
        *word = Insn::movz(0, (site.address() >> 2) as u16 ^ index as u16, 0)?;
    }
    Ok(())
}

/// An image with raw tables.
pub struct Image {
    pub text: Vec<AtomicU32>,
    pub branches: Vec<BranchRecord>,
    pub records: Vec<AlternativeRecord>,
    pub replacements: Vec<u32>,
    callbacks: [Callback; 2],
}

impl Image {
    pub fn new(text: &[u32]) -> Self {
        Self {
            text: text.iter().copied().map(AtomicU32::new).collect(),
            branches: Vec::new(),
            records: Vec::new(),
            replacements: Vec::new(),
            callbacks: [
                Callback::new("FIRST", computed),
                Callback::new("SECOND", computed),
            ],
        }
    }

    /// A record for a branch of the word `site`, `words` instructions far.
    pub fn branch(&mut self, site: usize, condition: u16, words: i16) {
        let at = BRANCHES + 8 * self.branches.len() as u64;
        self.branches.push(BranchRecord {
            site: (TEXT + 4 * site as u64).wrapping_sub(at) as i32,
            condition: Condition::from_bits(condition),
            displacement: words,
        });
    }

    /// A record for `len` words from the word `site` on. The text has its last word at its end, so that
    /// a branch there may lead out of the replacement.
    pub fn alternative(&mut self, site: usize, condition: u16, len: u8, words: &[u32]) {
        let replacement = REPLACEMENTS + 4 * self.replacements.len() as u64;
        self.replacements.extend(words);
        self.record(site, replacement, condition, len, words.len() as u8);
    }

    /// A record for `len` words that a callback computes.
    pub fn callback(&mut self, site: usize, condition: u16, len: u8, callback: usize) {
        let address = CALLBACKS + (size_of::<Callback>() * callback) as u64;
        self.record(site, address, condition | CALLBACK, len, len);
    }

    /// A record for `len` words that become NOPs.
    pub fn nops(&mut self, site: usize, condition: u16, len: u8) {
        self.record(site, 0, condition | CALLBACK, len, 0);
    }

    pub fn record(&mut self, site: usize, to: u64, condition: u16, len: u8, new: u8) {
        let at = RECORDS + 12 * self.records.len() as u64;
        self.records.push(AlternativeRecord {
            site: (TEXT + 4 * site as u64).wrapping_sub(at) as i32,
            replacement: to.wrapping_sub(at + 4) as i32,
            condition: Condition::from_bits(condition),
            site_len: len,
            replacement_len: new,
        });
    }

    pub fn words(&self) -> Vec<u32> {
        let words = self.text.iter();
        words.map(|word| word.load(Ordering::Relaxed)).collect()
    }

    /// Calls `with` with the region of the raw tables.
    pub fn raw<T>(&self, with: impl FnOnce(&Region<'_>) -> T) -> T {
        let replacements: Vec<AtomicU32> = self
            .replacements
            .iter()
            .copied()
            .map(AtomicU32::new)
            .collect();
        with(&Region {
            text: Words::new(TEXT, &self.text).into(),
            branches: Table::new(BRANCHES, &self.branches),
            alternatives: Table::new(RECORDS, &self.records),
            replacements: Words::new(REPLACEMENTS, &replacements),
            callbacks: Table::new(CALLBACKS, &self.callbacks),
        })
    }

    /// The finished table, which may be larger than the raw ones.
    pub fn finish(&self) -> Written {
        match self.raw(|region| write(region, RECORDS, usize::MAX)) {
            Ok(Outcome::Finished(written)) => written,
            other => panic!("not finished: {other:?}"),
        }
    }

    /// Calls `with` with the region in which `table` is in the place of the records.
    pub fn finished<T>(&self, table: &[u32], with: impl FnOnce(&Region<'_>) -> T) -> T {
        let mut bytes: Vec<u8> = table.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.resize(bytes.len().next_multiple_of(12), 0xff);
        let records = bytes.as_chunks::<12>().0.iter();
        let records: Vec<AlternativeRecord> = records
            .map(|bytes| AlternativeRecord::from_le_bytes(*bytes))
            .collect();
        with(&Region {
            text: Words::new(TEXT, &self.text).into(),
            branches: Table::new(BRANCHES, &[]),
            alternatives: Table::new(RECORDS, &records),
            replacements: Words::new(REPLACEMENTS, &[]),
            callbacks: Table::new(CALLBACKS, &self.callbacks),
        })
    }
}

/// The writes of a pass, by offset: offset, word before, word after. And its report.
pub type Planned = (Vec<(u32, u32, u32)>, Report);

/// Plans a pass in which the cpucaps `decided` are decided, and `present` among them are present, after one that knew
/// `earlier`.
pub fn pass(
    region: &Region<'_>,
    decided: u32,
    present: u32,
    earlier: u32,
) -> Result<Planned, PlanError> {
    let (present, decided) = (set(present), set(decided));
    let decision = Decision {
        table: &TABLE,
        present: &present,
        decided: &decided,
    };
    let mut room = vec![MaybeUninit::uninit(); 4096];
    let plan = Plan::after(region, decision, &set(earlier), &mut room)?;
    let writes = plan.writes().iter();
    let mut writes: Vec<_> = writes
        .map(|write| (write.offset, write.before().0, write.after().0))
        .collect();
    writes.sort_unstable();
    Ok((writes, plan.report()))
}

/// Plans a first pass, which checks what waits.
pub fn first_pass(
    region: &Region<'_>,
    decided: u32,
    present: u32,
) -> Result<Vec<PlannedWrite>, PlanError> {
    let (present, decided) = (set(present), set(decided));
    let decision = Decision {
        table: &TABLE,
        present: &present,
        decided: &decided,
    };
    let mut room = vec![MaybeUninit::uninit(); 4096];
    let mut image = alt_runtime::Image::of_region(*region, &mut room);
    match image.plan_first_pass::<()>(decision) {
        Ok((_, plan)) => Ok(plan.writes().to_vec()),
        Err(alt_runtime::patch::PatchError::Plan(error)) => Err(error),
        Err(error) => panic!("{error:?}"),
    }
}

/// Writes the words of a pass.
pub fn apply(image: &Image, planned: &Planned) {
    for (offset, before, after) in &planned.0 {
        let word = &image.text[*offset as usize / 4];
        assert_eq!(word.swap(*after, Ordering::Relaxed), *before);
    }
}

/// For every state of the cpucaps, decided and present or absent, or undecided: the pass over the
/// finished table plans what the pass over the raw ones does. And for every state the final pass
/// after it.
pub fn compare(image: &Image) {
    let table = image.finish();
    let linked = image.words();
    // Of all cpucaps that a record tests.
    let conditions = image.branches.iter().map(|record| record.condition);
    let conditions = conditions.chain(image.records.iter().map(|record| record.condition));
    let all = (2 << conditions.map(|term| term.cap()).max().unwrap_or(0)) - 1;
    for decided in 0..=all {
        for present in (0..=all).filter(|present| present & !decided == 0) {
            let raw = image
                .raw(|region| pass(region, decided, present, 0))
                .unwrap();
            let finished = image.finished(&table.words, |region| pass(region, decided, present, 0));
            assert_eq!(
                finished.as_ref(),
                Ok(&raw),
                "decided {decided:b}, present {present:b}"
            );
            if decided == all {
                continue;
            }
            // The undecided cpucaps, decided one way or the other.
            for rest in [0, all & !decided] {
                apply(image, &raw);
                let present = present | rest;
                let last = image
                    .raw(|region| pass(region, all, present, decided))
                    .unwrap();
                let finished =
                    image.finished(&table.words, |region| pass(region, all, present, decided));
                assert_eq!(
                    finished,
                    Ok(last),
                    "decided {decided:b}, present {present:b} at last"
                );
                for (word, linked) in image.text.iter().zip(&linked) {
                    word.store(*linked, Ordering::Relaxed);
                }
            }
        }
    }
}
