//! The pass over a finished table: its plans and its errors. `cargo xtask mutants` omits one check of the
//! pass at a time, and a test here must fail.
//!
//! The tables are made by hand from the layout that `finished::format` states. `alt-image`, which has the
//! writer, compares the pass with the one over raw tables. `cargo xtask test` runs these tests also with
//! each of the features `raw-tables` and `finished-tables` alone.

mod alone;
#[cfg(feature = "finished-tables")]
mod guarantees;
#[cfg(feature = "finished-tables")]
mod table;
