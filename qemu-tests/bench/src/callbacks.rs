//! The cost of a site with a callback in a plan.

use core::mem::MaybeUninit;
use core::slice;
use core::sync::atomic::AtomicU32;

use alt_runtime::cap::CapSet;
use alt_runtime::patch::{Decision, Plan};
use alt_runtime::record::{AlternativeRecord, Condition};
use alt_runtime::region::{Region, Table, Words};
use alt_runtime::{Insn, PlannedWrite, Site};

use crate::case::BENCH_CALLBACK;
use crate::checks::cpucaps::{ALWAYS_SYSTEM, TABLE};
use crate::counter::count;
use flat_guest::print;

const LEN: usize = 5;
/// `and x3, x5, #1` and NOPs.
const SITE: [u32; LEN] = [0x9240_00a3, NOP, NOP, NOP, NOP];
const NOP: u32 = Insn::NOP.0;

/// Two sites, which are never executed.
static TEXT: [[AtomicU32; LEN]; 2] = [const {
    [
        AtomicU32::new(SITE[0]),
        AtomicU32::new(NOP),
        AtomicU32::new(NOP),
        AtomicU32::new(NOP),
        AtomicU32::new(NOP),
    ]
}; 2];

struct Sites<'a> {
    records: &'a [AlternativeRecord],
    present: CapSet,
    planned: usize,
}

extern "C" fn plan(sites: &mut Sites<'_>) {
    let region = Region {
        text: Words::new((&raw const TEXT) as u64, TEXT.as_flattened()).into(),
        branches: Table::new(0, &[]),
        alternatives: Table::new(sites.records.as_ptr() as u64, sites.records),
        replacements: Words::new(0, &[]),
        callbacks: Table::new(
            &raw const BENCH_CALLBACK as u64,
            slice::from_ref(&BENCH_CALLBACK),
        ),
    };
    let decision = Decision {
        table: &TABLE,
        present: &sites.present,
        decided: &CapSet::ALL,
    };
    let mut room = [MaybeUninit::<PlannedWrite>::uninit(); 2 * LEN];
    match Plan::new(&region, decision, &mut room) {
        Ok(plan) => sites.planned = plan.writes().len(),
        Err(why) => panic!("{why}"),
    }
}

/// The words of a site, and those that the callback computes.
struct Computed {
    now: [Insn; LEN],
    new: [Insn; LEN],
}

extern "C" fn compute(words: &mut Computed) {
    let site = Site::new(0, &words.now);
    if BENCH_CALLBACK.call(&site, &mut words.new).is_err() {
        panic!("the callback failed");
    }
}

/// Counts the second of two sites, and the callback alone.
pub fn run() {
    let condition = Condition::from_bits(Condition::bits(ALWAYS_SYSTEM, false, false, true));
    let mut records = [AlternativeRecord {
        site: 0,
        replacement: 0,
        condition,
        site_len: LEN as u8,
        replacement_len: LEN as u8,
    }; 2];
    for index in 0..records.len() {
        let site = (&raw const TEXT[index]) as i64 - (&raw const records[index].site) as i64;
        let callback =
            (&raw const BENCH_CALLBACK) as i64 - (&raw const records[index].replacement) as i64;
        (records[index].site, records[index].replacement) = (site as i32, callback as i32);
    }
    let planned = |records| {
        let present = [ALWAYS_SYSTEM].into_iter().collect();
        let mut sites = Sites {
            records,
            present,
            planned: 0,
        };
        let instructions = count(plan, &mut sites);
        (instructions, sites.planned)
    };
    let (one, two) = (planned(&records[..1]), planned(&records));
    assert_eq!((one.1, two.1), (LEN, 2 * LEN), "not all words are planned");
    let now = SITE.map(Insn);
    let mut words = Computed { now, new: now };
    let alone = count(compute, &mut words);
    print(format_args!("callback in a plan | all {}", two.0 - one.0));
    print(format_args!("callback alone | all {alone}"));
}
