//! From a TOML document to a table of cpucaps.

use std::ops::Range;

use alt_cpu::Register;
use toml::de::DeTable;

use crate::{
    entry::{Entry, Problems, string},
    links::{Links, check_requirements, check_scopes},
    model::{Cap, Kind, Late, Rule, Scope, Table, Word, word},
    parse::Value,
    problem::Problem,
    rules,
    syntax::check_predicate,
};

/// As many as a `CapSet` holds.
const MAX_CAPS: usize = 256;

/// Checks the document and turns it into a table.
///
/// # Errors
///
/// Everything that is wrong with it, not only the first.
pub fn validate(document: &DeTable<'_>) -> Result<Table, Vec<Problem>> {
    let mut entries: Vec<_> = document.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    let names: Vec<&str> = entries
        .iter()
        .map(|(name, _)| name.get_ref().as_ref())
        .collect();

    let mut problems = Problems::default();
    let mut table = Table::default();
    let mut links = Vec::new();
    for (number, (name, value)) in entries.iter().enumerate() {
        check_name(name.get_ref(), name.span(), &mut problems);
        if number == MAX_CAPS {
            problems.add(Problem::new(
                name.span(),
                format!("more than {MAX_CAPS} cpucaps: records and sets have no room for it"),
            ));
        }
        let Some(mut entry) = Entry::new(value, name.span(), "a cpucap", &mut problems) else {
            continue;
        };
        let cap = cap(&mut entry, names[number]);
        links.push(Links::new(&mut entry, number, &names));
        entry.finish();
        table.caps.extend(cap);
    }
    check_requirements(&links, &names, &mut problems);
    // Numbers stand for caps only if every entry made one.
    if problems.0.is_empty() {
        check_scopes(&links, &table, &mut problems);
    }
    if !problems.0.is_empty() {
        return Err(problems.0);
    }
    for (cap, links) in table.caps.iter_mut().zip(&links) {
        cap.requires = links.requires.iter().map(|link| link.to).collect();
        cap.conflicts = links.conflicts.iter().map(|link| link.to).collect();
    }
    Ok(table)
}

fn check_name(name: &str, span: Range<usize>, problems: &mut Problems) {
    let upper_snake = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    if !upper_snake {
        let problem = Problem::new(
            span,
            format!("`{name}` is no name for a cpucap: it becomes a constant, in UPPER_SNAKE_CASE"),
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
            "`TABLE` is the name of the table itself",
        ));
    }
}

fn cap(entry: &mut Entry<'_, '_>, name: &str) -> Option<Cap> {
    let doc = entry
        .required("doc", "add `doc = \"...\"`")
        .and_then(|value| doc(value, entry.problems));
    let scope_value = entry.required("scope", "add `scope = \"system\"` (or \"boot\", \"local\")");
    let scope: Option<Scope> = scope_value.and_then(|value| one_of(value, entry.problems));
    let kind = entry
        .required("kind", "add `kind = \"feature\"` (or \"erratum\")")
        .and_then(|value| one_of(value, entry.problems));
    let detect = entry.required(
        "detect",
        "add `detect = { field = \"REGISTER.Field\", min = 1 }`",
    );
    let rule = detect.and_then(|value| rules::rule(value, entry.problems));
    let late = entry
        .optional("late")
        .map(|value| late(value, scope, entry.problems));
    let cfg = entry
        .optional("cfg")
        .map(|value| cfg(value, entry.problems));
    if let (Some(Scope::System), Some(rule), Some(value)) = (scope, &rule, detect)
        && reads_midr(rule)
    {
        entry.problems.add(
            Problem::new(
                value.span(),
                "MIDR_EL1 has no value for the system as a whole",
            )
            .help(match kind {
                Some(Kind::Erratum) => "write `scope = \"local\"`",
                _ => {
                    "write `scope = \"local\"` with `late = \"early-local-feature\"`: present if \
                     every CPU matches; or give the model a cpucap of its own, kind \"erratum\", \
                     and ask for `FEATURE & !ERRATUM`"
                }
            }),
        );
    }
    Some(Cap {
        name: name.to_owned(),
        doc: doc?,
        scope: scope?,
        kind: kind?,
        rule: rule?,
        late: late.unwrap_or_default(),
        requires: Vec::new(),
        conflicts: Vec::new(),
        cfg: cfg.unwrap_or_default(),
    })
}

fn doc(value: &Value<'_>, problems: &mut Problems) -> Option<String> {
    let doc = string(value, problems)?.trim();
    if doc.is_empty() {
        problems.add(Problem::new(value.span(), "`doc` says nothing"));
        return None;
    }
    Some(doc.to_owned())
}

fn one_of<W: Word>(value: &Value<'_>, problems: &mut Problems) -> Option<W> {
    let found = string(value, problems)?;
    let known = W::WORDS.iter().find(|(word, _)| *word == found);
    if known.is_none() {
        problems.add(
            Problem::new(value.span(), format!("unknown value `{found}`"))
                .suggest(found, W::WORDS.iter().map(|(word, _)| *word)),
        );
    }
    known.map(|(_, value)| *value)
}

fn late(value: &Value<'_>, scope: Option<Scope>, problems: &mut Problems) -> Option<Late> {
    let late: Late = one_of(value, problems)?;
    if let Some(scope) = scope
        && late.scope() != scope
    {
        problems.add(Problem::new(
            value.span(),
            format!(
                "policy `{}` is for caps of scope `{}`, this one has `{}`",
                word(late),
                word(late.scope()),
                word(scope)
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
            Problem::new(value.span(), format!("not a cfg predicate: {error}"))
                .help("write what stands in `#[cfg(...)]`, such as 'feature = \"sve\"'"),
        );
    }
    checked.ok().map(|()| predicate.to_owned())
}

fn reads_midr(rule: &Rule) -> bool {
    match rule {
        Rule::Midr(_) => true,
        Rule::Field { field, .. } => field.register == Register::MIDR_EL1,
        Rule::Any(rules) | Rule::All(rules) => rules.iter().any(reads_midr),
        Rule::Not(rule) => reads_midr(rule),
        Rule::Always | Rule::Custom(_) => false,
    }
}
