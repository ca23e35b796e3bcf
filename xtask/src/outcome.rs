//! The result of a task.

use std::error::Error;

/// `Ok(false)` when the task ran, found something to be wrong, and printed it.
pub(crate) type Outcome = Result<bool, Box<dyn Error>>;
