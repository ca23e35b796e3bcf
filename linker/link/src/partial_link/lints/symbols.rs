//! Symbols: exports must be defined, and no name may clash with those that the namespace adds.

use alt_diagnostic::Diagnostic;
use alt_object::object::Place;

use super::LintContext;
use crate::partial_link::rules;

pub(super) fn exports(context: &LintContext<'_>, found: &mut Vec<Diagnostic>) {
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
        let mut message = export.clone();
        if let Some(near) = nearest(export, given.chain(defined.iter().copied())) {
            message += &format!(" (did you mean `{near}`?)");
        }
        found.push(rules::NO_EXPORT.violation(None, message));
    }
}

/// The name with the smallest edit distance, at most a third of its length.
fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let distances = names.map(|other| (strsim::osa_distance(name, other), other));
    let near = distances.filter(|(distance, other)| *distance <= other.len().max(3) / 3);
    near.min().map(|(_, other)| other.to_owned())
}

pub(super) fn names(context: &LintContext<'_>, found: &mut Vec<Diagnostic>) {
    for symbol in context
        .object
        .symbols
        .iter()
        .filter(|symbol| symbol.is_name())
    {
        match symbol.place {
            Place::Undefined => {}
            Place::Common => found.push(rules::COMMON_SYMBOL.violation(None, symbol.name)),
            _ if context.name.is_on(symbol.name) => {
                found.push(rules::ALREADY_NAMED.violation(None, symbol.name));
            }
            _ => {}
        }
    }
}
