//! Compares atoms of two builds: bytes before relocation, and the targets of references.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::model::{AtomId, Kind, Model, Reference, Target};

use super::matching::Pairs;

/// The result of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Equal.
    Same,
    /// Equal but for lines and columns of panic locations.
    Moved,
    /// Different.
    Different,
}

/// Compares atoms, under pairs of functions and statics.
pub(super) struct Comparer<'a> {
    pub old: &'a Model,
    pub new: &'a Model,
    /// Verdicts of constants, which many functions share. A pair that is being compared counts as
    /// equal, so that circles end.
    constants: RefCell<HashMap<(AtomId, AtomId), Verdict>>,
}

impl<'a> Comparer<'a> {
    pub fn new(old: &'a Model, new: &'a Model) -> Self {
        Self {
            old,
            new,
            constants: RefCell::default(),
        }
    }

    /// Forgets verdicts that depended on other pairs.
    pub fn forget(&self) {
        self.constants.borrow_mut().clear();
    }

    /// Compares bytes and references; not records.
    pub fn atoms(&self, pairs: &Pairs, old: AtomId, new: AtomId) -> Verdict {
        let (a, b) = (self.old.atom(old), self.new.atom(new));
        // A static that becomes writable may begin with the same bytes, in memory that is not.
        if a.kind != b.kind || a.size != b.size || a.references.len() != b.references.len() {
            return Verdict::Different;
        }
        if let (Some(one), Some(two)) = (location(self.old, old), location(self.new, new)) {
            return match (one.file == two.file, one.position == two.position) {
                (true, true) => Verdict::Same,
                (true, false) => Verdict::Moved,
                _ => Verdict::Different,
            };
        }
        let equal = match (a.bytes.is_empty(), b.bytes.is_empty()) {
            (false, false) | (true, true) => a.bytes == b.bytes,
            // One is in .bss, and the other one is not.
            _ => a.bytes.iter().chain(&b.bytes).all(|byte| *byte == 0),
        };
        if !equal {
            return Verdict::Different;
        }
        let references = a.references.iter().zip(&b.references);
        references
            .map(|(one, two)| self.references(pairs, one, two, (old, new)))
            .max()
            .unwrap_or(Verdict::Same)
    }

    /// Compares a function with its records, or a static.
    pub fn whole(&self, pairs: &Pairs, old: AtomId, new: AtomId) -> Verdict {
        self.atoms(pairs, old, new)
            .max(self.records(pairs, old, new))
    }

    /// Compares the records of a function and their replacements.
    pub fn records(&self, pairs: &Pairs, old: AtomId, new: AtomId) -> Verdict {
        let (a, b) = (&self.old.atom(old).records, &self.new.atom(new).records);
        if a.len() != b.len() {
            return Verdict::Different;
        }
        let pairs_of = a.iter().zip(b);
        pairs_of
            .map(
                |(a, b)| match self.old.atom(*a).section == self.new.atom(*b).section {
                    true => self.atoms(pairs, *a, *b),
                    false => Verdict::Different,
                },
            )
            .max()
            .unwrap_or(Verdict::Same)
    }

    /// Compares two references. `within` are the atoms that have them, which count as a pair.
    pub fn references(
        &self,
        pairs: &Pairs,
        old: &Reference,
        new: &Reference,
        within: (AtomId, AtomId),
    ) -> Verdict {
        if (old.offset, old.kind, old.addend) != (new.offset, new.kind, new.addend) {
            return Verdict::Different;
        }
        self.targets(pairs, &old.target, &new.target, within)
    }

    fn targets(
        &self,
        pairs: &Pairs,
        old: &Target,
        new: &Target,
        within: (AtomId, AtomId),
    ) -> Verdict {
        let (Target::Atom(a), Target::Atom(b)) = (old, new) else {
            return match old == new {
                true => Verdict::Same,
                false => Verdict::Different,
            };
        };
        let (a, b) = (*a, *b);
        let identity = (a, b) == within || pairs.new_of(a) == Some(b);
        match (self.old.atom(a).kind, self.new.atom(b).kind) {
            (Kind::Function | Kind::Writable, Kind::Function | Kind::Writable) if identity => {
                Verdict::Same
            }
            (Kind::ReadOnly, Kind::ReadOnly) if identity => self.constants(pairs, a, b),
            (Kind::Constant, Kind::Constant) | (Kind::Record, Kind::Record) => {
                self.constants(pairs, a, b)
            }
            _ => Verdict::Different,
        }
    }

    /// Compares two constants by their contents, recursively.
    pub fn constants(&self, pairs: &Pairs, old: AtomId, new: AtomId) -> Verdict {
        if let Some(verdict) = self.constants.borrow().get(&(old, new)) {
            return *verdict;
        }
        self.constants
            .borrow_mut()
            .insert((old, new), Verdict::Same);
        let verdict = self.atoms(pairs, old, new);
        self.constants.borrow_mut().insert((old, new), verdict);
        verdict
    }
}

/// The place in the sources that a panic message names.
struct Location<'a> {
    file: &'a [u8],
    /// Line and column.
    position: (u32, u32),
}

/// `core::panic::Location`: pointer and length of the file's name, line, column.
fn location(model: &Model, id: AtomId) -> Option<Location<'_>> {
    let atom = model.atom(id);
    let [reference] = &*atom.references else {
        return None;
    };
    let Target::Atom(file) = reference.target else {
        return None;
    };
    let file = model.atom(file);
    if atom.kind != Kind::Constant
        || atom.size != 24
        || (reference.offset, reference.kind) != (0, 257)
        || atom.word(12) != Some(0)
        || file.kind != Kind::Constant
    {
        return None;
    }
    let start = usize::try_from(reference.addend).ok()?;
    let len = usize::try_from(atom.word(8)?).ok()?;
    let name = file.bytes.get(start..start.checked_add(len)?)?;
    name.ends_with(b".rs").then_some(Location {
        file: name,
        position: (atom.word(16)?, atom.word(20)?),
    })
}
