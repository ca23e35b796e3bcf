//! Builds and functions that cannot be patched.

use std::collections::{BTreeMap, BTreeSet};

use alt_image::image::Image;

use crate::model::{Atom, AtomId, Kind, Model, Target};

use super::Diff;
use super::change::What;
use super::refusal::Refusal;

/// How the sections of the code that runs while text is inconsistent begin.
const PATCHER: &str = ".text.alt_patcher";

/// Conditions under which a comparison has no meaning, for both builds.
pub(super) fn builds(old: &Model, new: &Model) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let producers = |model: &Model| -> BTreeSet<String> {
        let units = model.debug().units.iter();
        units
            .map(|unit| unit.producer.clone())
            .filter(|name| name.contains("rustc"))
            .collect()
    };
    let (before, after) = (producers(old), producers(new));
    for (build, model) in [("old", old), ("new", new)] {
        if model.debug().units.is_empty() {
            refusals.push(Refusal::NoDebugInformation { build });
        }
        refusals.extend(units(model));
        refusals.extend(not_from_inputs(build, model));
    }
    if before != after && !before.is_empty() && !after.is_empty() {
        let text = |set: BTreeSet<String>| set.into_iter().collect::<Vec<_>>().join(", ");
        refusals.push(Refusal::OtherBuild {
            what: "compiler".to_owned(),
            old: text(before),
            new: text(after),
        });
    }
    refusals
}

/// Crates with more than one codegen unit; those of the toolchain do not change.
fn units(model: &Model) -> Vec<Refusal> {
    // An image may have two builds of one crate, as the variants of a hypervisor. Then they differ
    // in the hash: `hyp.1234-cgu.0`.
    let mut crates: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for unit in &model.debug().units {
        let Some((root, name)) = unit.name.split_once("/@/") else {
            continue;
        };
        if unit.directory.starts_with("/rustc/") || unit.directory.contains("/rustlib/") {
            continue;
        }
        let build = name.rsplit_once("-cgu.").map_or(root, |(build, _)| build);
        crates
            .entry((&unit.directory, build))
            .or_default()
            .insert(name);
    }
    let several = crates.into_values().filter(|names| names.len() > 1);
    several
        .map(|names| Refusal::CodegenUnits {
            name: names
                .first()
                .and_then(|name| name.split('.').next())
                .unwrap_or_default()
                .to_owned(),
            units: names.len(),
        })
        .collect()
}

/// The first function or datum whose bytes in the image are not those of the inputs.
fn not_from_inputs(build: &'static str, model: &Model) -> Option<Refusal> {
    let functions = model
        .atoms()
        .filter(|(_, atom)| atom.kind == Kind::Function && atom.size > 0);
    let mut any = false;
    for (id, atom) in functions {
        any = true;
        if let Some(why) = differs(model.image(), atom) {
            return Some(Refusal::NotFromInputs {
                build,
                name: model.label(id),
                why,
            });
        }
    }
    (!any).then(|| Refusal::NotFromInputs {
        build,
        name: "the map".to_owned(),
        why: "no function of the inputs is in it".to_owned(),
    })
}

/// Compares the parts that the linker did not relocate.
fn differs(image: &Image, atom: &Atom) -> Option<String> {
    let address = atom.address?;
    let Some(bytes) = image.bytes(address, atom.bytes.len()) else {
        return Some(format!("the image has no text at {address:#x}"));
    };
    let words = atom
        .bytes
        .as_chunks::<4>()
        .0
        .iter()
        .zip(bytes.as_chunks::<4>().0);
    for (index, (expected, found)) in words.enumerate() {
        let at = index as u64 * 4;
        let relocated = atom
            .references
            .iter()
            .any(|r| (at..at + 4).contains(&r.offset));
        if expected != found && !relocated {
            let (expected, found) = (u32::from_le_bytes(*expected), u32::from_le_bytes(*found));
            return Some(format!(
                "{expected:08x} at offset {at:#x}, and {found:08x} in the image"
            ));
        }
    }
    None
}

/// The refusals for changed functions.
pub(super) fn functions(diff: &Diff<'_>) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let changed = diff.changes().iter();
    let changed = changed.filter(|change| change.function && change.what == What::Changed);
    for (old, new) in changed.filter_map(|change| change.old.zip(change.new)) {
        let name = diff.old().label(old);
        let atom = diff.old().atom(old);
        let address = atom.address.unwrap_or_default();
        if diff.is_freed(address) || atom.output.starts_with(".init") {
            refusals.push(Refusal::Init { name });
        } else if atom.section.starts_with(PATCHER) {
            refusals.push(Refusal::Patcher { name });
        } else if atom.output.starts_with(".hyp") || atom.section.starts_with(".hyp") {
            let section = atom.output.clone();
            refusals.push(Refusal::Namespace { name, section });
        } else if let Some(refusal) = entry(diff, &name, old, new) {
            refusals.push(refusal);
        } else if diff.old().function(old).is_none() {
            refusals.push(Refusal::Assembly { name });
        } else {
            refusals.extend(aliases(diff, &name, old, new));
            refusals.extend(labels(diff, &name, old));
        }
    }
    refusals
}

/// Whether an instruction is a landing pad for branches: BTI, PACIASP, PACIBSP (Arm ARM D8.4.5,
/// "Branch Target Identification").
fn is_landing_pad(word: u32) -> bool {
    word & 0xffff_ff3f == 0xd503_241f || matches!(word, 0xd503_233f | 0xd503_237f)
}

/// The room for the branch at the entry.
fn entry(diff: &Diff<'_>, name: &str, old: AtomId, new: AtomId) -> Option<Refusal> {
    let (a, b) = (diff.old().atom(old), diff.new().atom(new));
    let name = name.to_owned();
    let first = |atom: &Atom| atom.word(0).filter(|word| is_landing_pad(*word));
    let needed = if first(a).is_some() { 8 } else { 4 };
    if a.size < needed {
        let size = a.size;
        return Some(Refusal::TooShort { name, size, needed });
    }
    (first(a) != first(b)).then_some(Refusal::LandingPad { name })
}

/// Other functions at the same address, which are not changed alike.
fn aliases(diff: &Diff<'_>, name: &str, old: AtomId, new: AtomId) -> Vec<Refusal> {
    let atom = diff.old().atom(old);
    let here: Vec<&str> = atom
        .names
        .iter()
        .filter(|name| name.offset == 0)
        .map(|name| &*name.name)
        .collect();
    // Names that the image has at this address: of this atom, and of others that were folded.
    let symbols = diff.old().image().symbols().iter();
    let at = symbols.filter(|symbol| symbol.function && Some(symbol.range.start) == atom.address);
    let names = at
        .map(|symbol| &*symbol.name)
        .filter(|other| Some(*other) != here.first().copied());
    let now = diff.new().atom(new);
    let mut refusals = Vec::new();
    for other in names {
        let still = now
            .names
            .iter()
            .any(|name| name.offset == 0 && name.name == other);
        let equal = diff.new().atoms().find(|(_, atom)| {
            atom.kind == Kind::Function
                && atom
                    .names
                    .iter()
                    .any(|name| name.offset == 0 && name.name == other)
        });
        let alike = equal
            .is_some_and(|(_, atom)| atom.bytes == now.bytes && atom.references == now.references);
        let gone = equal.is_none() && diff.new().image().symbol(other).is_none();
        if !still && !alike && !gone {
            refusals.push(Refusal::Aliases {
                name: name.to_owned(),
                other: crate::model::names::stable(other),
            });
        }
    }
    refusals
}

/// References of others into the middle of a function.
fn labels(diff: &Diff<'_>, name: &str, old: AtomId) -> Vec<Refusal> {
    let model = diff.old();
    let atom = model.atom(old);
    let uses: BTreeSet<AtomId> = atom
        .references
        .iter()
        .filter_map(|reference| match reference.target {
            Target::Atom(to) if model.atom(to).kind == Kind::Constant => Some(to),
            _ => None,
        })
        .collect();
    let others = model
        .atoms()
        .filter(|(id, other)| *id != old && other.kind != Kind::Record && !uses.contains(id));
    let mut refusals = Vec::new();
    for (id, other) in others {
        let into = other.references.iter().find(|reference| {
            reference.target == Target::Atom(old)
                && (1..atom.size as i64).contains(&reference.addend)
        });
        if let Some(reference) = into {
            refusals.push(Refusal::Label {
                name: name.to_owned(),
                by: match other.placed_by_name && other.kind != Kind::Function {
                    true => format!("the table {}", other.section),
                    false => super::reasons::name_of(model, id),
                },
                offset: reference.addend as u64,
            });
        }
    }
    refusals
}
