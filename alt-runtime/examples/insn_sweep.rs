//! Compares the classification of A64 words with two other decoders.
//!
//! ```text
//! cargo run --release -p alt-runtime --example insn_sweep [FIRST [LAST [STRIDE]]]
//! ```
//!
//! FIRST and LAST are words in hexadecimal; without arguments, all 2³² words are compared. Exits
//! with 1 if there is a difference without a known reason.

#[path = "../tests/common/insn_decoders.rs"]
mod insn_decoders;

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use insn_decoders::{DIFFERENCES, Decoder, Verdict, compare, we_say};

/// Differences to print in full; the rest is only counted.
const SHOWN: u64 = 20;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let mut word = |default| match arguments.next() {
        Some(text) => u32::from_str_radix(text.trim_start_matches("0x"), 16),
        None => Ok(default),
    };
    let (first, last) = (word(0)?, word(u32::MAX)?);
    let stride: usize = arguments.next().map_or(Ok(1), |text| text.parse())?;
    if stride == 0 {
        return Err("the stride must not be 0".into());
    }

    let start = Instant::now();
    let (mut words, mut unexplained) = (0u64, 0u64);
    let mut known = BTreeMap::new();
    for word in (first..=last).step_by(stride) {
        let ours = we_say(word);
        words += 1;
        for decoder in Decoder::ALL {
            match compare(word, ours, decoder) {
                Verdict::Agreed => {}
                Verdict::Known(difference) => *known.entry(difference.reason).or_insert(0u64) += 1,
                Verdict::Unexplained { theirs } => {
                    unexplained += 1;
                    if unexplained <= SHOWN {
                        println!("{word:#010x}: we say {ours:x?}, {decoder:?} says {theirs:x?}");
                    }
                }
            }
        }
    }

    println!("{words} words in {:.1} s", start.elapsed().as_secs_f64());
    for difference in &DIFFERENCES {
        let count = known.get(difference.reason).copied().unwrap_or_default();
        println!(
            "{count:>10}  {:?} {}",
            difference.decoder, difference.reason
        );
    }
    println!("{unexplained:>10}  unexplained");
    Ok(if unexplained == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
