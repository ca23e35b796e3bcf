//! The path of a boot with one site, from the ID registers to the patched word.

use core::convert::Infallible;
use core::mem::MaybeUninit;
use core::slice;
use core::sync::atomic::{AtomicU32, Ordering};

use alt_runtime::boot::{Detected, FinaliseError};
use alt_runtime::cap::{Cap, CapTable, DetectError, IdRegs};
use alt_runtime::record::{BranchRecord, Condition};
use alt_runtime::region::{Region, Table, Words};
use alt_runtime::{Image, Insn, PlannedWrite};

use crate::checks::cpucaps as all;
use crate::counter::count;
use flat_guest::{Alias, print};

/// As many cpucaps as `cpucaps.toml` had when these numbers were first taken.
mod cpucaps_73 {
    #![allow(dead_code, reason = "one is used")]
    alt_runtime::cpucaps!("cpucaps-73.toml");
}

/// The site, which is never executed, and the target of its branch.
static TEXT: [AtomicU32; 2] = [AtomicU32::new(Insn::NOP.0), AtomicU32::new(Insn::NOP.0)];

/// State that the steps pass on.
struct Boot<'a> {
    table: &'static CapTable,
    record: &'a BranchRecord,
    ids: IdRegs,
    detected: Option<Result<Detected, DetectError>>,
    failed: Option<FinaliseError<Infallible>>,
}

extern "C" fn read(boot: &mut Boot<'_>) {
    boot.ids = IdRegs::read();
}

extern "C" fn detect(boot: &mut Boot<'_>) {
    boot.detected = Some(Detected::new(boot.table, boot.ids));
}

/// The whole path, as in a kernel.
extern "C" fn boot(boot: &mut Boot<'_>) {
    let at = (&raw const *boot.record) as u64;
    let region = Region {
        text: Words::new((&raw const TEXT) as u64, &TEXT).into(),
        branches: Table::new(at, slice::from_ref(boot.record)),
        alternatives: Table::new(0, &[]),
        replacements: Words::new(0, &[]),
        callbacks: Table::new(0, &[]),
    };
    let mut room = [MaybeUninit::<PlannedWrite>::uninit(); 1];
    let mut image = Image::of_region(region, &mut room);
    let detected = match Detected::new(boot.table, IdRegs::read()) {
        Ok(detected) => detected,
        Err(why) => {
            boot.failed = Some(why.into());
            return;
        }
    };
    // SAFETY: the text is never executed, and only one CPU runs.
    match unsafe { detected.patch(&mut image, &mut Alias) } {
        Ok(_) => (),
        Err(why) => boot.failed = Some(why),
    }
}

/// Counts the path with both tables.
pub fn run() {
    path("73", &cpucaps_73::TABLE, cpucaps_73::LSE);
    path("113", &all::TABLE, all::LSE);
}

fn path(name: &str, table: &'static CapTable, lse: Cap) {
    let mut record = BranchRecord {
        site: 0,
        condition: Condition::from_bits(Condition::bits(lse, false, false, false)),
        displacement: 1,
    };
    record.site = ((&raw const TEXT) as i64 - (&raw const record) as i64) as i32;
    let mut state = Boot {
        table,
        record: &record,
        ids: IdRegs::new(),
        detected: None,
        failed: None,
    };
    TEXT[0].store(Insn::NOP.0, Ordering::Relaxed);
    let [all, read, detect] = [boot, read, detect].map(|step| count(step, &mut state));
    if let Some(why) = state.failed {
        panic!("{why}");
    }
    let has_lse = matches!(&state.detected, Some(Ok(done)) if done.caps().contains(lse));
    let is_patched = TEXT[0].load(Ordering::Relaxed) != Insn::NOP.0;
    assert_eq!(has_lse, is_patched, "the site is not as the CPU is");
    for (step, count) in [("all", all), ("read", read), ("detect", detect)] {
        print(format_args!("boot {step} | {name} {count}"));
    }
}
