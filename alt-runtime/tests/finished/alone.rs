//! Raw tables and a finished one, in a kernel that reads both kinds, or only one of them.

use core::mem::MaybeUninit;
use std::sync::atomic::AtomicU32;

use alt_runtime::cap::{Cap, CapInfo, CapSet, CapTable};
use alt_runtime::finished::MAGIC;
use alt_runtime::patch::{Decision, Plan, PlanError, Reason};
use alt_runtime::record::{AlternativeRecord, BranchRecord, Condition};
use alt_runtime::region::{Region, Table, Words};

pub const TEXT: u64 = 0xffff_8000_0001_0000;
pub const BRANCHES: u64 = TEXT + 0x1000;
pub const RECORDS: u64 = TEXT + 0x2000;
pub const NOP: u32 = 0xd503_201f;
/// `b .+8`
pub const BRANCH: u32 = 0x1400_0002;
/// The site: the second word of the text.
const SITE: u64 = TEXT + 4;

const INFOS: [CapInfo; 2] = [
    CapInfo::new(Cap::new(0, true), "A"),
    CapInfo::new(Cap::new(1, true), "B"),
];
pub static TABLE: CapTable = alt_runtime::cap_table!(&INFOS);

/// The set of the cpucaps whose bits are 1.
pub fn set(bits: u32) -> CapSet {
    let caps = (0..2).filter(|cap| bits >> cap & 1 != 0);
    caps.map(|cap| Cap::new(cap, true)).collect()
}

/// What a pass plans with cpucap A: offset and new word.
fn pass(
    branches: &[BranchRecord],
    records: &[AlternativeRecord],
) -> Result<Vec<(u32, u32)>, PlanError> {
    let text = [NOP; 8].map(AtomicU32::new);
    let region = Region {
        text: Words::new(TEXT, &text).into(),
        branches: Table::new(BRANCHES, branches),
        alternatives: Table::new(RECORDS, records),
        replacements: Words::new(TEXT + 0x3000, &[]),
        callbacks: Table::new(TEXT + 0x4000, &[]),
    };
    let (present, decided) = (set(1), set(3));
    let decision = Decision {
        table: &TABLE,
        present: &present,
        decided: &decided,
    };
    let mut room = [MaybeUninit::uninit(); 8];
    let plan = Plan::new(&region, decision, &mut room)?;
    let writes = plan.writes().iter();
    Ok(writes
        .map(|write| (write.offset, write.after().0))
        .collect())
}

#[test]
fn raw_tables() {
    // Of `cpu_has_cap!(unlikely A)`.
    let branch = BranchRecord {
        site: SITE.wrapping_sub(BRANCHES) as i32,
        condition: Condition::from_bits(0),
        displacement: 2,
    };
    let planned = pass(&[branch], &[]);
    if cfg!(feature = "raw-tables") {
        assert_eq!(planned, Ok(vec![(4, BRANCH)]));
        return;
    }
    let record = AlternativeRecord {
        site: SITE.wrapping_sub(RECORDS) as i32,
        replacement: 0,
        condition: Condition::from_bits(0),
        site_len: 1,
        replacement_len: 1,
    };
    for planned in [planned, pass(&[], &[record])] {
        let error = planned.unwrap_err();
        assert_eq!((error.site, error.reason), (SITE, Reason::RawTable));
        assert!(error.reason.to_string().contains("`raw-tables`"));
    }
}

/// A finished table begins with a word that no record begins with, since sites are aligned.
#[test]
#[cfg(not(feature = "finished-tables"))]
fn finished_table() {
    let record = AlternativeRecord {
        site: MAGIC as i32,
        replacement: 0,
        condition: Condition::from_bits(0),
        site_len: 1,
        replacement_len: 1,
    };
    let error = pass(&[], &[record]).unwrap_err();
    let at = RECORDS.wrapping_add_signed(i64::from(MAGIC as i32));
    assert_eq!((error.site, error.reason), (at, Reason::MisalignedSite));
}

#[test]
fn no_table() {
    assert!(!MAGIC.is_multiple_of(4));
    assert_eq!(pass(&[], &[]), Ok(vec![]));
}
