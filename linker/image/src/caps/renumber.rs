//! Caps with the numbers of one file and the rules of another.

use alt_cpucaps::{Cpucap, Cpucaps, Detect};
use alt_runtime::cap::{CapKind, LatePolicy, Scope};

use super::{Caps, CapsError, decide, without_cfg};
use crate::names::CapNames;

impl Caps {
    /// The function in the rule of a cap without an entry, for messages; every cap of Linux has
    /// such a function.
    pub const NO_ENTRY: &'static str = "matches";

    /// The same caps with the numbers of `names`: for a kernel such as Linux, which lists its caps
    /// in one file and describes them in another.
    ///
    /// A name of the list without an entry here is [undecided](Self::undecided).
    ///
    /// # Errors
    /// [`CapsError::NotListed`] if the list lacks one of the caps.
    pub fn numbered_by(&self, names: &CapNames) -> Result<Self, CapsError> {
        for cap in &self.model.caps {
            if !names.iter().any(|name| name == cap.name) {
                return Err(CapsError::NotListed {
                    name: cap.name.clone(),
                    there: names.offered(&cap.name),
                });
            }
        }
        Ok(self.with_numbers(names))
    }

    /// The caps of `names`, with the rules of the same caps here.
    pub(super) fn with_numbers(&self, names: &CapNames) -> Self {
        let place = |index: usize| -> Option<usize> {
            let cap = self.model.caps.get(index)?;
            names.iter().position(|name| name == cap.name)
        };
        let others = |indices: &[usize]| indices.iter().filter_map(|index| place(*index)).collect();
        let caps = names.iter().map(|name| {
            let known = self.model.caps.iter().find(|cap| cap.name == name);
            known.map_or_else(
                || without_entry(name),
                |cap| Cpucap {
                    requires: others(&cap.requires),
                    conflicts: others(&cap.conflicts),
                    ..cap.clone()
                },
            )
        });
        let model = Cpucaps {
            caps: caps.collect(),
        };
        let possible = model.caps.iter().map(without_cfg).collect();
        Self::new(self.text.clone(), model, possible)
    }

    /// Makes a cap undecided, unless something is assumed about it.
    pub(super) fn forget_condition(&mut self, name: &str) {
        let caps = self.model.caps.iter_mut().zip(&self.custom);
        let cap = caps.filter(|(_, custom)| custom.is_none());
        let cap = cap.map(|(cap, _)| cap).find(|cap| cap.name == name);
        if let Some(cap) = cap {
            cap.detect = Detect::Custom(Self::NO_ENTRY.to_owned());
            (self.table, self.undecided) = decide(&self.model, &self.possible, &self.custom);
        }
    }
}

impl From<&Caps> for CapNames {
    fn from(caps: &Caps) -> Self {
        Self::new(caps.table().iter().map(|info| info.name.into()))
    }
}

fn without_entry(name: &str) -> Cpucap {
    Cpucap {
        name: name.to_owned(),
        doc: String::new(),
        scope: Scope::System,
        kind: CapKind::Feature,
        detect: Detect::Custom(Caps::NO_ENTRY.to_owned()),
        late: LatePolicy::SystemFeature,
        requires: Vec::new(),
        conflicts: Vec::new(),
        cfg: None,
    }
}
