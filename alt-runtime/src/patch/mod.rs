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
mod aliased;
mod census;
mod check;
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
mod commit;
mod computed;
mod decision;
mod error;
mod plan;
mod quick;
mod records;
mod relaxed;
mod replacement;
mod rewrite;
mod shape;
mod site;
mod states;
mod walk;
mod writer;

pub use alias::{LinearAlias, MappedAlias, WritableAlias};
pub use census::{Census, Count};
pub use check::check;
pub use decision::Decision;
pub(crate) use error::too_small;
pub use error::{AliasError, PatchError, PlanError, ReadBackError, Reason};
pub use plan::{Plan, Report};
