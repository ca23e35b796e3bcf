//! A finished table made by hand, and a pass over it.

use core::mem::MaybeUninit;
use std::sync::atomic::AtomicU32;

use alt_runtime::finished::{BucketHeader, Digest, Header, Kind, RunHeader, Term};
use alt_runtime::patch::{Decision, PatchError, Plan, PlanError, Reason};
use alt_runtime::record::AlternativeRecord;
use alt_runtime::region::{Region, Table, Words};

use crate::alone::{BRANCH, BRANCHES, NOP, RECORDS, TABLE, TEXT, set};

/// `mov x0, #0`, `mov x0, #1`
pub const MOV: [u32; 2] = [0xd280_0000, 0xd280_0020];

/// The text as it is linked. Sites: words 1 and 3 of A, 5 and 8–9 of B, 12 of A and not B.
pub fn linked() -> Vec<u32> {
    let mut text = vec![NOP; 16];
    text[5] = MOV[0];
    text
}

/// The words that change: index and new word.
pub const OF_A: [(u32, u32); 2] = [(1, BRANCH), (3, BRANCH)];
pub const OF_B: [(u32, u32); 3] = [(5, MOV[1]), (8, MOV[0]), (9, MOV[1])];
pub const OF_A_NOT_B: [(u32, u32); 1] = [(12, BRANCH)];

/// The parts of a table, from which each test makes its own.
pub struct Parts {
    pub buckets: Vec<(BucketHeader, Vec<u32>)>,
    /// The terms after the first one of each bucket.
    pub terms: Vec<u32>,
    pub dictionary: Vec<u32>,
}

impl Parts {
    pub fn new() -> Self {
        let run = |kind: Kind, len, sites, value, start: u32| {
            let kind = kind as u8;
            RunHeader {
                kind,
                len,
                sites,
                value,
                start,
            }
            .to_words()
        };
        let bucket = |runs: Vec<u32>, sites, first, terms, term, text: &[u32]| {
            let header = BucketHeader {
                len: runs.len() as u32,
                sites,
                first,
                digest: Digest::EMPTY,
                text: Digest::EMPTY.with_all(text),
                terms,
                term: Term(term),
            };
            (header, runs)
        };
        // Offsets are from the lowest site, word 1.
        let set = [&run(Kind::Set, 1, 2, BRANCH, 0)[..], &[2 << 16]].concat();
        let xor = [&run(Kind::Xor, 1, 1, MOV[0] ^ MOV[1], 4)[..], &[0]].concat();
        // Two words of the dictionary, which begin with its second one.
        let copy = [&run(Kind::Copy, 2, 1, 2 << 24 | 1, 7)[..], &[0]].concat();
        let branch = [&run(Kind::Branch, 1, 1, 0, 11)[..], &[2 << 16]].concat();
        let old = [MOV[0], NOP, NOP];
        Self {
            buckets: vec![
                bucket(set, 2, 2, 1, 0, &[NOP; 2]),
                bucket([xor, copy].concat(), 2, 2, 1, 1, &old),
                bucket(branch, 1, 1, 2, 0, &[NOP]),
            ],
            terms: vec![(1 | Term::NOT).into()],
            dictionary: vec![NOP, MOV[0], MOV[1]],
        }
    }

    /// The words of the table, with its digests.
    pub fn seal(&self) -> Vec<u32> {
        let (mut directory, mut tables) = (Vec::new(), Vec::new());
        for (header, runs) in &self.buckets {
            let mut header = *header;
            header.digest = Digest::EMPTY.with_all(runs);
            directory.extend(header.to_words());
            tables.extend(runs);
        }
        directory.extend(&self.terms);
        let start = (Header::LEN + directory.len()) as u32;
        let dictionary = start + tables.len() as u32;
        let mut header = Header {
            len: dictionary + self.dictionary.len() as u32,
            base: (TEXT + 4).wrapping_sub(RECORDS + 4 * Header::BASE as u64) as i32,
            branches: 3,
            alternatives: 2,
            words: 6,
            buckets: self.buckets.len() as u32,
            tables: start,
            dictionary,
            dictionary_digest: Digest::EMPTY.with_all(&self.dictionary),
            digest: Digest::EMPTY,
        };
        let before = Digest::EMPTY.with_all(&header.to_words()[..Header::DIGEST]);
        header.digest = before.with_all(&directory);
        [
            &header.to_words()[..],
            &directory,
            &tables,
            &self.dictionary,
        ]
        .concat()
    }
}

/// The words that a pass changes: index and new word.
pub type Planned = Vec<(u32, u32)>;

/// The inputs of a pass. The cpucaps `decided` are known, and `present` are those that the CPU has. An earlier
/// pass has patched the sites of the cpucaps `earlier`.
pub struct Pass<'a> {
    pub table: &'a [u32],
    pub text: &'a [u32],
    pub decided: u32,
    pub present: u32,
    pub earlier: u32,
    pub room: usize,
}

impl<'a> Pass<'a> {
    /// The only pass, with cpucap A or B or both.
    pub fn new(table: &'a [u32], text: &'a [u32], present: u32) -> Self {
        Self {
            table,
            text,
            decided: 3,
            present,
            earlier: 0,
            room: 6,
        }
    }

    /// Plans it.
    pub fn plan(&self) -> Result<Planned, PlanError> {
        self.with(|region, decision, room| {
            let plan = Plan::after(region, decision, &set(self.earlier), room)?;
            Ok(planned(&plan))
        })
    }

    /// Plans it as the first one, which checks what waits.
    pub fn first(&self) -> Result<Planned, PatchError<()>> {
        self.with(|region, decision, room| {
            let mut image = alt_runtime::Image::of_region(*region, room);
            let (_, plan) = image.plan_first_pass::<()>(decision)?;
            Ok(planned(&plan))
        })
    }

    /// Why it is refused.
    pub fn refused(&self) -> Reason {
        self.plan().unwrap_err().reason
    }

    fn with<T>(
        &self,
        call: impl FnOnce(&Region<'_>, Decision<'_>, &mut [MaybeUninit<alt_runtime::PlannedWrite>]) -> T,
    ) -> T {
        let bytes = self.table.iter().flat_map(|word| word.to_le_bytes());
        let mut bytes: Vec<u8> = bytes.collect();
        bytes.resize(bytes.len().next_multiple_of(12), 0);
        let records = bytes.as_chunks::<12>().0.iter();
        let records: Vec<_> = records
            .map(|bytes| AlternativeRecord::from_le_bytes(*bytes))
            .collect();
        let text: Vec<_> = self.text.iter().copied().map(AtomicU32::new).collect();
        let region = Region {
            text: Words::new(TEXT, &text).into(),
            branches: Table::new(BRANCHES, &[]),
            alternatives: Table::new(RECORDS, &records),
            replacements: Words::new(TEXT + 0x3000, &[]),
            callbacks: Table::new(TEXT + 0x4000, &[]),
        };
        let (present, decided) = (set(self.present), set(self.decided));
        let decision = Decision {
            table: &TABLE,
            present: &present,
            decided: &decided,
        };
        let mut room = vec![MaybeUninit::uninit(); self.room];
        call(&region, decision, &mut room)
    }
}

fn planned(plan: &Plan<'_>) -> Planned {
    let writes = plan.writes().iter();
    writes
        .map(|write| (write.offset / 4, write.after().0))
        .collect()
}
