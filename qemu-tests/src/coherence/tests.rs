//! The plugin in QEMU against guests of a few words: MMU off, one CPU.
//!
//! The words are those of LLVM's assembler for the text beside them.

use super::*;
use crate::{Launch, Machine, Qemu, WatchedRun, skip};
use test_support::TinyElf;

const TEXT: u64 = TinyElf::TEXT;

/// Calls the routine, and prepares to overwrite its first word by `mov w0, #2`.
const BEFORE: &[u32] = &[
    0xb500_0234, // cbnz x20, AFTER
    0xd2a8_0403, // mov x3, #0x40200000
    0x9106_4065, // add x5, x3, #0x190
    0x5280_0804, // mov w4, #0x40
    0x72aa_5004, // movk w4, #0x5280, lsl #16
    0xd63f_00a0, // blr x5
    0xd518_c003, // msr vbar_el1, x3
    0xd500_40bf, // msr spsel, #0
];

/// Writes the word and makes it visible.
const PATCH: [u32; 8] = [
    0xb900_00a4, // str w4, [x5]
    0xd50b_7b25, // dc cvau, x5
    0xd503_3b9f, // dsb ish
    0xd50b_7525, // ic ivau, x5
    0xd503_3b9f, // dsb ish
    0xd503_3fdf, // isb
    NOP,
    0xd280_0034, // mov x20, #1
];
const STORE: usize = 0;
const CLEAN: usize = 1;
const FIRST_DSB: usize = 2;
const INVALIDATE: usize = 3;
const SECOND_DSB: usize = 4;
const ISB: usize = 5;

/// Calls the routine again and switches off.
const AFTER: &[u32] = &[
    NOP,
    0xd63f_00a0, // blr x5
    0x52b0_8000, // mov w0, #0x84000000
    0x7280_0100, // movk w0, #8
    0xd400_0002, // hvc #0
];

/// At [`ROUTINE_AT`], at which no exception arrives.
const ROUTINE: &[u32] = &[
    0x5280_0020, // mov w0, #1
    0xd65f_03c0, // ret
];

const ROUTINE_AT: u64 = TEXT + 0x190;

const NOP: u32 = 0xd503_201f;
/// Takes an exception to the vector base, which is the entry.
const UDF: u32 = 0;
const PATCH_AT: u64 = TEXT + 4 * BEFORE.len() as u64;

fn guest(patch: [u32; 8], after: &[u32]) -> TinyElf {
    let mut words = [BEFORE, &patch, after].concat();
    words.resize(0x190 / 4, NOP);
    words.extend(ROUTINE);
    TinyElf::new(&words)
}

/// Runs the guest on a CPU; `None` without a QEMU that can load the plugin.
fn watch(test: &str, cpu: &str, patch: [u32; 8], after: &[u32]) -> Option<WatchedRun> {
    let qemu = match Qemu::find() {
        Ok(qemu) => qemu,
        Err(error) => {
            skip::because(&format!("{test}: {error}"));
            return None;
        }
    };
    if let Err(error @ crate::Error::NoPlugin { .. }) = Plugin::find(&qemu) {
        skip::because(&format!("{test}: {error}"));
        return None;
    }
    let (_directory, path) = guest(patch, after).write();
    let image = Image::open(&path).unwrap();
    let coherence = Coherence::new()
        .count_within("patch", PATCH_AT..PATCH_AT + 4 * 6)
        .count_between("second call", PATCH_AT + 4 * 9, PATCH_AT + 4 * 10);
    let launch = Launch::new(&image, Machine::new(cpu)).watched_by(coherence);
    Some(launch.run(&qemu).unwrap())
}

fn with(changes: &[(usize, u32)]) -> [u32; 8] {
    let mut patch = PATCH;
    for (index, word) in changes {
        patch[*index] = *word;
    }
    patch
}

/// The missing step for the second call.
fn missing(run: &WatchedRun) -> Vec<Missing> {
    let violations = run.seen.violations.iter();
    violations.map(|violation| violation.missing).collect()
}

#[test]
fn whole_sequence_is_clean_and_counted() {
    let test = "whole_sequence_is_clean_and_counted";
    let Some(run) = watch(test, "cortex-a76", PATCH, AFTER) else {
        return;
    };
    assert_eq!(run.seen.violations, []);
    assert_eq!((run.seen.stores, run.seen.executions), (1, 1));
    assert_eq!(run.seen.untranslated, 0);
    let patch = &run.seen.regions["patch"];
    assert_eq!(patch.instructions, 6);
    assert_eq!((patch.cleans(), patch.invalidations()), (1, 1));
    assert_eq!((patch.dsbs(), patch.isbs()), (2, 1));
    // blr, mov, ret; without what follows.
    assert_eq!(run.seen.regions["second call"].instructions, 3);
    assert_eq!(run.seen.cpus.len(), 1);
    assert_eq!(run.seen.cpus[0][&OpKind::Vbar], 1);
    assert_eq!(run.seen.cpus[0][&OpKind::Exception], 1);
}

#[test]
fn each_missing_step_is_named() {
    for (index, expected) in [
        (CLEAN, Missing::Clean),
        (FIRST_DSB, Missing::BarrierAfterClean),
        (INVALIDATE, Missing::Invalidate),
        (SECOND_DSB, Missing::BarrierAfterInvalidate),
        (ISB, Missing::Synchronise),
    ] {
        let test = "each_missing_step_is_named";
        let Some(run) = watch(test, "cortex-a76", with(&[(index, NOP)]), AFTER) else {
            return;
        };
        assert_eq!(missing(&run), [expected]);
        let found = &run.seen.violations[0];
        assert_eq!((found.when, found.cpu), (When::Executed, 0));
        assert_eq!(
            (found.pc, found.word, found.stored_at),
            (ROUTINE_AT, ROUTINE_AT, ROUTINE_AT)
        );
    }
}

#[test]
fn wrong_order_and_wrong_line_are_named() {
    let test = "wrong_order_and_wrong_line_are_named";
    // The other line is that of the entry, at x3.
    for (changes, expected) in [
        (
            [(CLEAN, PATCH[INVALIDATE]), (INVALIDATE, PATCH[CLEAN])],
            Missing::InvalidateAfterClean,
        ),
        ([(CLEAN, 0xd50b_7b23), (CLEAN, 0xd50b_7b23)], Missing::Clean),
        (
            [(INVALIDATE, 0xd50b_7523), (INVALIDATE, 0xd50b_7523)],
            Missing::Invalidate,
        ),
    ] {
        let Some(run) = watch(test, "cortex-a76", with(&changes), AFTER) else {
            return;
        };
        assert_eq!(missing(&run), [expected]);
    }
}

/// Only CPUs whose CTR_EL0 permits it may leave out the steps.
#[test]
fn caches_are_the_cpus() {
    let test = "caches_are_the_cpus";
    let barrier_only = with(&[(CLEAN, NOP), (INVALIDATE, NOP), (SECOND_DSB, NOP)]);
    let Some(run) = watch(test, "neoverse-n2", barrier_only, AFTER) else {
        return;
    };
    assert_eq!(missing(&run), []);
    let Some(run) = watch(test, "cortex-a710", barrier_only, AFTER) else {
        return;
    };
    assert_eq!(missing(&run), [Missing::Invalidate]);
}

/// An exception is a context synchronisation event; a branch to the same place is not.
#[test]
fn exception_stands_for_an_isb() {
    let test = "exception_stands_for_an_isb";
    for (first, expected) in [(UDF, vec![]), (NOP, vec![Missing::Synchronise])] {
        let after = [&[first], &AFTER[1..]].concat();
        let Some(run) = watch(test, "cortex-a76", with(&[(ISB, NOP)]), &after) else {
            return;
        };
        assert_eq!(missing(&run), expected);
    }
}

/// Nothing was ever accessed there, so the plugin does not know its physical address.
#[test]
fn unknown_address_is_counted() {
    let test = "unknown_address_is_counted";
    let clean_elsewhere = [
        (STORE, 0xd2a8_0606), // mov x6, #0x40300000
        (CLEAN, 0xd50b_7b26), // dc cvau, x6
    ];
    if let Some(run) = watch(test, "cortex-a76", with(&clean_elsewhere), AFTER) {
        assert_eq!((run.seen.untranslated, run.seen.stores), (1, 0));
        assert_eq!(run.seen.violations, []);
    }
}
