//! Plan → commit → verify: from the tables of a [`Region`](crate::region::Region) to a text that
//! fits the CPU.
//!
//! | step   | function             | writes to the text | decides |
//! |--------|----------------------|--------------------|---------|
//! | plan   | [`Plan::new`], for the first pass [`Image::plan_first_pass`](crate::Image::plan_first_pass) | no | everything: checks each record and computes each new word |
//! | commit | [`Plan::commit`]     | yes                | nothing |
//! | verify | part of the commit   | the old words, if a new one does not read back | whether the new words read back |
//!
//! | file           | content |
//! |----------------|---------|
//! | site.rs        | iterates over the records of a table |
//! | decision.rs    | evaluates conditions: which arm of a site wins |
//! | replacement.rs, relaxed.rs | the words of a replacement, relocated to the site |
//! | callback.rs    | the words of a callback |
//! | finished       | the plan of a finished table |
//! | alternative.rs | compares the words of an arm with the site and plans those that change |
//! | plan.rs        | the walk over both tables |
//! | commit.rs, alias.rs | writes a plan through a writable alias |
//! | report.rs, census.rs | totals; sites counted by cpucap |
//! | error.rs       | why a pass was refused or undone |

mod alias;
mod alternative;
mod callback;
mod census;
mod commit;
mod decision;
mod error;
mod finished;
mod plan;
mod relaxed;
mod replacement;
mod report;
mod site;
mod walk;

pub use alias::{LinearAlias, MappedAlias, WritableAlias};
pub use census::{Census, Count};
pub use decision::Decision;
pub use error::{AliasError, ImageError, PatchError, PlanError, ReadBackError, Reason};
pub use plan::{Plan, check};
pub use report::Report;
