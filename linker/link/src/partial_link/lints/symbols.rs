//! Symbols: exports must be defined, and no name may clash with those that the namespace adds.

use alt_object::object::Place;

use super::LintContext;
use crate::partial_link::refusal::Refusal;

pub(super) fn exports(context: &LintContext<'_>, found: &mut Vec<Refusal>) {
    let object = context.object;
    let defined = object
        .symbols
        .iter()
        .filter(|symbol| symbol.is_name() && !symbol.local && symbol.place != Place::Undefined);
    let defined: Vec<&str> = defined.map(|symbol| symbol.name).collect();
    for export in &context.manifest.exports {
        if defined.contains(&export.as_str()) {
            continue;
        }
        let given = context.inputs.globals.iter().copied();
        found.push(Refusal::NoExport {
            name: export.clone(),
            near: nearest(export, given.chain(defined.iter().copied())),
        });
    }
}

/// The name with the smallest edit distance, at most a third of its length.
fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let distances = names.map(|other| (strsim::osa_distance(name, other), other));
    let near = distances.filter(|(distance, other)| *distance <= other.len().max(3) / 3);
    near.min().map(|(_, other)| other.to_owned())
}

pub(super) fn names(context: &LintContext<'_>, found: &mut Vec<Refusal>) {
    for symbol in context
        .object
        .symbols
        .iter()
        .filter(|symbol| symbol.is_name())
    {
        match symbol.place {
            Place::Undefined => {}
            Place::Common => found.push(Refusal::Common(symbol.name.to_owned())),
            _ if context.name.is_on(symbol.name) => {
                found.push(Refusal::AlreadyNamed(symbol.name.to_owned()));
            }
            _ => {}
        }
    }
}
