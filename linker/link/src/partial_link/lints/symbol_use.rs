//! The ways in which code refers to a symbol.

use std::fmt;

/// How code refers to a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Use {
    /// As the callback of a record.
    Record,
    /// By B, BL or a conditional branch.
    Branch,
    /// Its address is computed.
    Address,
    /// By a load or store relative to its address.
    Access,
    /// By a pointer in data.
    Pointer,
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Record => "a record names it as a callback",
            Self::Branch => "it is branched to",
            Self::Address => "its address is taken",
            Self::Access => "it is loaded from or stored to",
            Self::Pointer => "a pointer in data holds its address",
        })
    }
}
