//! Sections: each matches a pattern, each pattern matches a section, and the permissions are those
//! that the name implies.

use std::collections::BTreeSet;

use object::elf::{SHF_EXECINSTR, SHF_WRITE};

use super::LintContext;
use crate::partial_link::refusal::Refusal;
use crate::partial_link::script::{ALWAYS, TABLES};

/// The section of callbacks, whatever its flags.
const CALLBACKS: &str = "alt_callbacks";

pub(super) fn orphans(context: &LintContext<'_>, found: &mut Vec<Refusal>) {
    for (_, section) in context.object.loaded() {
        let mut outputs = context.layout.0.iter();
        let known = outputs.any(|output| context.name.section(&output.name) == section.name);
        if known || TABLES.contains(&section.name) {
            continue;
        }
        if super::instrumentation::section(section.name).is_some() {
            continue;
        }
        for file in context.files(section.name) {
            found.push(match section.name {
                CALLBACKS => Refusal::Callbacks { file },
                name => Refusal::Orphan {
                    section: name.to_owned(),
                    file,
                },
            });
        }
    }
}

pub(super) fn dead_patterns(context: &LintContext<'_>, found: &mut Vec<Refusal>) {
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
            let by = by.pop().flatten();
            found.push(Refusal::DeadPattern {
                pattern: pattern.to_string(),
                output: context.name.section(&output.name),
                by: by.map(ToString::to_string),
            });
        }
    }
}

/// An output section has the union of the permissions of its inputs, so inputs that need others are
/// refused.
pub(super) fn rights(context: &LintContext<'_>, found: &mut Vec<Refusal>) {
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
        let (input, file) = match input {
            Some(placed) => (placed.section.clone(), Some(placed.file_name().to_owned())),
            None => (name.clone(), None),
        };
        found.push(Refusal::Rights {
            section: name,
            found: problem,
            input,
            file,
        });
    }
}
