//! Sections: each matches a pattern, each pattern matches a section, and the permissions are those
//! that the name implies.

use std::collections::BTreeSet;

use alt_diagnostic::{Diagnostic, Location};
use object::elf::{SHF_EXECINSTR, SHF_WRITE};

use super::LintContext;
use crate::partial_link::rules;
use crate::partial_link::script::{ALWAYS, PROPERTIES, TABLES};

/// The section of callbacks, with any flags.
const CALLBACKS: &str = "alt_callbacks";

pub(super) fn orphans(context: &LintContext<'_>, found: &mut Vec<Diagnostic>) {
    for (_, section) in context.object.loaded() {
        let mut outputs = context.layout.0.iter();
        let known = outputs.any(|output| context.name.section(&output.name) == section.name);
        if known || TABLES.contains(&section.name) || section.name == PROPERTIES {
            continue;
        }
        if super::instrumentation::section(section.name).is_some() {
            continue;
        }
        for place in context.sections(section.name) {
            found.push(match section.name {
                CALLBACKS => {
                    let message = place.to_string();
                    rules::CALLBACK.violation(place, message)
                }
                _ => {
                    let message = format!("orphan section {place}");
                    rules::ORPHAN_SECTION.violation(place, message)
                }
            });
        }
    }
}

pub(super) fn dead_patterns(context: &LintContext<'_>, found: &mut Vec<Diagnostic>) {
    let placed = context.placed.iter().map(|placed| placed.section.as_str());
    let given = context.inputs.sections.iter().copied();
    let names: BTreeSet<&str> = placed.chain(given).collect();
    for output in &context.layout.0 {
        for pattern in output.patterns.iter().take(output.own) {
            let taken = names.iter().filter(|name| pattern.matches(name));
            let mut by: Vec<_> = taken.map(|name| context.layout.takes(name)).collect();
            if by.contains(&Some(pattern)) {
                continue;
            }
            let why = match by.pop().flatten() {
                Some(by) => format!("`{by}`, which comes first, takes all of it"),
                None => "it matches no section".to_owned(),
            };
            let output = context.name.section(&output.name);
            let message = format!("{pattern}, for {output}: {why}");
            found.push(rules::DEAD_PATTERN.violation(None, message));
        }
    }
}

/// An output section has the union of the permissions of its inputs, so inputs that need others are
/// refused.
pub(super) fn rights(context: &LintContext<'_>, found: &mut Vec<Diagnostic>) {
    for output in &context.layout.0 {
        let name = context.name.section(&output.name);
        let mut sections = context.object.loaded();
        let Some((_, section)) = sections.find(|(_, section)| section.name == name) else {
            continue;
        };
        // The linker guesses the flags of an empty section.
        if section.size == 0 {
            continue;
        }
        let (code, writable) = (section.is_code(), section.flags.contains(SHF_WRITE));
        let usual = ALWAYS.iter().find(|(usual, _)| *usual == output.name);
        let (problem, right) = match usual {
            Some((_, [true, ..])) if writable => ("writable code", SHF_WRITE),
            Some((_, [false, ..])) if code => ("executable", SHF_EXECINSTR),
            Some((_, [_, false, _])) if writable => ("writable", SHF_WRITE),
            None if code && writable => ("writable code", SHF_WRITE),
            _ => continue,
        };
        let mut inputs = context.placed.iter().filter(|placed| placed.output == name);
        // The input with this flag, if it is known; bitcode has no sections yet.
        let input = inputs.find(|placed| context.inputs.has(&placed.section, right));
        let place = match input {
            Some(placed) => Location::Part {
                name: placed.section.clone(),
                file: Some(placed.file_name().to_owned()),
            },
            None => Location::Part {
                name: name.clone(),
                file: None,
            },
        };
        let message = format!("{name} would be {problem}: {place}");
        found.push(rules::RIGHTS.violation(place, message));
    }
}
