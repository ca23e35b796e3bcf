//! What a pass is told about the cpucaps.

use crate::cap::{CapSet, CapTable};

/// The cpucaps of a pass.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'a> {
    /// The table that the numbers are of.
    pub table: &'a CapTable,
    /// Those that are present.
    pub present: &'a CapSet,
    /// Those of which it is known; a site that asks for another one is left to a
    /// later pass.
    pub decided: &'a CapSet,
}
