//! Our classification of A64 words against two other decoders.
//!
//! The test compares a sample of all words. `cargo xtask sweep` compares every word: it sets
//! `INSN_STRIDE` to 1, in a release build.

mod decoders;

use std::collections::{BTreeMap, HashSet};
use std::env;
use std::thread::{available_parallelism, scope};

use alt_runtime::insn::{Class, Form, Insn};
use decoders::{DIFFERENCES, Decoder, Says, Verdict, compare, we_say};

/// A prime, so that every field takes all its values.
const STRIDE: usize = 509;

/// Differences to print in full; the rest is only counted.
const SHOWN: usize = 20;

/// The result of a comparison of many words.
#[derive(Default)]
struct Tally {
    words: u64,
    /// Forms for which a decoder sees the target that we see.
    confirmed: HashSet<Form>,
    /// Words for each known difference, by its reason.
    known: BTreeMap<&'static str, u64>,
    unexplained: u64,
    /// The first of the unexplained differences.
    shown: Vec<String>,
}

impl Tally {
    fn of(words: impl Iterator<Item = u32>) -> Self {
        let mut tally = Self::default();
        for word in words {
            tally.words += 1;
            let ours = we_say(word);
            for decoder in Decoder::ALL {
                match compare(word, ours, decoder) {
                    Verdict::Agreed => {
                        if let Class::Relative(relative) = Insn(word).classify() {
                            tally.confirmed.insert(relative.form);
                        }
                    }
                    Verdict::Known(difference) => {
                        *tally.known.entry(difference.reason).or_default() += 1;
                    }
                    Verdict::Unexplained { theirs } => {
                        tally.unexplained += 1;
                        if tally.shown.len() < SHOWN {
                            tally.shown.push(format!(
                                "{word:#010x}: we say {ours:x?}, {decoder:?} says {theirs:x?}"
                            ));
                        }
                    }
                }
            }
        }
        tally
    }

    fn add(mut self, other: Self) -> Self {
        self.words += other.words;
        self.confirmed.extend(other.confirmed);
        for (reason, count) in other.known {
            *self.known.entry(reason).or_default() += count;
        }
        self.unexplained += other.unexplained;
        self.shown.extend(other.shown);
        self
    }
}

/// Compares every word whose number is a multiple of `stride`, on all cores.
fn compare_all(stride: usize) -> Tally {
    let cores = available_parallelism().map_or(1, |cores| cores.get());
    scope(|scope| {
        let share = |core: usize| {
            let first = u32::try_from(core * stride).expect("few cores");
            scope.spawn(move || Tally::of((first..=u32::MAX).step_by(stride * cores)))
        };
        let threads: Vec<_> = (0..cores).map(share).collect();
        let tallies = threads.into_iter().map(|thread| thread.join().unwrap());
        tallies.fold(Tally::default(), Tally::add)
    })
}

#[test]
fn other_decoders_see_the_same_targets() {
    let stride = env::var("INSN_STRIDE").map_or(STRIDE, |text| text.parse().unwrap());
    let tally = compare_all(stride);
    println!("{} words", tally.words);
    let known = DIFFERENCES.iter().map(|difference| {
        let count = tally.known.get(difference.reason).copied();
        (count.unwrap_or_default(), difference)
    });
    for (count, difference) in known {
        println!(
            "{count:>10}  {:?} {}",
            difference.decoder, difference.reason
        );
        assert_ne!(count, 0, "no word shows this difference any more");
    }
    println!("{:>10}  unexplained", tally.unexplained);
    assert_eq!(tally.unexplained, 0, "{}", tally.shown.join("\n"));
    for form in Form::ALL {
        assert!(
            tally.confirmed.contains(form),
            "no decoder confirmed {form}"
        );
    }
}

#[test]
fn a_wrong_answer_is_noticed() {
    for (word, wrong) in [
        (0x1400_0001, Says::Plain), // b .+4
        (0x1400_0001, Says::Undefined),
        (0x1400_0001, Says::Target(0)),
        (0xf940_0020, Says::Target(0)), // ldr x0, [x1]
        (0xf940_0020, Says::Undefined),
        (0xdc00_0000, Says::Plain), // unallocated beside the literal loads
    ] {
        let noticed = Decoder::ALL
            .iter()
            .any(|&decoder| matches!(compare(word, wrong, decoder), Verdict::Unexplained { .. }));
        assert!(noticed, "{word:#010x} as {wrong:x?}");
    }
}
