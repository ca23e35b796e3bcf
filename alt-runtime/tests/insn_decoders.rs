//! Our classification against two other decoders, over a sample of all words. The example
//! `insn_sweep` compares all of them.

#[path = "common/insn_decoders.rs"]
mod insn_decoders;

use std::collections::HashSet;

use alt_runtime::insn::{Class, Form, Insn};
use insn_decoders::{DIFFERENCES, Decoder, Says, Verdict, compare, we_say};

/// A prime, so that every field takes all its values.
const STRIDE: usize = 509;

fn sample() -> impl Iterator<Item = u32> {
    (0..=u32::MAX).step_by(STRIDE)
}

#[test]
fn other_decoders_see_the_same_targets() {
    let mut confirmed = HashSet::new();
    let mut met = HashSet::new();
    for word in sample() {
        let ours = we_say(word);
        for decoder in Decoder::ALL {
            match compare(word, ours, decoder) {
                Verdict::Agreed => {
                    if let Class::Relative(relative) = Insn(word).classify() {
                        confirmed.insert(relative.form);
                    }
                }
                Verdict::Known(difference) => {
                    met.insert(difference.reason);
                }
                Verdict::Unexplained { theirs } => {
                    panic!("{word:#010x}: we say {ours:x?}, {decoder:?} says {theirs:x?}")
                }
            }
        }
    }
    for form in Form::ALL {
        assert!(confirmed.contains(form), "no decoder confirmed {form}");
    }
    for difference in &DIFFERENCES {
        assert!(
            met.contains(difference.reason),
            "{:?} no longer {}",
            difference.decoder,
            difference.reason
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
