//! `alt livepatch diff`: each kind of change on a small kernel, with the exact list of functions.

mod behaviours;
mod check;
mod edits;
mod oracle;
mod other_refusals;
mod refused;
mod support;
