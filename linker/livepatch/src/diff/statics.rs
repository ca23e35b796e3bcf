//! Statics and tables that cannot be patched.

use std::collections::BTreeMap;

use crate::model::{Atom, AtomId, Kind, Model, Reference, Target, names};

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
/// there, by the bounds of the section. Log strings of `defmt` are not loaded, and no table.
fn is_table(atom: &Atom) -> bool {
    let is_ours = ["alt_", ".defmt"]
        .iter()
        .any(|start| atom.section.starts_with(start));
    atom.placed_by_name && atom.kind != Kind::Function && !is_ours
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

/// Tables of entries without a symbol, as assembly adds them: compared as lists of the targets that they refer
/// to, and then by their bytes.
fn anonymous_tables(diff: &Diff<'_>) -> Vec<Refusal> {
    type Table = (Vec<String>, Vec<u8>);
    let tables = |model: &Model| {
        let mut tables: BTreeMap<String, Table> = BTreeMap::new();
        for (_, atom) in model.atoms() {
            if atom.kind == Kind::Constant && is_table(atom) {
                let (entries, bytes) = tables.entry(atom.section.clone()).or_default();
                entries.extend(
                    atom.references
                        .iter()
                        .map(|reference| target(model, reference)),
                );
                bytes.extend(&atom.bytes);
            }
        }
        tables
    };
    let (mut old, new) = (tables(diff.old()), tables(diff.new()));
    let mut refusals = Vec::new();
    let mut refuse = |table: &str, name: String, what| {
        let table = table.to_owned();
        refusals.push(Refusal::Registry { table, name, what });
    };
    for (table, (entries, bytes)) in new {
        let (mut before, before_bytes) = old.remove(&table).unwrap_or_default();
        let same = entries == before;
        for entry in entries {
            match before.iter().position(|one| *one == entry) {
                Some(at) => drop(before.remove(at)),
                None => refuse(&table, entry, "new"),
            }
        }
        for entry in before {
            refuse(&table, entry, "removed");
        }
        if same && bytes != before_bytes {
            refuse(&table, "without a name".to_owned(), "changed");
        }
    }
    for (table, (entries, _)) in old {
        for entry in entries {
            refuse(&table, entry, "removed");
        }
    }
    refusals
}

/// The target of an entry. The offset in a function changes with its body, and is judged as a label
/// there.
fn target(model: &Model, reference: &Reference) -> String {
    match &reference.target {
        Target::Atom(to) => reasons::name_of(model, *to),
        Target::Linker(name) | Target::Absent(name) => name.clone(),
    }
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
        return format!("&{}", target(model, reference));
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
