//! The totals of a pass.

use core::fmt;

use crate::message::message;

/// The totals of a pass.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Report {
    /// Sites of `cpu_has_cap!`.
    pub branches: u32,
    /// Sites of `alternative!`.
    pub alternatives: u32,
    /// Sites that a later pass decides.
    pub pending: u32,
    /// Sites with an arm that applies.
    pub applied: u32,
    /// Sites that changed. Less than `applied` when an arm equals what the text
    /// holds already, as it does in a second pass.
    pub rewritten: u32,
    /// Words that changed.
    pub words: u32,
    /// Data cache lines that held them, each cleaned once.
    pub lines: u32,
}

impl Report {
    /// Sites in the tables.
    pub const fn sites(&self) -> u32 {
        self.branches + self.alternatives
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        message!(
            f,
            "{} of {} sites rewritten: {} word{} in {} cache line{}",
            self.rewritten,
            self.sites(),
            self.words,
            plural(self.words),
            self.lines,
            plural(self.lines)
        )
    }
}

const fn plural(number: u32) -> &'static str {
    match number {
        1 => "",
        _ => "s",
    }
}
