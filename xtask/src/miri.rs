//! `cargo xtask miri`: runs host tests of the runtime in an interpreter that finds undefined
//! behaviour.

use crate::{Outcome, nightly, style};

/// The tests whose code reads and writes text through pointers, or shares it between threads.
const TESTS: [&str; 6] = [
    "plan",
    "finished",
    "maintenance",
    "pointers",
    "rendezvous",
    "livepatch",
];

/// Tests of thousands of plans, records and files, which would keep Miri busy for minutes: each does
/// the same again.
const EXHAUSTIVE: [&str; 14] = [
    "apply::applied_and_reverted",
    "calls::every_word_of_a_stack",
    "file::description_cut",
    "file::truncated",
    "guarantees::a_changed_header",
    "guarantees::a_changed_table",
    "mutated::b22_every_field",
    "mutated::b22_random_changes",
    "relocations::they_are",
    "tables::tables_outside_and_misaligned",
    "edges::branch_of_an_arm_at_all_edges",
    "long::",
    "reach::",
    "relaxed::an_adr_that_does_not_reach",
];

/// Runs the tests under Miri, if it can be installed.
pub(crate) fn run() -> Outcome {
    let Some(mut cargo) = nightly::cargo() else {
        anstream::println!("miri: skipped: rustup has no nightly toolchain");
        return Ok(true);
    };
    for component in ["miri", "rust-src"] {
        if !nightly::has_component(component) {
            anstream::println!("miri: skipped: the nightly toolchain lacks {component}");
            return Ok(true);
        }
    }
    // Miri builds a core library of its own, whose dependencies cargo may have to fetch.
    let set_up = nightly::cargo().map(|mut cargo| cargo.args(["miri", "setup"]).status());
    if !set_up.transpose()?.is_some_and(|status| status.success()) {
        anstream::println!("miri: skipped: `cargo miri setup` failed; see above");
        return Ok(true);
    }
    cargo
        .args(["miri", "test", "--package", "alt-runtime"])
        .args(TESTS.iter().flat_map(|test| ["--test", test]))
        .arg("--target-dir")
        .arg(test_support::target_dir().join("miri"))
        .arg("--")
        .args(EXHAUSTIVE.iter().flat_map(|test| ["--skip", test]))
        .env("MIRIFLAGS", "-Zmiri-strict-provenance");
    let passed = cargo.status()?.success();
    let verdict = match passed {
        true => style::good("no undefined behaviour"),
        false => style::bad("FAILED"),
    };
    anstream::println!("miri: {}: {verdict}", TESTS.join(", "));
    Ok(passed)
}
