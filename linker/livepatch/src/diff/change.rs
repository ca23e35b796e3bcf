//! Changes and their reasons.

use std::fmt;

use serde::Serialize;

use crate::model::AtomId;

/// How a function or a static differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// It is in both builds, and differs.
    Changed,
    /// Only the new build has it.
    New,
    /// Only the old build has it.
    Removed,
    /// Only lines and columns in panic messages differ.
    Moved,
}

/// A function or a static that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// How it differs.
    pub what: What,
    /// Whether it is a function; otherwise a static.
    pub function: bool,
    /// Its name, demangled.
    pub name: String,
    /// The atom of the old build.
    pub old: Option<AtomId>,
    /// The atom of the new build.
    pub new: Option<AtomId>,
    /// Why it differs; empty unless it is [`What::Changed`].
    pub reasons: Vec<Reason>,
}

/// Why a function or a static differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Its own code, or the value of a static.
    Body,
    /// The code of another function that was inlined.
    Inlined(String),
    /// The replacement of an alternative, by the cpucap of its condition.
    Replacement(String),
    /// A constant that it uses.
    Constant(String),
    /// The layout of a type that it uses.
    Type(String),
    /// It is in a separate section in one of the builds only.
    Place,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => f.write_str("body"),
            Self::Inlined(name) => write!(f, "through inlining of {name}"),
            Self::Replacement(cap) => write!(f, "replacement of {cap}"),
            Self::Constant(name) => write!(f, "constant {name}"),
            Self::Type(name) => write!(f, "type {name}"),
            Self::Place => f.write_str("section"),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Changed => "changed",
            Self::New => "new",
            Self::Removed => "removed",
            Self::Moved => "moved",
        })
    }
}
