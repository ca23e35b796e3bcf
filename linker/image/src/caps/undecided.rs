//! Caps that depend on the running kernel or its build.

use std::fmt;

use alt_cpucaps::{Cpucap, Cpucaps, Detect};

/// A cap that the host cannot evaluate, with the reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecided {
    /// Its number.
    pub number: u16,
    /// Its name.
    pub name: &'static str,
    /// The cfg predicate whose value in the kernel's build is unknown.
    pub cfg: Option<String>,
    /// The kernel's functions that its rule calls.
    pub custom: Vec<String>,
}

/// The reasons, such as ``cfg(feature = "sve") of the kernel's build``.
impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cpucap {} depends on ", self.name)?;
        if let Some(cfg) = &self.cfg {
            write!(f, "cfg({cfg}) in the kernel's build")?;
        }
        if !self.custom.is_empty() {
            let and = if self.cfg.is_some() { " and " } else { "" };
            let functions = self.custom.join("(), ");
            write!(f, "{and}the result of the kernel's {functions}()")?;
        }
        Ok(())
    }
}

/// The undecided caps, by number.
pub fn find(
    table: &Cpucaps,
    names: impl Fn(u16) -> Option<&'static str>,
    possible: &[Option<bool>],
    custom: &[Option<bool>],
) -> Vec<Undecided> {
    let knowledge = possible.iter().zip(custom);
    (0..)
        .zip(table.caps.iter().zip(knowledge))
        .filter_map(|(number, (cap, (possible, custom)))| {
            let undecided = Undecided {
                number,
                name: names(number)?,
                cfg: cap.cfg.clone().filter(|_| possible.is_none()),
                // A cap that is impossible in this build does not depend on the functions.
                custom: match (possible, custom) {
                    (Some(false), _) | (_, Some(_)) => Vec::new(),
                    _ => functions(cap),
                },
            };
            let is_open = undecided.cfg.is_some() || !undecided.custom.is_empty();
            is_open.then_some(undecided)
        })
        .collect()
}

/// The kernel functions that the condition of a cap calls, without duplicates.
pub fn functions(cap: &Cpucap) -> Vec<String> {
    let mut found = Vec::new();
    for leaf in cap.detect.leaves() {
        if let Detect::Custom(function) = leaf
            && !found.contains(function)
        {
            found.push(function.clone());
        }
    }
    found
}
