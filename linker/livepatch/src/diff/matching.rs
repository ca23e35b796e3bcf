//! The pairs of functions and of statics that are the same in both builds.

use std::collections::{BTreeMap, HashMap};

use crate::model::{AtomId, Kind, Model, names};

/// The pairs of functions and statics.
#[derive(Debug, Default)]
pub struct Pairs {
    to_new: HashMap<AtomId, AtomId>,
    to_old: HashMap<AtomId, AtomId>,
}

impl Pairs {
    /// The atom of the new build that an atom of the old build became.
    pub fn new_of(&self, old: AtomId) -> Option<AtomId> {
        self.to_new.get(&old).copied()
    }

    /// The atom of the old build from which an atom of the new build came.
    pub fn old_of(&self, new: AtomId) -> Option<AtomId> {
        self.to_old.get(&new).copied()
    }

    /// Adds a pair.
    pub(super) fn add(&mut self, old: AtomId, new: AtomId) {
        self.to_new.insert(old, new);
        self.to_old.insert(new, old);
    }

    /// All pairs, in the order of the old build.
    pub fn iter(&self) -> impl Iterator<Item = (AtomId, AtomId)> {
        let mut pairs: Vec<_> = self.to_new.iter().map(|(old, new)| (*old, *new)).collect();
        pairs.sort_unstable();
        pairs.into_iter()
    }
}

/// The atoms that have an identity: functions and statics.
pub(super) fn has_identity(kind: Kind) -> bool {
    kind == Kind::Function || kind.is_static()
}

/// The key of an atom of a build.
type Key<'k> = dyn Fn(&Model, AtomId) -> Vec<String> + 'k;

type Groups = BTreeMap<Vec<String>, (Vec<AtomId>, Vec<AtomId>)>;

/// Pairs functions and statics by name: the exact name in the same input, the exact name, the name
/// that is stable with generic arguments, and the stable name. Remaining ambiguities are decided by
/// `same`, and then by order.
pub(super) fn pair(
    old: &Model,
    new: &Model,
    same: impl Fn(&Pairs, AtomId, AtomId) -> bool,
) -> Pairs {
    let mut pairs = Pairs::default();
    let exact_here = |model: &Model, id| {
        let atom = model.atom(id);
        vec![
            stable_name(atom.name()),
            stable_input(&model.inputs()[atom.input]),
        ]
    };
    let exact = |model: &Model, id| vec![stable_name(model.atom(id).name())];
    let with_arguments = |model: &Model, id: AtomId| {
        let short = model.function(id).map(|function| function.name.clone());
        vec![model.label(id), short.unwrap_or_default()]
    };
    let stable = |model: &Model, id| vec![names::stable(&stable_name(model.atom(id).name()))];
    let rounds: [&Key<'_>; 4] = [&exact_here, &exact, &with_arguments, &stable];
    for key in rounds {
        for (old_ids, new_ids) in groups(old, new, &pairs, key).into_values() {
            if let ([old], [new]) = (&*old_ids, &*new_ids) {
                pairs.add(*old, *new);
            }
        }
    }
    for key in rounds {
        for (mut old_ids, mut new_ids) in groups(old, new, &pairs, key).into_values() {
            old_ids.retain(|one| {
                let found = new_ids.iter().position(|other| same(&pairs, *one, *other));
                if let Some(at) = found {
                    pairs.add(*one, new_ids.remove(at));
                }
                found.is_none()
            });
            if old_ids.len() == new_ids.len() {
                for (old, new) in old_ids.into_iter().zip(new_ids) {
                    pairs.add(old, new);
                }
            }
        }
    }
    pairs
}

/// The atoms without a partner, by key.
fn groups(
    old: &Model,
    new: &Model,
    pairs: &Pairs,
    key: &dyn Fn(&Model, AtomId) -> Vec<String>,
) -> Groups {
    let mut groups = Groups::new();
    let with_class = |model: &Model, id: AtomId| {
        let class = match model.atom(id).kind {
            Kind::Function => "function",
            _ => "static",
        };
        let mut key = key(model, id);
        key.push(class.to_owned());
        key
    };
    for (id, atom) in old.atoms() {
        if has_identity(atom.kind) && pairs.new_of(id).is_none() {
            groups.entry(with_class(old, id)).or_default().0.push(id);
        }
    }
    for (id, atom) in new.atoms() {
        if has_identity(atom.kind) && pairs.old_of(id).is_none() {
            groups.entry(with_class(new, id)).or_default().1.push(id);
        }
    }
    groups
}

/// A name without the suffix of LLVM. All names that LLVM generates are equal.
fn stable_name(name: &str) -> String {
    match names::is_anonymous(name) || name.contains("..L") {
        true => "(anonymous)".to_owned(),
        false => names::without_suffix(name).to_owned(),
    }
}

/// The name of an input without folders and hashes: `libdep.rlib(libdep.dep.-cgu.0.rcgu.o)`.
fn stable_input(name: &str) -> String {
    let archive = name.find('(').unwrap_or(name.len());
    let folder = name[..archive].rfind('/').map_or(0, |at| at + 1);
    let mut stable = String::new();
    let mut word = String::new();
    for letter in name[folder..].chars().chain(['.']) {
        if letter.is_ascii_alphanumeric() {
            word.push(letter);
            continue;
        }
        if word.len() < 16 || !word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            stable.push_str(&word);
        }
        word.clear();
        stable.push(letter);
    }
    stable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_of_two_builds_have_one_name() {
        let one =
            stable_input("/a/libdep-0123456789abcdef.rlib(dep.9964fcfebc22aae7-cgu.0.rcgu.o)");
        let two =
            stable_input("/b/libdep-fedcba9876543210.rlib(dep.0000fcfebc22aae7-cgu.0.rcgu.o)");
        assert_eq!(one, two);
        assert_ne!(
            one,
            stable_input("/b/libdop.rlib(dop.0000fcfebc22aae7-cgu.0.rcgu.o)")
        );
    }
}
