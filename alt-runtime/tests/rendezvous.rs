//! The rendezvous, with threads for CPUs. That the real routine holds no site and
//! calls nothing is a matter of its text; that it works, of the demo.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use alt_runtime::rendezvous::{Rendezvous, StopError};

const SECOND: u64 = 1_000_000_000;

/// Of many calls, some come at a bad moment. Under Miri, which is far slower, few have to do.
const CALLS: u32 = if cfg!(miri) { 50 } else { 20_000 };

fn clock() -> impl Fn() -> u64 {
    let begin = Instant::now();
    move || begin.elapsed().as_nanos() as u64
}

/// Ends the threads when it goes, also when a test fails: they would be waited for.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn nobody_moves_while_held() {
    let rendezvous = Rendezvous::<3>::new();
    let steps = [const { AtomicU64::new(0) }; 3];
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let _end = End(&over);
        for cpu in [1, 2] {
            let (rendezvous, steps, over) = (&rendezvous, &steps, &over);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    steps[cpu].fetch_add(1, Ordering::Relaxed);
                    rendezvous.wait_if_requested(cpu);
                    thread::yield_now();
                }
            });
        }
        for _ in 0..4 {
            let stopped = rendezvous
                .stop_all([1, 2], || (), clock(), 30 * SECOND)
                .unwrap();
            assert!(rendezvous.is_requested());
            let before = [1, 2].map(|cpu| steps[cpu].load(Ordering::Relaxed));
            for _ in 0..20 {
                thread::yield_now();
            }
            let after = [1, 2].map(|cpu| steps[cpu].load(Ordering::Relaxed));
            assert_eq!(before, after, "a stopped CPU went on");
            drop(stopped);
            assert!(!rendezvous.is_requested());
            // They do go on.
            while steps[1].load(Ordering::Relaxed) == after[0] {
                thread::yield_now();
            }
        }
    });
}

/// Calls that follow so closely that a CPU may miss the moment between them.
#[test]
fn a_call_right_after_another_is_answered_too() {
    let rendezvous = Rendezvous::<2>::new();
    let steps = AtomicU64::new(0);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let _end = End(&over);
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                rendezvous.wait_if_requested(1);
                steps.fetch_add(1, Ordering::Relaxed);
            }
        });
        let mut moved = 0;
        let mut stopped = rendezvous.stop_all([1], || (), clock(), 30 * SECOND);
        for _ in 0..CALLS {
            drop(stopped);
            stopped = rendezvous.stop_all([1], || (), clock(), 30 * SECOND);
            let before = steps.load(Ordering::Relaxed);
            for _ in 0..20 {
                std::hint::spin_loop();
            }
            moved += steps.load(Ordering::Relaxed) - before;
        }
        drop(stopped);
        assert_eq!(moved, 0, "a CPU went on although it had answered the call");
    });
}

#[test]
fn missing_cpu_is_named_and_the_others_are_let_go() {
    let rendezvous = Rendezvous::<4>::new();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let _end = End(&over);
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                rendezvous.wait_if_requested(1);
                thread::yield_now();
            }
        });
        let error = rendezvous
            .stop_all([1, 3], || (), clock(), SECOND / 5)
            .unwrap_err();
        assert_eq!(error, StopError::Missing { cpu: 3 });
        assert_eq!(
            error.to_string(),
            "CPU 3 did not come to the rendezvous in time"
        );
        assert!(!rendezvous.is_requested());
        // The next call finds CPU 1 free.
        assert!(
            rendezvous
                .stop_all([1], || (), clock(), 30 * SECOND)
                .is_ok()
        );
    });
}

#[test]
fn unknown_cpu_is_missing() {
    let rendezvous = Rendezvous::<2>::new();
    let error = rendezvous
        .stop_all([2], || (), clock(), SECOND)
        .unwrap_err();
    assert_eq!(error, StopError::Missing { cpu: 2 });
    rendezvous.wait_if_requested(7); // returns
}

#[test]
fn a_cpu_alone_holds_at_once() {
    let rendezvous = Rendezvous::<1>::new();
    let mut notified = false;
    let stopped = rendezvous.stop_all([], || notified = true, || 0, 0);
    assert!(stopped.is_ok());
    drop(stopped);
    assert!(notified);
}

#[test]
fn waiting_without_a_request_returns() {
    Rendezvous::<1>::new().wait_if_requested(0);
}

#[test]
fn only_one_holds_at_a_time() {
    let rendezvous = Rendezvous::<1>::new();
    let first = rendezvous.stop_all([], || (), || 0, 0).unwrap();
    let second = rendezvous.stop_all([], || (), || 0, 0).unwrap_err();
    assert_eq!(second, StopError::AlreadyStopped);
    assert_eq!(
        second.to_string(),
        "another CPU has stopped the CPUs already"
    );
    assert!(
        rendezvous.is_requested(),
        "the refused one has let nobody go"
    );
    drop(first);
    assert!(!rendezvous.is_requested());
    assert!(rendezvous.stop_all([], || (), || 0, 0).is_ok());
}
