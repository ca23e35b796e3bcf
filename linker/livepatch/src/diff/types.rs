//! Types whose layout changed, and vtables whose methods changed.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::layout::Layout;
use crate::model::{Kind, Model, Target};

use super::matching::Pairs;
use super::refusal::Refusal;

/// A type whose layout changed.
pub(super) struct ChangedType {
    pub name: String,
    pub old: Layout,
    pub new: Layout,
    /// Only because a type that it contains changed.
    pub follows: bool,
}

/// The types whose layout changed so that values in memory cannot be used.
pub(super) fn changed(old: &Model, new: &Model) -> Vec<ChangedType> {
    let mut found = BTreeMap::new();
    for (name, before) in &old.debug().types {
        let Some(after) = new.debug().types.get(name) else {
            continue;
        };
        if name.ends_with("::{vtable_type}") || before == after {
            continue;
        }
        // Two versions of one crate have several layouts of a name: each must still be there.
        let lost = before
            .iter()
            .find(|old| !after.iter().any(|new| new.accepts(old)));
        let added = after
            .iter()
            .find(|new| !before.iter().any(|old| new.accepts(old)));
        if let (Some(old), Some(new)) = (lost, added) {
            found.insert(name.clone(), (old.clone(), new.clone()));
        }
    }
    let names: BTreeSet<String> = found.keys().cloned().collect();
    let changed = found.into_iter().map(|(name, (old, new))| {
        let members = |layout: &Layout| -> BTreeSet<(String, Option<String>, String)> {
            let list = layout.members.iter();
            list.map(|m| (m.name.clone(), m.variant.clone(), m.type_name.clone()))
                .collect()
        };
        let contains = new
            .members
            .iter()
            .any(|member| names.contains(&element(&member.type_name)));
        ChangedType {
            follows: contains && members(&old) == members(&new),
            name,
            old,
            new,
        }
    });
    changed.collect()
}

/// The element type of an array.
fn element(name: &str) -> String {
    let mut name = name;
    while let Some(inner) = name.strip_prefix('[') {
        name = inner.rsplit_once(';').map_or(inner, |(element, _)| element);
    }
    name.to_owned()
}

/// The refusals for types that changed.
pub(super) fn refusals(old: &Model, changed: &[ChangedType]) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for of in changed.iter().filter(|of| !of.follows) {
        let name = of.name.clone();
        if let Some(state) = state(&name) {
            refusals.push(Refusal::State { name: state });
        } else if name.contains("{closure_env#") {
            // A closure that is not called through a pointer is only used by functions that are carried
            // together.
            if called_by_pointer(old, &name) {
                refusals.push(Refusal::State { name });
            }
        } else {
            refusals.push(Refusal::Layout {
                name,
                old: of.old.clone(),
                new: of.new.clone(),
            });
        }
    }
    refusals
}

/// The state of an `async` function or a coroutine, without the name of the variant.
fn state(name: &str) -> Option<String> {
    let starts = ["{async_", "{gen_", "{coroutine_"];
    let start = starts.iter().find_map(|start| name.find(start))?;
    let end = name[start..]
        .find('}')
        .map_or(name.len(), |end| start + end + 1);
    Some(name[..end].to_owned())
}

/// Whether data refers to the code of a closure.
fn called_by_pointer(model: &Model, environment: &str) -> bool {
    let code = environment.replace("{closure_env#", "{closure#");
    let short = code.rsplit("::").next().unwrap_or_default();
    let path = code.strip_suffix(short).unwrap_or_default();
    model.atoms().any(|(_, atom)| {
        atom.kind != Kind::Function
            && atom.kind != Kind::Record
            && atom
                .references
                .iter()
                .any(|reference| match reference.target {
                    Target::Atom(to) if model.atom(to).kind == Kind::Function => {
                        let label = model.label(to);
                        label.starts_with(path) && label.ends_with(short)
                            || label.starts_with("core::ops::function::FnOnce::call_once")
                                && model
                                    .function(to)
                                    .is_some_and(|function| function.types.contains(environment))
                    }
                    _ => false,
                })
    })
}

/// The refusals for vtables, by name.
pub(super) fn vtables(old: &Model, new: &Model, pairs: &Pairs) -> Vec<Refusal> {
    let by_name = |model: &Model| -> BTreeMap<String, Vec<u64>> {
        let mut names: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for (address, name) in &model.debug().vtables {
            names.entry(name.clone()).or_default().push(*address);
        }
        names
    };
    let after = by_name(new);
    let mut refusals = lengths(old, new);
    for (name, addresses) in by_name(old) {
        // Closures of one name share it; which is which is not known.
        let ([old_at], Some([new_at])) = (&*addresses, after.get(&name).map(Vec::as_slice)) else {
            continue;
        };
        let (Some(a), Some(b)) = (old.at(*old_at).first(), new.at(*new_at).first()) else {
            continue;
        };
        let (a, b) = (old.atom(*a), new.atom(*b));
        let short = name.trim_end_matches("::{vtable}").to_owned();
        if a.size != b.size {
            continue;
        }
        let slots = a.references.iter().zip(&b.references);
        let other = slots.filter(|(one, two)| match (&one.target, &two.target) {
            (Target::Atom(one), Target::Atom(two)) => pairs.new_of(*one) != Some(*two),
            (one, two) => one != two,
        });
        if let Some((_, two)) = other.into_iter().next() {
            let method = match two.target {
                Target::Atom(to) => new.label(to),
                _ => String::new(),
            };
            let why = format!("method {} is {method}", (two.offset / 8).saturating_sub(3));
            refusals.push(Refusal::Vtable { name: short, why });
        }
    }
    refusals
}

/// The refusals for vtables with another number of methods. The debug information has their types
/// even where the optimiser lost their places.
fn lengths(old: &Model, new: &Model) -> Vec<Refusal> {
    const SUFFIX: &str = "::{vtable_type}";
    // Drop, size and alignment come first.
    let methods = |size: u64| (size / 8).saturating_sub(3);
    let mut refusals = Vec::new();
    for (name, before) in &old.debug().types {
        let Some((short, after)) = name.strip_suffix(SUFFIX).zip(new.debug().types.get(name))
        else {
            continue;
        };
        let sizes = |layouts: &BTreeSet<Layout>| -> BTreeSet<u64> {
            layouts.iter().map(|layout| layout.size).collect()
        };
        let (before, after) = (sizes(before), sizes(after));
        if let (Some(old), Some(new)) = (before.first(), after.first())
            && before != after
        {
            let why = format!("{} methods, now {}", methods(*old), methods(*new));
            refusals.push(Refusal::Vtable {
                name: short.to_owned(),
                why,
            });
        }
    }
    refusals
}
