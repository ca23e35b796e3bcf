//! Statics and tables that cannot be patched.

use std::collections::BTreeMap;

use crate::model::{Atom, AtomId, Kind, Model, Target, names};

use super::change::What;
use super::refusal::Refusal;
use super::{Diff, Options, reasons};

/// The refusals for statics and for tables that the linker collects.
pub(super) fn refusals(diff: &Diff<'_>, options: &Options) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for change in diff.changes().iter().filter(|change| !change.function) {
        let (old, new) = (change.old, change.new);
        match (change.what, old, new) {
            (What::Changed, Some(old), Some(new)) => changed(diff, old, new, &mut refusals),
            (What::New, _, Some(new)) => {
                let atom = diff.new().atom(new);
                if is_table(atom) {
                    refusals.push(entry(diff.new(), new, "new"));
                } else if is_revived(diff.old(), atom)
                    && !options.allowed_statics.contains(&change.name)
                {
                    let name = change.name.clone();
                    refusals.push(Refusal::Revived { name });
                }
            }
            (What::Removed, Some(old), _) if is_table(diff.old().atom(old)) => {
                refusals.push(entry(diff.old(), old, "removed"));
            }
            _ => {}
        }
    }
    refusals.extend(anonymous_tables(diff));
    refusals
}

fn changed(diff: &Diff<'_>, old: AtomId, new: AtomId, refusals: &mut Vec<Refusal>) {
    let (a, b) = (diff.old().atom(old), diff.new().atom(new));
    let name = diff.new().label(new);
    if is_table(b) {
        refusals.push(entry(diff.new(), new, "changed"));
    } else if a.kind != b.kind {
        refusals.push(Refusal::Mutability { name });
    } else if a.kind == Kind::ReadOnly {
        // The functions that use it are carried with a copy.
    } else if a.size != b.size {
        let (old, new) = (a.size, b.size);
        refusals.push(Refusal::Size { name, old, new });
    } else {
        refusals.push(Refusal::Initialiser {
            name,
            old: value(diff.old(), a),
            new: value(diff.new(), b),
        });
    }
}

/// Whether a static is an entry of a table: its author named the section, and the kernel finds it
/// there, by the bounds of the section.
fn is_table(atom: &Atom) -> bool {
    atom.placed_by_name && atom.kind != Kind::Function && !atom.section.starts_with("alt_")
}

fn entry(model: &Model, id: AtomId, what: &'static str) -> Refusal {
    Refusal::Registry {
        table: model.atom(id).section.clone(),
        name: model.label(id),
        what,
    }
}

/// Whether the old build has the static, but no memory for it.
fn is_revived(old: &Model, atom: &Atom) -> bool {
    let stable = names::stable(atom.name());
    let statics = &old.debug().statics;
    atom.kind == Kind::Writable
        && (statics.contains_key(atom.name())
            || statics.keys().any(|name| names::stable(name) == stable))
}

/// Entries without a symbol, as assembly adds them to a table: compared as a list by content.
fn anonymous_tables(diff: &Diff<'_>) -> Vec<Refusal> {
    let entries = |model: &Model| {
        let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (_, atom) in model.atoms() {
            if atom.kind == Kind::Constant && is_table(atom) {
                let content = content(model, atom);
                tables
                    .entry(atom.section.clone())
                    .or_default()
                    .push(content);
            }
        }
        tables
    };
    let (mut old, new) = (entries(diff.old()), entries(diff.new()));
    let mut refusals = Vec::new();
    let mut refuse = |table: &str, name: String, what| {
        let table = table.to_owned();
        refusals.push(Refusal::Registry { table, name, what });
    };
    for (table, list) in new {
        let before = old.entry(table.clone()).or_default();
        for content in list {
            match before.iter().position(|one| *one == content) {
                Some(at) => drop(before.remove(at)),
                None => refuse(&table, content, "new"),
            }
        }
    }
    for (table, list) in old {
        for content in list {
            refuse(&table, content, "removed");
        }
    }
    refusals
}

/// Bytes and references of an entry, by stable names.
fn content(model: &Model, atom: &Atom) -> String {
    let mut text = value(model, atom);
    for reference in &atom.references {
        let name = match &reference.target {
            Target::Atom(to) if model.atom(*to).kind == Kind::Constant => {
                reasons::describe(model, *to)
            }
            Target::Atom(to) => model.label(*to),
            Target::Linker(name) | Target::Absent(name) => name.clone(),
        };
        // An offset in a function changes with its body, and is judged as a label there.
        text += &format!(" +{}: {name}", reference.offset);
    }
    text
}

/// The bytes of a static in hexadecimal, as much as fits into a line; small ones as a number.
fn value(model: &Model, atom: &Atom) -> String {
    const MOST: usize = 16;
    let size = usize::try_from(atom.size).unwrap_or(usize::MAX);
    let mut bytes = atom.bytes.clone();
    bytes.resize(size.min(1 << 20), 0);
    if let [reference] = &*atom.references
        && atom.size == 8
    {
        return match &reference.target {
            Target::Atom(to) => format!("&{}", reasons::name_of(model, *to)),
            Target::Linker(name) | Target::Absent(name) => format!("&{name}"),
        };
    }
    if matches!(size, 1 | 2 | 4 | 8) {
        let mut word = [0; 8];
        word[..size].copy_from_slice(&bytes);
        return format!("{:#x}", u64::from_le_bytes(word));
    }
    let text: Vec<_> = bytes
        .iter()
        .take(MOST)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let rest = if bytes.len() > MOST { " …" } else { "" };
    format!("{}{rest}", text.join(" "))
}
