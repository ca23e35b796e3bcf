//! Why a function differs.

use std::collections::{BTreeSet, HashSet};

use alt_image::caps::Caps;
use alt_runtime::record::{AlternativeRecord, BranchRecord, Condition};

use crate::model::{AtomId, Kind, Model, Target, debug};

use super::change::Reason;
use super::compare::{Comparer, Verdict};
use super::matching::Pairs;
use super::profile;

/// The data that explains changes.
pub(super) struct Explainer<'a> {
    pub comparer: &'a Comparer<'a>,
    pub pairs: &'a Pairs,
    /// Functions whose code is in an unchanged function, inlined or not: they did not change.
    pub innocent: HashSet<String>,
    /// The types whose layout changed, and the types that contain them.
    pub types: BTreeSet<String>,
    /// The tables of cpucaps.
    pub caps: Vec<Caps>,
}

impl Explainer<'_> {
    /// The reasons why a function differs.
    pub fn explain(&self, old: AtomId, new: AtomId) -> Vec<Reason> {
        let mut reasons = BTreeSet::new();
        if self.code_differs(old, new) {
            self.code(old, new, &mut reasons);
        } else {
            self.constants(old, new, &mut reasons);
        }
        self.replacements(old, new, &mut reasons);
        if reasons.is_empty() {
            reasons.insert(Reason::Body);
        }
        reasons.into_iter().collect()
    }

    /// Whether more differs than constants and records.
    fn code_differs(&self, old: AtomId, new: AtomId) -> bool {
        let (a, b) = (self.comparer.old.atom(old), self.comparer.new.atom(new));
        a.bytes != b.bytes
            || a.references.len() != b.references.len()
            || a.references.iter().zip(&b.references).any(|(one, two)| {
                let verdict = self.comparer.references(self.pairs, one, two, (old, new));
                verdict == Verdict::Different && constant_pair(self.comparer, one, two).is_none()
            })
    }

    fn code(&self, old: AtomId, new: AtomId, reasons: &mut BTreeSet<Reason>) {
        let (old_model, new_model) = (self.comparer.old, self.comparer.new);
        let suspect =
            |scope: &debug::Inlined| !scope.toolchain && !self.innocent.contains(&scope.name);
        let before = profile::profile(old_model, old, &suspect, &|id| self.pairs.new_of(id));
        let after = profile::profile(new_model, new, &suspect, &Some);
        let there = profile::inlined(old_model, old);
        let still = profile::inlined(new_model, new);
        let own = before.get(&None) != after.get(&None);
        let inlined: BTreeSet<String> = before
            .iter()
            .chain(&after)
            .filter_map(|(scope, _)| {
                scope
                    .clone()
                    .filter(|_| before.get(scope) != after.get(scope))
            })
            .filter(|name| there.contains(&**name) && still.contains(&**name))
            .collect();
        let lines_differ = own_lines(old_model, old) != own_lines(new_model, new);
        let functions = [old_model.function(old), new_model.function(new)];
        let types: BTreeSet<_> = functions
            .into_iter()
            .flatten()
            .flat_map(|function| &function.types)
            .filter(|name| self.types.contains(*name))
            .collect();
        if inlined.is_empty() && types.is_empty() || own && lines_differ {
            reasons.insert(Reason::Body);
        }
        reasons.extend(inlined.into_iter().map(Reason::Inlined));
        reasons.extend(types.into_iter().cloned().map(Reason::Type));
    }

    fn constants(&self, old: AtomId, new: AtomId, reasons: &mut BTreeSet<Reason>) {
        let (a, b) = (self.comparer.old.atom(old), self.comparer.new.atom(new));
        for (one, two) in a.references.iter().zip(&b.references) {
            let verdict = self.comparer.references(self.pairs, one, two, (old, new));
            if verdict == Verdict::Different
                && let Some((a, b)) = constant_pair(self.comparer, one, two)
            {
                let (_, leaf) = self.leaf(a, b, 0);
                reasons.insert(Reason::Constant(describe(self.comparer.new, leaf)));
            }
        }
    }

    /// The first constant, in depth, whose own bytes differ.
    fn leaf(&self, old: AtomId, new: AtomId, depth: usize) -> (AtomId, AtomId) {
        let (a, b) = (self.comparer.old.atom(old), self.comparer.new.atom(new));
        // A circle of constants ends.
        if depth < 16 && a.kind == Kind::Constant {
            for (one, two) in a.references.iter().zip(&b.references) {
                if let Some((a, b)) = constant_pair(self.comparer, one, two)
                    && self.comparer.constants(self.pairs, a, b) == Verdict::Different
                {
                    return self.leaf(a, b, depth + 1);
                }
            }
        }
        (old, new)
    }

    /// The name of a cpucap; its number where the image has no table.
    fn cap(&self, number: u16) -> String {
        let name = self.caps.iter().find_map(|caps| caps.name(number));
        name.map_or_else(|| format!("cpucap {number}"), str::to_owned)
    }

    fn replacements(&self, old: AtomId, new: AtomId, reasons: &mut BTreeSet<Reason>) {
        let (one, two) = (arms(self.comparer.old, old), arms(self.comparer.new, new));
        for index in 0..one.len().max(two.len()) {
            let (a, b) = (one.get(index), two.get(index));
            if a != b {
                for arm in [a, b].into_iter().flatten() {
                    reasons.insert(Reason::Replacement(self.cap(arm.cap)));
                }
            }
        }
    }
}

/// The constants to which two references lead.
fn constant_pair(
    comparer: &Comparer<'_>,
    old: &crate::model::Reference,
    new: &crate::model::Reference,
) -> Option<(AtomId, AtomId)> {
    let (Target::Atom(a), Target::Atom(b)) = (&old.target, &new.target) else {
        return None;
    };
    let constant = |kind| matches!(kind, Kind::Constant | Kind::ReadOnly);
    let both = constant(comparer.old.atom(*a).kind) && constant(comparer.new.atom(*b).kind);
    (both && (old.offset, old.kind) == (new.offset, new.kind)).then_some((*a, *b))
}

/// The lines of a function's own code, from the line of its declaration.
fn own_lines(model: &Model, id: AtomId) -> BTreeSet<i64> {
    let Some((function, start)) = model.function(id).zip(model.atom(id).address) else {
        return BTreeSet::new();
    };
    let own = function.lines.iter().filter(|(address, line)| {
        *line > 0 && profile::scopes(model, id, address - start).next().is_none()
    });
    own.map(|(_, line)| *line as i64 - function.line as i64)
        .collect()
}

/// The contents of a record, without the place of its site.
#[derive(Debug, PartialEq, Eq)]
struct Arm {
    cap: u16,
    bits: u16,
    len: u8,
    words: Vec<u8>,
}

/// The arms of a function's sites, in the order of its records.
fn arms(model: &Model, id: AtomId) -> Vec<Arm> {
    let mut arms = Vec::new();
    for record in &model.atom(id).records {
        let atom = model.atom(*record);
        match &*atom.section {
            "alt_branches" => arms.extend(atom.bytes.as_chunks().0.iter().map(|bytes| {
                let record = BranchRecord::from_le_bytes(*bytes);
                Arm {
                    cap: record.condition.cap(),
                    bits: bits(record.condition),
                    len: 1,
                    words: Vec::new(),
                }
            })),
            "alt_records" => {
                for (index, bytes) in atom.bytes.as_chunks::<12>().0.iter().enumerate() {
                    let record = AlternativeRecord::from_le_bytes(*bytes);
                    // The field `replacement` is at offset 4.
                    let at = index as u64 * 12 + 4;
                    let reference = atom
                        .references
                        .iter()
                        .find(|reference| reference.offset == at);
                    let words = reference.and_then(|reference| {
                        let Target::Atom(target) = reference.target else {
                            return None;
                        };
                        let start = usize::try_from(reference.addend).ok()?;
                        let end = start + usize::from(record.replacement_len) * 4;
                        model.atom(target).bytes.get(start..end)
                    });
                    arms.push(Arm {
                        cap: record.condition.cap(),
                        bits: bits(record.condition),
                        len: record.site_len,
                        words: words.unwrap_or_default().to_vec(),
                    });
                }
            }
            _ => {}
        }
    }
    arms
}

fn bits(condition: Condition) -> u16 {
    u16::from(condition.is_negated())
        | u16::from(condition.and_next()) << 1
        | u16::from(condition.is_likely()) << 2
}

/// The description of a constant: its text, the name of the static or of the vtable, or its size.
pub(super) fn describe(model: &Model, id: AtomId) -> String {
    let atom = model.atom(id);
    if atom.kind == Kind::ReadOnly {
        return model.label(id);
    }
    let vtable = atom.address.and_then(|at| model.debug().vtables.get(&at));
    if let Some(name) = vtable {
        return name.clone();
    }
    // A static that has no symbol, since the linker may merge it.
    let is_here = |of: &debug::Static| of.address.is_some() && of.address == atom.address;
    let mut statics = model.debug().statics.iter();
    if let Some((name, _)) = statics.find(|(_, of)| is_here(of)) {
        return crate::model::names::stable(name);
    }
    let text = text(&atom.bytes);
    match text.is_empty() {
        true => format!("of {} bytes", atom.size),
        false => text,
    }
}

/// The readable parts of a constant: strings, and the pieces of a format string.
fn text(bytes: &[u8]) -> String {
    const MOST: usize = 40;
    let text = String::from_utf8_lossy(bytes);
    let parts =
        text.split(|letter: char| letter.is_control() && letter != '\n' || letter == '\u{fffd}');
    let parts: Vec<&str> = parts.filter(|part| part.trim().len() > 1).collect();
    let joined = parts.join("…");
    let short: String = joined.chars().take(MOST).collect();
    let rest = if short.len() < joined.len() {
        "…"
    } else {
        ""
    };
    match short.is_empty() {
        true => String::new(),
        false => format!("{short:?}{rest}"),
    }
}

/// The description of a function, static or constant.
pub(super) fn name_of(model: &Model, id: AtomId) -> String {
    match model.atom(id).kind {
        Kind::Constant => describe(model, id),
        _ => model.label(id),
    }
}
