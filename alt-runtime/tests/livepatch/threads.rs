//! With threads that act as CPUs, in a real rendezvous.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use alt_runtime::livepatch::{Livepatch, Stacks};
use alt_runtime::rendezvous::Rendezvous;

use crate::apply::{ONE, loaded};
use crate::kernel::{Fake, IMAGE, PAYLOADS, TEXT, address, branch, mov, patch};
use crate::load::load;

/// Ends the threads when it goes, also when a test fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Reverts the payload, and calls `run` on CPU 1 while that waits for the CPU.
pub fn while_reverting(
    livepatch: &Livepatch<4>,
    kernel: &mut Fake,
    run: impl FnOnce(&Livepatch<4>) + Send,
) {
    static RENDEZVOUS: Rendezvous<4> = Rendezvous::new();
    kernel.rendezvous = Some((&RENDEZVOUS, vec![1]));
    thread::scope(|scope| {
        let cpu = scope.spawn(move || {
            while !RENDEZVOUS.is_requested() {
                thread::yield_now();
            }
            run(livepatch);
            RENDEZVOUS.wait_if_requested(1);
        });
        livepatch.revert(kernel, &ONE).unwrap();
        cpu.join().unwrap();
    });
    kernel.rendezvous = None;
}

/// Of many cycles, some come at a bad moment. The demo makes more of them.
const CYCLES: u32 = if cfg!(miri) { 5 } else { 50 };

/// Behaviour 27 on the host: a CPU that is between two stops sees the old words of all functions,
/// or the new ones of all. That CPUs execute them, the demo shows.
#[test]
fn b27_never_a_mix() {
    static RENDEZVOUS: Rendezvous<4> = Rendezvous::new();
    let (livepatch, mut kernel) = loaded();
    kernel.next = PAYLOADS + 0x10_0000;
    let mut other = patch(2, &[2, 3], 8);
    other.parent = IMAGE;
    load(&livepatch, &mut kernel, &other).unwrap();
    kernel.rendezvous = Some((&RENDEZVOUS, vec![1, 2]));
    let text = kernel.text();

    let first = [branch(1, PAYLOADS), branch(2, PAYLOADS + 8), mov(3)];
    let at = PAYLOADS + 0x10_0000;
    let second = [mov(1), branch(2, at), branch(3, at + 8)];
    let sets = [[mov(1), mov(2), mov(3)], first, second];

    let image = {
        use alt_runtime::livepatch::Kernel;
        kernel.image()
    };
    let words = Shared(image.text);
    let (over, seen) = (AtomicBool::new(false), [const { AtomicU32::new(0) }; 3]);
    thread::scope(|scope| {
        let _end = End(&over);
        for cpu in [1, 2] {
            let (over, seen, words, sets) = (&over, &seen, &words, &sets);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    RENDEZVOUS.wait_if_requested(cpu);
                    let found = [1, 2, 3].map(|n| words.get(address(n)));
                    let set = sets.iter().position(|set| *set == found);
                    let set = set.unwrap_or_else(|| panic!("a mix: {found:x?}"));
                    seen[set].fetch_add(1, Ordering::Relaxed);
                    thread::yield_now();
                }
            });
        }
        for _ in 0..CYCLES {
            livepatch.apply(&mut kernel, &ONE).unwrap();
            livepatch.replace(&mut kernel, &[2; 20]).unwrap();
            livepatch.revert(&mut kernel, &[2; 20]).unwrap();
        }
    });
    assert_eq!(kernel.text(), text);
    assert!(seen.iter().any(|count| count.load(Ordering::Relaxed) != 0));
}

/// The text, for several threads.
struct Shared(alt_runtime::region::Text<'static>);

// SAFETY: the words are accessed as atomics.
unsafe impl Sync for Shared {}

impl Shared {
    fn get(&self, at: u64) -> u32 {
        assert!(at >= TEXT);
        self.0.get(at).unwrap().0
    }
}

/// A rendezvous with the others is one of stopped CPUs.
#[test]
fn stopped_cpus_have_frames() {
    use alt_runtime::livepatch::StoppedCpus;
    static RENDEZVOUS: Rendezvous<4> = Rendezvous::new();
    let mut kernel = Fake::new();
    kernel.rendezvous = Some((&RENDEZVOUS, vec![2, 3]));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let _end = End(&over);
        for cpu in [2, 3] {
            let over = &over;
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    RENDEZVOUS.wait_if_requested(cpu);
                    thread::yield_now();
                }
            });
        }
        let stopped = kernel.stop().unwrap();
        let cpus: Vec<_> = stopped.frames().map(|(cpu, _)| cpu).collect();
        assert_eq!(cpus, [2, 3]);
    });
}
