//! The contents of a valid file.

use alt_cpu::{CapKind, Field, LatePolicy, MidrRange, Scope};

/// The cpucaps of a file, in its order: the index of each is its number.
#[derive(Clone, Debug, Default)]
pub struct Cpucaps {
    /// At most [`MAX_CAPS`](alt_cpu::MAX_CAPS).
    pub caps: Vec<Cpucap>,
}

/// An entry of the file. The fields are named like its keys.
#[derive(Clone, Debug)]
pub struct Cpucap {
    /// The name, in UPPER_SNAKE_CASE since it becomes a constant.
    pub name: String,
    /// The description; not empty.
    pub doc: String,
    /// The CPUs whose ID registers decide.
    pub scope: Scope,
    /// Feature or erratum.
    pub kind: CapKind,
    /// The condition on the ID registers.
    pub detect: Detect,
    /// What to do with a late CPU that differs; without the key, the
    /// [default](LatePolicy::default_for) of scope and kind.
    pub late: LatePolicy,
    /// The numbers of the caps that must be present for this one to be present.
    pub requires: Vec<usize>,
    /// The numbers of the caps that must not be present together with this one.
    pub conflicts: Vec<usize>,
    /// A Rust cfg predicate, as in `#[cfg(...)]`: the cap is impossible in a build where it is
    /// false.
    pub cfg: Option<String>,
}

/// A condition on the ID registers: the value of a `detect` key.
///
/// `alt_runtime::cap::Rule` is the same in a kernel, where lists are `'static` and the function
/// can be called.
#[derive(Clone, Debug, PartialEq)]
pub enum Detect {
    /// True on every CPU.
    Always,
    /// The field has a value from `min` to `max`, both included; the field can hold both.
    Field {
        /// The field.
        field: &'static Field,
        /// The smallest matching value.
        min: i64,
        /// The largest matching value.
        max: i64,
    },
    /// The CPU matches one of these ranges.
    Midr(Vec<MidrRange>),
    /// One of these conditions is true.
    Any(Vec<Detect>),
    /// All of these conditions are true.
    All(Vec<Detect>),
    /// The condition is false.
    Not(Box<Detect>),
    /// A function of the kernel decides: its path, as written in the file.
    Custom(String),
}

impl Detect {
    /// The number of nested lists around the innermost condition.
    pub(crate) fn nesting(&self) -> usize {
        match self {
            Self::Any(parts) | Self::All(parts) => {
                1 + parts.iter().map(Self::nesting).max().unwrap_or(0)
            }
            Self::Not(part) => part.nesting(),
            Self::Always | Self::Field { .. } | Self::Midr(_) | Self::Custom(_) => 0,
        }
    }

    /// The conditions that this one is composed of, from left to right: every form but `Any`,
    /// `All` and `Not`.
    pub fn leaves(&self) -> Vec<&Self> {
        match self {
            Self::Any(parts) | Self::All(parts) => parts.iter().flat_map(Self::leaves).collect(),
            Self::Not(part) => part.leaves(),
            Self::Always | Self::Field { .. } | Self::Midr(_) | Self::Custom(_) => vec![self],
        }
    }
}
