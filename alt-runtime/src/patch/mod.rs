//! Plan → commit → verify: from the tables of a [`Region`](crate::region::Region)
//! to a text that fits the CPU.
//!
//! | step   | where                | writes? | decides? |
//! |--------|----------------------|---------|----------|
//! | check  | [`check`]            | no      | whether every arm of every site could be applied, on whatever CPU |
//! | plan   | [`Plan::new`]        | no      | everything: each record is checked, each new word computed |
//! | commit | `Plan::commit`, on the target | yes     | nothing |
//! | verify | within the commit    | only the old words, if the new do not read back | whether they do |

mod alias;
mod alternative;
mod callback;
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
mod commit;
mod decision;
mod error;
mod plan;
mod relaxed;
mod replacement;
mod report;
mod site;

pub use alias::{LinearAlias, MappedAlias, WritableAlias};
pub use decision::Decision;
pub use error::{AliasError, ImageError, PatchError, PlanError, ReadBackError, Reason};
pub use plan::{Plan, check};
pub use report::{Census, Count, Report};
