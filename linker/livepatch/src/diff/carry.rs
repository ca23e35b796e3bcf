//! The contents of a payload, and the targets of its references.

use std::collections::{BTreeSet, VecDeque};

use crate::model::{AtomId, Kind, Reference, Target};

use super::Diff;
use super::change::What;
use super::refusal::Refusal;

/// The relocation types of the loader (ELF for the Arm 64-bit Architecture, 5.7): ABS64, PREL64,
/// PREL32, ADR_PREL_PG_HI21, ADD_ABS_LO12_NC, LDST8_ABS_LO12_NC, JUMP26, CALL26, and
/// LDST16/32/64/128_ABS_LO12_NC.
pub const RELOCATIONS: [u32; 12] = [257, 260, 261, 275, 277, 278, 282, 283, 284, 285, 286, 299];

/// Something that a payload carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// The atom of the new build.
    pub atom: AtomId,
    /// The function of the old image that it replaces.
    pub replaces: Option<Replaced>,
}

/// A function of the old image that is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The atom of the old build.
    pub atom: AtomId,
    /// Its address.
    pub address: u64,
    /// Its size in bytes.
    pub size: u64,
    /// Its name, demangled.
    pub name: String,
}

/// The target of a reference of carried code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// A place in the old image: the address of the target, to which the addend of the reference is
    /// added. A function of the old image stays at its old address, changed or not, since the branch
    /// at its entry leads on: a pointer to it is good after the payload is unloaded.
    Image(u64),
    /// A copy in the payload, of an atom of the new build.
    Carry(AtomId),
    /// It cannot be resolved.
    Refused(Refusal),
}

impl Diff<'_> {
    /// The contents of a payload: changed functions with their records, and everything that these refer to and
    /// that is not in the old image. Functions first, by the order of the new build.
    pub fn carried(&self) -> Vec<Carried> {
        let mut queue: VecDeque<AtomId> = self
            .changes()
            .iter()
            .filter(|change| change.function && change.what == What::Changed)
            .filter_map(|change| change.new)
            .collect();
        let mut found = BTreeSet::new();
        while let Some(id) = queue.pop_front() {
            if !found.insert(id) {
                continue;
            }
            let atom = self.new().atom(id);
            queue.extend(&atom.records);
            for reference in &atom.references {
                if let Resolution::Carry(to) = self.resolve(id, reference) {
                    queue.push_back(to);
                }
            }
        }
        let mut carried: Vec<_> = found
            .into_iter()
            .map(|atom| Carried {
                replaces: self.replaced(atom),
                atom,
            })
            .collect();
        carried.sort_by_key(|one| (self.new().atom(one.atom).kind != Kind::Function, one.atom));
        carried
    }

    fn replaced(&self, new: AtomId) -> Option<Replaced> {
        let old = self.pairs().old_of(new)?;
        let atom = self.old().atom(old);
        (atom.kind == Kind::Function).then(|| Replaced {
            atom: old,
            address: atom.address.unwrap_or_default(),
            size: atom.size,
            name: self.old().label(old),
        })
    }

    /// The target of a reference of a carried atom.
    pub fn resolve(&self, by: AtomId, reference: &Reference) -> Resolution {
        if !RELOCATIONS.contains(&reference.kind) && !reference.resolved {
            return Resolution::Refused(Refusal::Relocation {
                by: self.new().label(by),
                kind: reference.kind,
            });
        }
        match &reference.target {
            Target::Atom(to) => self.resolve_atom(by, *to, reference.addend),
            Target::Linker(name) | Target::Absent(name) => match self.old().image().symbol(name) {
                Some(address) => Resolution::Image(address),
                None => self.missing(by, name),
            },
        }
    }

    fn missing(&self, by: AtomId, name: &str) -> Resolution {
        Resolution::Refused(Refusal::Missing {
            by: self.new().label(by),
            name: name.to_owned(),
        })
    }

    fn resolve_atom(&self, by: AtomId, to: AtomId, addend: i64) -> Resolution {
        let target = self.new().atom(to);
        let old = self.pairs().old_of(to);
        let carried_with_it = to == by || target.kind == Kind::Record
            // A record refers to the sites of its own function.
            || self.new().atom(by).kind == Kind::Record && self.new().atom(to).records.contains(&by)
            // A jump table refers to the function that uses it.
            || addend != 0 && target.kind == Kind::Function && self.is_changed(to);
        if carried_with_it {
            return Resolution::Carry(to);
        }
        match (target.kind, old) {
            (Kind::Constant, _) => Resolution::Carry(to),
            (Kind::ReadOnly, Some(_)) if self.is_changed(to) => Resolution::Carry(to),
            (Kind::Writable, _) if target.names.is_empty() => {
                Resolution::Refused(Refusal::AnonymousData {
                    by: self.new().label(by),
                    section: target.section.clone(),
                })
            }
            (_, Some(old)) => match self.old().atom(old).address {
                Some(address) if self.is_freed(address) => {
                    Resolution::Refused(Refusal::FreedAfterBoot {
                        by: self.new().label(by),
                        name: self.new().label(to),
                    })
                }
                Some(address) => Resolution::Image(address),
                None => Resolution::Carry(to),
            },
            (_, None) => Resolution::Carry(to),
        }
    }

    /// Whether an address of the old image is in the memory that is freed after boot.
    pub(super) fn is_freed(&self, address: u64) -> bool {
        self.old()
            .image()
            .init()
            .any(|range| range.contains(&address))
    }

    /// The refusals of the references of all that is carried.
    pub(super) fn refused_references(&self) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        for carried in self.carried() {
            for reference in &self.new().atom(carried.atom).references {
                if let Resolution::Refused(refusal) = self.resolve(carried.atom, reference)
                    && !refusals.contains(&refusal)
                {
                    refusals.push(refusal);
                }
            }
        }
        refusals
    }
}
