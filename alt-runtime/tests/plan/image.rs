//! A small image made by hand: text, replacements and tables at chosen addresses.

use core::mem::MaybeUninit;
use core::sync::atomic::AtomicU32;

use alt_runtime::cap::{Cap, CapInfo, CapSet, CapTable};
use alt_runtime::insn::Insn;
use alt_runtime::patch::{Census, Decision, Plan, PlanError, Reason, Report, check};
use alt_runtime::record::{AlternativeRecord, BranchRecord, Condition};
use alt_runtime::region::{Region, Table};
use alt_runtime::{Callback, PlannedWrite};

use crate::memory::words;

/// Where the text runs: high, as in a kernel.
pub const TEXT: u64 = 0xffff_8000_0001_0000;
/// Where the tables and replacements are linked.
pub const BRANCHES: u64 = TEXT + 0x10_0000;
pub const RECORDS: u64 = TEXT + 0x20_0000;
pub const REPLACEMENTS: u64 = TEXT + 0x30_0000;
pub const CALLBACKS: u64 = TEXT + 0x40_0000;

pub const A: Cap = Cap::new(0, true);
pub const B: Cap = Cap::new(1, true);
pub const C: Cap = Cap::new(2, true);

const INFOS: [CapInfo; 3] = [
    CapInfo::new(A, "A"),
    CapInfo::new(B, "B"),
    CapInfo::new(C, "C"),
];
pub static CAPS: CapTable = alt_runtime::cap_table!(&INFOS);

// Bits of a condition word, as the record format states them.
pub const AND: u16 = 1 << 13;
pub const NOT: u16 = 1 << 14;
pub const LIKELY: u16 = 1 << 15;
pub const CALLBACK: u16 = 1 << 15;

pub const NOP: u32 = 0xd503_201f;

/// Address, word before, word after.
pub type Change = (u64, u32, u32);

/// The same words, as memory that may change.
pub fn atomic(words: &[u32]) -> Vec<AtomicU32> {
    words.iter().copied().map(AtomicU32::new).collect()
}

/// What a write changes.
pub fn change(write: &PlannedWrite) -> Change {
    let address = TEXT + u64::from(write.offset);
    (address, write.before().0, write.after().0)
}

/// Text of 64 NOPs to begin with, and what the test adds.
pub struct Image {
    pub text: Vec<u32>,
    pub replacements: Vec<u32>,
    pub branches: Vec<BranchRecord>,
    pub records: Vec<AlternativeRecord>,
    pub callbacks: Vec<Callback>,
    pub room: usize,
}

impl Image {
    pub fn new() -> Self {
        let (text, replacements) = (vec![NOP; 64], Vec::new());
        Self {
            text,
            replacements,
            branches: Vec::new(),
            records: Vec::new(),
            callbacks: Vec::new(),
            room: 64,
        }
    }

    /// A record for a branch at `site`, `words` instructions far.
    pub fn branch(&mut self, site: u64, condition: u16, words: i16) -> &mut Self {
        let at = BRANCHES + 8 * self.branches.len() as u64;
        self.branches.push(BranchRecord {
            site: site.wrapping_sub(at) as i32,
            condition: Condition::from_bits(condition),
            displacement: words,
        });
        self
    }

    /// A record for an alternative of `len` instructions at `site`, replaced by
    /// `words`.
    pub fn alternative(&mut self, site: u64, condition: u16, len: u8, words: &[u32]) -> &mut Self {
        let replacement = REPLACEMENTS + 4 * self.replacements.len() as u64;
        self.replacements.extend(words);
        self.record(site, replacement, condition, len, words.len() as u8)
    }

    /// A record with a replacement of any address and length.
    pub fn record(
        &mut self,
        site: u64,
        replacement: u64,
        condition: u16,
        len: u8,
        new: u8,
    ) -> &mut Self {
        let at = RECORDS + 12 * self.records.len() as u64;
        self.records.push(AlternativeRecord {
            site: site.wrapping_sub(at) as i32,
            replacement: replacement.wrapping_sub(at + 4) as i32,
            condition: Condition::from_bits(condition),
            site_len: len,
            replacement_len: new,
        });
        self
    }

    /// A record for a site of `len` instructions that `callback` fills.
    pub fn callback(
        &mut self,
        site: u64,
        condition: u16,
        len: u8,
        callback: Callback,
    ) -> &mut Self {
        let address = CALLBACKS + 24 * self.callbacks.len() as u64;
        self.callbacks.push(callback);
        self.record(site, address, condition | CALLBACK, len, len)
    }

    /// A record for a site of `len` instructions that becomes NOPs.
    pub fn nops(&mut self, site: u64, condition: u16, len: u8) -> &mut Self {
        self.record(site, 0, condition | CALLBACK, len, 0);
        if let Some(record) = self.records.last_mut() {
            record.replacement = 0;
        }
        self
    }

    pub fn region(&self) -> Region<'_> {
        Region {
            text: words(TEXT, &self.text).into(),
            branches: Table::new(BRANCHES, &self.branches),
            alternatives: Table::new(RECORDS, &self.records),
            replacements: words(REPLACEMENTS, &self.replacements),
            callbacks: Table::new(CALLBACKS, &self.callbacks),
        }
    }

    /// The writes that `present` asks for, and the report.
    pub fn plan(&self, present: &[Cap]) -> Result<(Vec<Change>, Report), PlanError> {
        self.plan_pass(present, &[A, B, C])
    }

    /// The same in a pass that knows only of `decided`.
    pub fn plan_pass(
        &self,
        present: &[Cap],
        decided: &[Cap],
    ) -> Result<(Vec<Change>, Report), PlanError> {
        let (present, decided) = (set(present), set(decided));
        let decision = Decision {
            table: &CAPS,
            present: &present,
            decided: &decided,
        };
        let mut room = vec![MaybeUninit::<PlannedWrite>::uninit(); self.room];
        let plan = Plan::new(&self.region(), decision, &mut room);
        let result = plan.map(|plan| {
            let writes: Vec<_> = plan.writes().iter().map(change).collect();
            (writes, plan.report())
        });
        self.assert_the_same_in_the_midst(decision, &result);
        result
    }

    /// The last record of a table is looked at closely, and so are those that share its site.
    /// The same with one more record after them in each table. The result must be equal, except for sites
    /// after the text.
    fn assert_the_same_in_the_midst(
        &self,
        decision: Decision<'_>,
        result: &Result<(Vec<Change>, Report), PlanError>,
    ) {
        const BEHIND: u64 = TEXT + 0x7000_0000;
        let mut longer = Self {
            text: self.text.clone(),
            replacements: self.replacements.clone(),
            branches: self.branches.clone(),
            records: self.records.clone(),
            callbacks: self.callbacks.clone(),
            room: self.room,
        };
        longer.branch(BEHIND, 0, 1);
        longer.record(BEHIND + 4, REPLACEMENTS, 0, 1, 1);
        let none = PlannedWrite::new(0, Insn(0), Insn(0));
        let mut room = vec![MaybeUninit::new(none); self.room];
        let error = Plan::new(&longer.region(), decision, &mut room).unwrap_err();
        match result {
            Err(expected) => {
                let mut error = error;
                if let Reason::PlanTooSmall { needed, .. } = &mut error.reason {
                    // Those of the further records.
                    *needed -= 2;
                }
                assert_eq!(error, *expected, "in the midst");
            }
            Ok((writes, _)) => {
                let outside = Reason::SiteOutsideText {
                    len: 1,
                    start: TEXT,
                    end: TEXT + 4 * longer.text.len() as u64,
                };
                assert_eq!((error.site, error.reason), (BEHIND, outside));
                // SAFETY: all have been initialised.
                let planned = room
                    .iter()
                    .map(|write| change(unsafe { write.assume_init_ref() }));
                let planned: Vec<_> = planned.take(writes.len()).collect();
                assert_eq!(planned, *writes, "in the midst");
            }
        }
    }

    /// The check of all arms.
    pub fn check(&self) -> Result<(), PlanError> {
        check(&self.region(), &CAPS).map(|_| ())
    }

    /// The text after patching.
    pub fn patched(&self, caps: &[Cap]) -> Result<Vec<u32>, PlanError> {
        let mut text = self.text.clone();
        for (address, old, new) in self.plan(caps)?.0 {
            let word = &mut text[((address - TEXT) / 4) as usize];
            assert_eq!(*word, old, "the plan knows the old word");
            *word = new;
        }
        Ok(text)
    }

    pub fn census(&self, present: &[Cap]) -> Result<Census, PlanError> {
        let (present, decided) = (set(present), set(&[A, B, C]));
        let decision = Decision {
            table: &CAPS,
            present: &present,
            decided: &decided,
        };
        let mut census = Census::EMPTY;
        census.count(&self.region(), decision, 0..u64::MAX)?;
        Ok(census)
    }
}

pub fn set(caps: &[Cap]) -> CapSet {
    caps.iter().copied().collect()
}
