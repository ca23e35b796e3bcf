//! What only the kernel, or its build, can tell.

use std::fmt;

use alt_cpucaps::{Cpucap, Cpucaps, Detect};

/// A cap of which the host cannot tell whether a machine has it, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecided {
    /// Its number.
    pub number: u16,
    /// Its name.
    pub name: &'static str,
    /// The cfg predicate that may be true or false in the kernel's build.
    pub cfg: Option<String>,
    /// The kernel's functions that its rule asks.
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
            write!(
                f,
                "{and}what the kernel's {}() says",
                self.custom.join("(), ")
            )?;
        }
        Ok(())
    }
}

/// The caps of which something is not known, by number.
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
                // What is impossible in this build is so whatever the functions say.
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

/// The functions of the kernel that the condition of a cap calls, each once.
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
