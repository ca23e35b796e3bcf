//! The writer of finished tables: from the records of an image to the table that replaces them.
//!
//! [`write()`] checks all records with the patcher's own planner, lets it compute the words of every
//! arm, makes the conditions of each site's arms disjoint, and sorts the sites into buckets. The
//! layout is that of [`alt_runtime::finished`].
//!
//! | file | content |
//! |------|---------|
//! | sites.rs | the sites of a region, with the words of each arm |
//! | condition.rs | conditions, made disjoint |
//! | bucket.rs | the sites of one condition, in runs |
//! | encode.rs | the words of the table |
//! | error.rs | why no table is written |

mod bucket;
mod condition;
mod encode;
mod error;
mod sites;

use alt_runtime::patch::check;
use alt_runtime::region::Region;

use crate::names::ANY_CAP;

pub use encode::Written;
pub use error::WriteError;

/// The result of [`write()`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The table to put in the place of the raw ones.
    Finished(Written),
    /// The raw tables stay. All sizes are in bytes.
    Raw {
        /// The size that the finished table would have; 0 without sites.
        finished: usize,
        /// The space that there is for it.
        space: usize,
    },
}

/// Writes the finished table of `region`, whose tables are raw. It begins at `address`, where
/// there are `space` bytes for it. The same region gives the same table.
///
/// The region has a callback for each element of `alt_callbacks`; none is called.
///
/// # Errors
/// The patcher would refuse a record on some CPU, or the table cannot state a site. An image with
/// such a table stays raw.
pub fn write(region: &Region<'_>, address: u64, space: usize) -> Result<Outcome, WriteError> {
    if region.is_finished() {
        return Err(WriteError::Finished);
    }
    // All arms, in the order of their sites, with one message about the first one.
    check(region, &ANY_CAP)?;
    let sites = sites::all(region)?;
    if sites.is_empty() {
        return Ok(Outcome::Raw { finished: 0, space });
    }
    let buckets = bucket::all(&sites)?;
    let written = encode::table(&sites, &buckets, address)?;
    let finished = 4 * written.words.len();
    match finished <= space {
        true => Ok(Outcome::Finished(written)),
        false => Ok(Outcome::Raw { finished, space }),
    }
}
