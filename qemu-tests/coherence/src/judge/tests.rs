//! The sequence, complete and with each step left out or wrong. The expectations are derived by
//! hand from Arm ARM B2.4.4.

use super::*;

const TEXT: Address = Address(0x4020_0000);
const ALIAS: Address = Address(0x80_4020_0000);
const WORD_AT: u64 = 0x4020_0000;
const A53: u64 = 0x8444_8004;
const A76: u64 = 0x8444_c004;
const A710: u64 = 0x9444_c004;
const V1: u64 = 0xb444_c004;

/// Operations of CPU 0 on the word, then of CPU 1.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    Store,
    Clean,
    CleanToCoherency,
    Dsb,
    DsbStores,
    Invalidate,
    InvalidateAlias,
    InvalidateLocal,
    InvalidateAll,
    Isb,
    /// On CPU 1.
    IsbThere,
    InvalidateLocalThere,
    InvalidateAllThere,
    DsbThere,
    DsbLocalThere,
    DsbStoresThere,
    TurnOnThere,
}
use Step::*;

const WHOLE: [Step; 7] = [Store, Clean, Dsb, Invalidate, Dsb, Isb, IsbThere];

fn judge(ctr: u64, steps: &[Step]) -> Judge {
    let mut judge = Judge::new(2, Cache::new(ctr));
    for step in steps {
        match step {
            Store => judge.store(0, ALIAS, WORD_AT, 4, true),
            Clean => judge.clean(0, WORD_AT, false),
            CleanToCoherency => judge.clean(0, WORD_AT, true),
            Dsb => judge.barrier(0, true),
            DsbStores => judge.barrier(0, false),
            Invalidate => judge.invalidate(0, TEXT, WORD_AT),
            InvalidateAlias => judge.invalidate(0, ALIAS, WORD_AT),
            InvalidateLocal => judge.invalidate_all(0, false),
            InvalidateAll => judge.invalidate_all(0, true),
            Isb => judge.synchronise(0),
            IsbThere => judge.synchronise(1),
            InvalidateLocalThere => judge.invalidate_all(1, false),
            InvalidateAllThere => judge.invalidate_all(1, true),
            DsbThere => judge.barrier(1, true),
            DsbLocalThere => judge.barrier_local(1),
            DsbStoresThere => judge.barrier(1, false),
            TurnOnThere => judge.turn_on(1),
        }
    }
    judge
}

/// The missing step for CPU 0 and for CPU 1.
fn missing(ctr: u64, steps: &[Step]) -> [Option<Missing>; 2] {
    let judge = judge(ctr, steps);
    [0, 1].map(|cpu| {
        let found = judge.execute(cpu, TEXT, WORD_AT);
        found.map(|violation| violation.missing)
    })
}

fn without(index: usize) -> Vec<Step> {
    let mut steps = WHOLE.to_vec();
    steps.remove(index);
    steps
}

#[test]
fn whole_sequence_is_clean_on_all_caches() {
    for ctr in [A53, A76, A710, V1] {
        assert_eq!(missing(ctr, &WHOLE), [None; 2], "{ctr:#x}");
    }
}

#[test]
fn each_step_is_missed() {
    for ctr in [A53, A76] {
        let both = |missing| [Some(missing); 2];
        assert_eq!(missing(ctr, &without(1)), both(Missing::Clean));
        assert_eq!(missing(ctr, &without(2)), both(Missing::BarrierAfterClean));
        assert_eq!(missing(ctr, &without(3)), both(Missing::Invalidate));
        assert_eq!(
            missing(ctr, &without(4)),
            both(Missing::BarrierAfterInvalidate)
        );
        assert_eq!(
            missing(ctr, &without(5)),
            [Some(Missing::Synchronise), None]
        );
        assert_eq!(
            missing(ctr, &without(6)),
            [None, Some(Missing::Synchronise)]
        );
    }
}

#[test]
fn order_counts() {
    let early = [Store, Invalidate, Dsb, Clean, Dsb, Isb, IsbThere];
    assert_eq!(
        missing(A76, &early),
        [Some(Missing::InvalidateAfterClean); 2]
    );
    let no_barrier = [Store, Clean, Invalidate, Dsb, Dsb, Isb, IsbThere];
    assert_eq!(
        missing(A76, &no_barrier),
        [Some(Missing::BarrierAfterClean); 2]
    );
    let isb_too_early = [Store, Clean, Dsb, Invalidate, Isb, IsbThere, Dsb];
    assert_eq!(
        missing(A76, &isb_too_early),
        [Some(Missing::Synchronise); 2]
    );
    // A second store invalidates all earlier steps.
    let again = [&WHOLE[..], &[Store]].concat();
    assert_eq!(missing(A76, &again), [Some(Missing::Clean); 2]);
    // Barriers of later work are no reason for another ISB.
    let later = [&WHOLE[..], &[Dsb, Dsb]].concat();
    assert_eq!(missing(A76, &later), [None; 2]);
}

#[test]
fn caches_say_what_may_be_left_out() {
    let no_clean = [Store, DsbStores, Invalidate, Dsb, Isb, IsbThere];
    assert_eq!(missing(A710, &no_clean), [None; 2]);
    assert_eq!(missing(A76, &no_clean), [Some(Missing::Clean); 2]);
    let nothing = [Store, DsbStores, Isb, IsbThere];
    assert_eq!(missing(V1, &nothing), [None; 2]);
    assert_eq!(missing(A710, &nothing), [Some(Missing::Invalidate); 2]);
    assert_eq!(
        missing(V1, &[Store, Isb, IsbThere]),
        [Some(Missing::BarrierAfterClean); 2]
    );
    let early = [Store, Invalidate, Dsb, Isb, IsbThere];
    assert_eq!(missing(A710, &early), [Some(Missing::BarrierAfterClean); 2]);
}

/// A barrier for stores completes no maintenance.
#[test]
fn barrier_for_stores_is_not_enough() {
    let first = [Store, Clean, DsbStores, Invalidate, Dsb, Isb, IsbThere];
    assert_eq!(missing(A76, &first), [Some(Missing::BarrierAfterClean); 2]);
    let second = [Store, Clean, Dsb, Invalidate, DsbStores, Isb, IsbThere];
    assert_eq!(
        missing(A76, &second),
        [Some(Missing::BarrierAfterInvalidate); 2]
    );
}

/// An IC by the alias affects lines fetched by the text's address only in a physically indexed
/// cache.
#[test]
fn alias_is_told_from_text() {
    let alias = [Store, Clean, Dsb, InvalidateAlias, Dsb, Isb, IsbThere];
    assert_eq!(missing(A76, &alias), [None; 2]);
    assert_eq!(
        missing(A53, &alias),
        [Some(Missing::InvalidateByAddress); 2]
    );
    let both = [
        Store,
        Clean,
        Dsb,
        InvalidateAlias,
        Invalidate,
        Dsb,
        Isb,
        IsbThere,
    ];
    assert_eq!(missing(A53, &both), [None; 2]);
    let all = [
        Store,
        Clean,
        Dsb,
        InvalidateAlias,
        InvalidateAll,
        Dsb,
        Isb,
        IsbThere,
    ];
    assert_eq!(missing(A53, &all), [None; 2]);
    let found = judge(A53, &alias).execute(1, TEXT, WORD_AT).unwrap();
    assert_eq!((found.stored_at, found.pc), (ALIAS, TEXT.0));
}

#[test]
fn local_invalidation_is_not_for_others() {
    let local = [Store, Clean, Dsb, InvalidateLocal, Dsb, Isb, IsbThere];
    assert_eq!(
        missing(A76, &local),
        [None, Some(Missing::InvalidateEverywhere)]
    );
    let repaired = [&local[..], &[InvalidateAll, Dsb, Isb, IsbThere]].concat();
    assert_eq!(missing(A76, &repaired), [None; 2]);
}

/// Who executes the word may empty its own instruction cache, once the word has been cleaned.
#[test]
fn a_cpu_may_invalidate_for_itself() {
    let own = [InvalidateLocalThere, DsbLocalThere, IsbThere];
    let cleaned = [Store, Clean, Dsb];
    let after = |steps: &[Step]| missing(A76, &[&cleaned, steps].concat())[1];
    assert_eq!(after(&own), None);
    assert_eq!(after(&[InvalidateLocalThere, DsbThere, IsbThere]), None);
    // Each step of it is needed.
    assert_eq!(after(&own[1..]), Some(Missing::Invalidate));
    assert_eq!(after(&[own[0], own[2]]), Some(Missing::Invalidate));
    assert_eq!(after(&own[..2]), Some(Missing::Invalidate));
    let for_stores = [InvalidateLocalThere, DsbStoresThere, IsbThere];
    assert_eq!(after(&for_stores), Some(Missing::Invalidate));
    // Not for CPU 0, unless it is for all, and completed for all.
    assert_eq!(
        missing(A76, &[&cleaned[..], &own, &[Isb]].concat())[0],
        Some(Missing::Invalidate)
    );
    for (barrier, expected) in [
        (DsbThere, [None; 2]),
        (DsbLocalThere, [Some(Missing::Invalidate), None]),
    ] {
        let all = [InvalidateAllThere, barrier, Isb, IsbThere];
        assert_eq!(missing(A76, &[&cleaned[..], &all].concat()), expected);
    }
    // Before the clean is complete, the old word comes back.
    let early = [
        Store,
        Clean,
        InvalidateLocalThere,
        DsbLocalThere,
        IsbThere,
        Dsb,
    ];
    assert_eq!(missing(A76, &early)[1], Some(Missing::Invalidate));
    let uncleaned = [&[Store, Dsb][..], &own].concat();
    assert_eq!(missing(A76, &uncleaned)[1], Some(Missing::Clean));
}

/// An invalidation of all finds what one by another address has not.
#[test]
fn all_is_more_than_one_address() {
    let alias = [Store, Clean, Dsb, InvalidateAlias, Dsb, Isb, IsbThere];
    let all = [&alias[..], &[InvalidateAll, Dsb, Isb, IsbThere]].concat();
    assert_eq!(missing(A53, &all), [None; 2]);
    let no_isb = [&alias[..], &[InvalidateAll, Dsb, Isb]].concat();
    let expected = [None, Some(Missing::InvalidateByAddress)];
    assert_eq!(missing(A53, &no_isb), expected);
}

/// With the MMU off a CPU fetches what is at the point of coherency, and may keep it.
#[test]
fn a_cpu_that_starts_invalidates_with_its_mmu_on() {
    let started = [&WHOLE[..], &[TurnOnThere, IsbThere]].concat();
    let stale = [None, Some(Missing::InvalidateAfterStart)];
    for ctr in [A53, A76, A710] {
        assert_eq!(missing(ctr, &started), stale, "{ctr:#x}");
    }
    assert_eq!(missing(V1, &started), [None; 2]);
    let own = [InvalidateLocalThere, DsbLocalThere, IsbThere];
    let after = [&started[..], &own].concat();
    assert_eq!(missing(A76, &after), [None; 2]);
    let before = [&WHOLE[..], &own, &[TurnOnThere, IsbThere]].concat();
    assert_eq!(missing(A76, &before), stale);
    // What was stored later, or cleaned so far, is as with any other CPU.
    let later = [&[TurnOnThere][..], &WHOLE].concat();
    assert_eq!(missing(A76, &later), [None; 2]);
    let mut coherent = started;
    coherent[1] = CleanToCoherency;
    assert_eq!(missing(A76, &coherent), [None; 2]);
}

/// Lines are those of the caches: 16 words here, 64 on a CPU with lines of 256 bytes.
#[test]
fn lines_have_the_size_of_the_caches() {
    for (ctr, line) in [(A76, 64), (0x8666_8006, 256)] {
        let mut judge = Judge::new(1, Cache::new(ctr));
        for word in [WORD_AT, WORD_AT + line - 4, WORD_AT + line] {
            judge.store(0, TEXT, word, 4, false);
        }
        judge.clean(0, WORD_AT + 8, false);
        judge.barrier(0, true);
        judge.invalidate(0, TEXT, WORD_AT + 16);
        judge.barrier(0, true);
        judge.synchronise(0);
        assert_eq!(judge.execute(0, TEXT, WORD_AT), None);
        assert_eq!(judge.execute(0, TEXT, WORD_AT + line - 4), None);
        let next = judge.execute(0, TEXT, WORD_AT + line).unwrap();
        assert_eq!((next.missing, next.word), (Missing::Clean, WORD_AT + line));
    }
}

/// Maintenance by a CPU that has not stored the word: it may not have seen the store.
#[test]
fn maintenance_is_the_storing_cpus() {
    let mut judge = judge(A76, &[Store]);
    judge.clean(1, WORD_AT, false);
    judge.barrier(1, true);
    judge.invalidate(1, TEXT, WORD_AT);
    judge.barrier(1, true);
    judge.synchronise(1);
    let found = judge.execute(1, TEXT, WORD_AT).unwrap();
    assert_eq!(
        (found.missing, found.stored_by, found.cpu),
        (Missing::Clean, 0, 1)
    );
}

#[test]
fn a_store_touches_all_its_words_and_no_other() {
    let mut judge = Judge::new(1, Cache::new(A76));
    judge.store(0, Address(ALIAS.0 + 2), WORD_AT + 2, 8, false);
    let written: Vec<_> = (0..5).map(|n| judge.is_written(WORD_AT + 4 * n)).collect();
    assert_eq!(written, [true, true, true, false, false]);
    assert!(judge.execute(0, TEXT, WORD_AT - 4).is_none());
    let third = judge.execute(0, TEXT, WORD_AT + 8).unwrap();
    assert_eq!(third.stored_at, Address(ALIAS.0 + 8));
}

/// A routine must have made its words visible when it returns, even if no CPU executes them.
#[test]
fn routine_answers_when_it_returns() {
    let answer = |steps: &[Step], cpu| -> Vec<_> {
        let found = judge(A76, steps).answer(cpu, Address(0x1000));
        found
            .iter()
            .map(|found| (found.when, found.missing))
            .collect()
    };
    assert_eq!(answer(&WHOLE, 0), []);
    assert_eq!(answer(&WHOLE, 1), []);
    let missing = |missing| [(When::Returned, missing)];
    assert_eq!(answer(&without(5), 0), missing(Missing::Synchronise));
    assert_eq!(answer(&without(6), 1), missing(Missing::Synchronise));
    assert_eq!(answer(&without(1), 0), missing(Missing::Clean));
    // The other CPU need not wait for steps that are not complete.
    assert_eq!(answer(&WHOLE[..4], 1), []);
}

#[test]
fn answer_is_given_once() {
    let mut judge = judge(A76, &without(1));
    assert_eq!(judge.answer(0, TEXT).len(), 1);
    assert_eq!(judge.answer(0, TEXT).len(), 0);
}

#[test]
fn cpus_that_do_not_exist_do_nothing() {
    let mut judge = judge(A76, &WHOLE);
    judge.store(7, ALIAS, WORD_AT, 4, true);
    judge.clean(7, WORD_AT, false);
    judge.barrier(7, true);
    judge.synchronise(7);
    assert_eq!(judge.execute(7, TEXT, WORD_AT), None);
    assert_eq!(judge.answer(7, TEXT), []);
    assert_eq!(judge.execute(0, TEXT, WORD_AT), None);
}
