//! `cargo xtask sweep`: the classification of A64 words against two other decoders, over all
//! words that there are.

use crate::{Outcome, style};
use std::{
    env,
    process::{Command, Stdio},
    thread::available_parallelism,
};

/// Runs alt-runtime's example `insn_sweep` over a share of the words on each core.
pub(crate) fn run() -> Outcome {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let run = |first: u64, last: u64| {
        Command::new(&cargo)
            .args(["run", "--quiet", "--release", "--package", "alt-runtime"])
            .args(["--example", "insn_sweep", "--"])
            .args([format!("{first:x}"), format!("{last:x}")])
            .stdin(Stdio::null())
            .spawn()
    };
    // Builds it, so that the others find it built.
    if !run(0, 0)?.wait()?.success() {
        return Ok(false);
    }
    let cores = available_parallelism().map_or(1, |cores| cores.get() as u64);
    let share = (1u64 << 32).div_ceil(cores);
    let mut children = Vec::new();
    for first in (0..1u64 << 32).step_by(share as usize) {
        children.push(run(first, (first + share - 1).min(u32::MAX.into()))?);
    }
    let mut agreed = true;
    for mut child in children {
        agreed &= child.wait()?.success();
    }
    let verdict = match agreed {
        true => style::good("every difference between the decoders has a known reason"),
        false => style::bad("there are differences without a known reason; see above"),
    };
    anstream::println!("{verdict}");
    Ok(agreed)
}
