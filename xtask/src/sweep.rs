//! `cargo xtask sweep`: the classification of A64 words against two other decoders, for all 2³²
//! words.

use crate::{Outcome, style};
use std::{env, process::Command};

/// Runs the test `insn_decoders` of alt-runtime over every word instead of a sample.
pub(crate) fn run() -> Outcome {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let agreed = Command::new(cargo)
        .args(["test", "--quiet", "--release", "--package", "alt-runtime"])
        .args(["--test", "insn_decoders", "--"])
        .args(["--nocapture", "other_decoders_see_the_same_targets"])
        .env("INSN_STRIDE", "1")
        .status()?
        .success();
    let verdict = match agreed {
        true => style::good("every difference between the decoders has a known reason"),
        false => style::bad("there are differences without a known reason; see above"),
    };
    anstream::println!("{verdict}");
    Ok(agreed)
}
