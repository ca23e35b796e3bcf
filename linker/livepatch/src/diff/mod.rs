//! The changes from one kept build to another.
//!
//! Functions and statics of the two builds are paired by name. Constants have no lasting name, and
//! are compared by their contents, from the functions that use them. A pair is *changed* if bytes
//! before relocation or references differ; of a panic location, line and column do not count.

mod builds;
mod carry;
mod change;
mod checks;
mod compare;
mod matching;
mod profile;
mod reasons;
mod refusal;
pub mod report;
mod statics;
mod types;

use std::collections::{BTreeSet, HashSet};

use alt_image::caps::Caps;
pub use builds::other_build;
pub use carry::{Carried, RELOCATIONS, Replaced, Resolution};
pub use change::{Change, Reason, What};
use compare::Comparer;
pub use compare::Verdict;
pub use matching::Pairs;
use reasons::Explainer;
pub use refusal::Refusal;

use crate::model::{AtomId, Kind, Model};

/// The exceptions that the author of a patch allows.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Statics that were optimised away in the old build and may begin with their initial value, by
    /// demangled name.
    pub allowed_statics: Vec<String>,
}

/// The changes from one build to another.
#[derive(Debug)]
pub struct Diff<'a> {
    old: &'a Model,
    new: &'a Model,
    pairs: Pairs,
    changes: Vec<Change>,
    changed: HashSet<AtomId>,
    refusals: Vec<Refusal>,
}

/// Compares two builds.
pub fn diff<'a>(old: &'a Model, new: &'a Model, options: &Options) -> Diff<'a> {
    let comparer = Comparer::new(old, new);
    let pairs = matching::pair(old, new, |pairs, one, other| {
        comparer.forget();
        comparer.whole(pairs, one, other) != Verdict::Different
    });
    comparer.forget();
    let mut changes = Vec::new();
    let mut differing = Vec::new();
    let mut innocent = HashSet::new();
    for (a, b) in pairs.iter() {
        let function = old.atom(a).kind == Kind::Function;
        let verdict = comparer.whole(&pairs, a, b);
        match verdict {
            Verdict::Different => differing.push((a, b)),
            Verdict::Moved => changes.push(Change {
                what: What::Moved,
                function,
                name: new.label(b),
                old: Some(a),
                new: Some(b),
                reasons: Vec::new(),
            }),
            Verdict::Same => {}
        }
        if verdict != Verdict::Different && function {
            innocent.insert(old.label(a));
            let inlined = old.function(a).map(|function| function.inlined.iter());
            innocent.extend(inlined.into_iter().flatten().map(|of| of.name.clone()));
        }
    }
    let types = types::changed(old, new);
    let explainer = Explainer {
        comparer: &comparer,
        pairs: &pairs,
        innocent,
        types: types.iter().map(|of| of.name.clone()).collect(),
        caps: cap_names(new),
    };
    for (a, b) in &differing {
        let function = old.atom(*a).kind == Kind::Function;
        changes.push(Change {
            what: What::Changed,
            function,
            name: new.label(*b),
            old: Some(*a),
            new: Some(*b),
            reasons: match function {
                true => explainer.explain(*a, *b),
                false => vec![Reason::Body],
            },
        });
    }
    changes.extend(alone(old, What::Removed, |id| pairs.new_of(id)));
    changes.extend(alone(new, What::New, |id| pairs.old_of(id)));
    changes.sort_by(|a, b| (a.what, !a.function, &a.name).cmp(&(b.what, !b.function, &b.name)));
    let mut diff = Diff {
        old,
        new,
        changed: differing.iter().map(|(_, new)| *new).collect(),
        pairs,
        changes,
        refusals: Vec::new(),
    };
    let mut refusals = checks::builds(old, new);
    refusals.extend(statics::refusals(&diff, options));
    refusals.extend(types::refusals(old, &types));
    refusals.extend(types::vtables(old, new, &diff.pairs));
    refusals.extend(checks::functions(&diff));
    refusals.extend(diff.refused_references());
    diff.add_refusals(refusals);
    diff
}

/// The tables of cpucaps in an image; an image that cannot be read here is refused elsewhere.
fn cap_names(model: &Model) -> Vec<Caps> {
    let section = model.image().section(Caps::SECTION);
    let bytes = section.map_or(&[][..], |section| model.image().contents(section));
    Caps::from_section(bytes).unwrap_or_default()
}

/// The functions and statics of one build without a partner.
fn alone(
    model: &Model,
    what: What,
    partner: impl Fn(AtomId) -> Option<AtomId>,
) -> impl Iterator<Item = Change> {
    let atoms = model.atoms().filter(|(id, atom)| {
        matching::has_identity(atom.kind) && atom.size > 0 && partner(*id).is_none()
    });
    let changes: Vec<_> = atoms
        .map(|(id, atom)| Change {
            what,
            function: atom.kind == Kind::Function,
            name: model.label(id),
            old: (what == What::Removed).then_some(id),
            new: (what == What::New).then_some(id),
            reasons: Vec::new(),
        })
        .collect();
    changes.into_iter()
}

impl<'a> Diff<'a> {
    /// The old build.
    pub fn old(&self) -> &'a Model {
        self.old
    }

    /// The new build.
    #[expect(
        clippy::new_ret_no_self,
        reason = "the pair of `old`, not a constructor"
    )]
    pub fn new(&self) -> &'a Model {
        self.new
    }

    /// The pairs of functions and of statics that are the same in both builds.
    pub fn pairs(&self) -> &Pairs {
        &self.pairs
    }

    /// The functions and statics that differ: changed, new, removed, moved, each by name.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The changes that cannot be patched.
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// Adds refusals that the comparison of functions and data does not know, such as other flags.
    pub fn add_refusals(&mut self, refusals: impl IntoIterator<Item = Refusal>) {
        let known: BTreeSet<String> = self.refusals.iter().map(ToString::to_string).collect();
        let mut seen = known;
        for refusal in refusals {
            if seen.insert(refusal.to_string()) {
                self.refusals.push(refusal);
            }
        }
        self.refusals.sort_by_key(|refusal| !refusal.is_fatal());
    }

    /// Whether an atom of the new build is changed.
    pub fn is_changed(&self, new: AtomId) -> bool {
        self.changed.contains(&new)
    }

    /// Whether something that has an effect differs.
    pub fn is_functional(&self) -> bool {
        !self.refusals.is_empty() || self.changes.iter().any(|change| change.what != What::Moved)
    }
}
