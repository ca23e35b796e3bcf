//! From a TOML document to a table of cpucaps.

use std::ops::Range;

use alt_cpu::{CapKind, LatePolicy, MAX_CAPS, Register, Scope};
use toml::{
    Spanned,
    de::{DeString, DeTable},
};

use crate::{
    detect::detect,
    document::{Entry, Problem, Problems, Value, string},
    links::{Links, check_requirements, check_scopes},
    model::{Cpucap, Cpucaps, Detect},
    syntax::check_predicate,
};

/// The entries of the document, with their names, in the order of the file.
pub fn entries<'a>(document: &'a DeTable<'a>) -> Vec<(&'a Spanned<DeString<'a>>, &'a Value<'a>)> {
    let mut entries: Vec<_> = document.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
}

/// The names that a file may use.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// Names of Rust constants.
    Constants,
    /// Names in another kernel, which may have small letters: `HAS_ARMv8_4_TTL`.
    OfAnyKernel,
}

/// Checks the document and returns its cpucaps.
///
/// # Errors
///
/// All mistakes, not only the first.
pub fn validate(document: &DeTable<'_>, form: Names) -> Result<Cpucaps, Vec<Problem>> {
    let entries = entries(document);
    let names: Vec<&str> = entries
        .iter()
        .map(|(name, _)| name.get_ref().as_ref())
        .collect();

    let mut problems = Problems::default();
    let mut found = Cpucaps::default();
    let mut links = Vec::new();
    for (number, (name, value)) in entries.iter().enumerate() {
        check_name(name.get_ref(), form, name.span(), &mut problems);
        if number == MAX_CAPS {
            problems.add(Problem::new(
                name.span(),
                format!("more than {MAX_CAPS} cpucaps"),
            ));
        }
        let Some(mut entry) = Entry::new(value, name.span(), "a cpucap", &mut problems) else {
            continue;
        };
        let cap = cap(&mut entry, names[number]);
        links.push(Links::new(&mut entry, number, &names));
        entry.finish();
        found.caps.extend(cap);
    }
    check_requirements(&links, &names, &mut problems);
    // The numbers in `links` are indices of `found` only if every entry was valid.
    if problems.0.is_empty() {
        check_scopes(&links, &found, &mut problems);
    }
    if !problems.0.is_empty() {
        return Err(problems.0);
    }
    for (cap, links) in found.caps.iter_mut().zip(&links) {
        cap.requires = links.requires.iter().map(|link| link.to).collect();
        cap.conflicts = links.conflicts.iter().map(|link| link.to).collect();
    }
    Ok(found)
}

fn check_name(name: &str, form: Names, span: Range<usize>, problems: &mut Problems) {
    let is_letter = |c: char| match form {
        Names::Constants => c.is_ascii_uppercase(),
        Names::OfAnyKernel => c.is_ascii_alphabetic(),
    };
    let upper_snake = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name
            .chars()
            .all(|c| is_letter(c) || c.is_ascii_digit() || c == '_');
    if !upper_snake {
        let problem = Problem::new(
            span,
            format!("`{name}` is not a valid name for a cpucap: write it in UPPER_SNAKE_CASE"),
        );
        let upper = name.to_ascii_uppercase().replace(['-', '.', ' '], "_");
        problems.add(if upper.starts_with(|c: char| c.is_ascii_uppercase()) {
            problem.help(format!("write `{upper}`"))
        } else {
            problem
        });
    } else if name == "TABLE" {
        problems.add(Problem::new(
            span,
            "`TABLE` is reserved for the table of all cpucaps",
        ));
    }
}

fn cap(entry: &mut Entry<'_, '_>, name: &str) -> Option<Cpucap> {
    let doc = entry
        .required("doc", "add `doc = \"...\"`")
        .and_then(|value| doc(value, entry.problems));
    let scope_value = entry.required("scope", "add `scope = \"system\"` (or \"boot\", \"local\")");
    let scope =
        scope_value.and_then(|value| one_of(value, &Scope::ALL, Scope::name, entry.problems));
    let kind = entry
        .required("kind", "add `kind = \"feature\"` (or \"erratum\")")
        .and_then(|value| one_of(value, &CapKind::ALL, CapKind::name, entry.problems));
    let detect_value = entry.required(
        "detect",
        "add `detect = { field = \"REGISTER.Field\", min = 1 }`",
    );
    let detect = detect_value.and_then(|value| detect(value, entry.problems));
    let late = entry
        .optional("late")
        .and_then(|value| late(value, scope, entry.problems));
    let cfg = entry
        .optional("cfg")
        .and_then(|value| cfg(value, entry.problems));
    if let (Some(Scope::System), Some(detect), Some(value)) = (scope, &detect, detect_value)
        && reads_midr(detect)
    {
        entry.problems.add(
            Problem::new(
                value.span(),
                "MIDR_EL1 has no value for the system as a whole",
            )
            .help(match kind {
                Some(CapKind::Erratum) => "write `scope = \"local\"`",
                _ => {
                    "write `scope = \"local\"` with `late = \"early-local-feature\"`: present if \
                     every CPU matches; or add a cpucap of kind \"erratum\" for the model, and \
                     use `FEATURE & !ERRATUM` at the sites"
                }
            }),
        );
    }
    let (scope, kind) = (scope?, kind?);
    Some(Cpucap {
        name: name.to_owned(),
        doc: doc?,
        scope,
        kind,
        detect: detect?,
        late: late.unwrap_or(LatePolicy::default_for(scope, kind)),
        requires: Vec::new(),
        conflicts: Vec::new(),
        cfg,
    })
}

fn doc(value: &Value<'_>, problems: &mut Problems) -> Option<String> {
    let doc = string(value, problems)?.trim();
    if doc.is_empty() {
        problems.add(Problem::new(value.span(), "`doc` is empty"));
        return None;
    }
    Some(doc.to_owned())
}

/// The member of `all` whose name is the string in `value`.
fn one_of<T: Copy>(
    value: &Value<'_>,
    all: &[T],
    name: fn(T) -> &'static str,
    problems: &mut Problems,
) -> Option<T> {
    let found = string(value, problems)?;
    let known = all.iter().copied().find(|one| name(*one) == found);
    if known.is_none() {
        problems.add(
            Problem::new(value.span(), format!("unknown value `{found}`"))
                .suggest(found, all.iter().map(|one| name(*one))),
        );
    }
    known
}

fn late(value: &Value<'_>, scope: Option<Scope>, problems: &mut Problems) -> Option<LatePolicy> {
    let late = one_of(value, &LatePolicy::ALL, LatePolicy::name, problems)?;
    if let Some(scope) = scope
        && late.scope() != scope
    {
        problems.add(Problem::new(
            value.span(),
            format!(
                "policy `{late}` is for cpucaps of scope `{}`, this one has scope `{scope}`",
                late.scope(),
            ),
        ));
    }
    Some(late)
}

fn cfg(value: &Value<'_>, problems: &mut Problems) -> Option<String> {
    let predicate = string(value, problems)?;
    let checked = check_predicate(predicate);
    if let Err(error) = &checked {
        problems.add(
            Problem::new(value.span(), format!("not a cfg predicate: {error}")).help(
                "write the part in the parentheses of `#[cfg(...)]`, such as 'feature = \"sve\"'",
            ),
        );
    }
    checked.ok().map(|()| predicate.to_owned())
}

/// Whether the condition certainly reads MIDR_EL1. A function may, too, but that is not known here.
fn reads_midr(detect: &Detect) -> bool {
    detect.leaves().into_iter().any(|leaf| match leaf {
        Detect::Midr(_) => true,
        Detect::Field { field, .. } => field.register == Register::MIDR_EL1,
        _ => false,
    })
}
