//! From a TOML document to a table of cpucaps.

use std::ops::Range;

use alt_idregs::Register;
use toml::de::{DeTable, DeValue};

use super::{
    model::{Cap, Late, Rule, Scope, Table, Word, word},
    parse::Value,
    problem::Problem,
    rules,
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
        links.push(Links {
            number,
            requires: references(&mut entry, "requires", number, &names),
            conflicts: references(&mut entry, "conflicts", number, &names),
        });
        if let Some(cap) = cap(entry, names[number]) {
            table.caps.push(cap);
        }
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

/// What is wrong so far.
#[derive(Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub fn add(&mut self, problem: Problem) {
        self.0.push(problem);
    }
}

/// A table of the file whose keys are taken one by one; what remains is unknown.
pub struct Entry<'a, 'p> {
    table: &'a DeTable<'a>,
    /// Where to point when a key is missing.
    pub span: Range<usize>,
    what: &'static str,
    known: Vec<&'static str>,
    pub problems: &'p mut Problems,
}

impl<'a, 'p> Entry<'a, 'p> {
    pub fn new(
        value: &'a Value<'a>,
        span: Range<usize>,
        what: &'static str,
        problems: &'p mut Problems,
    ) -> Option<Self> {
        let DeValue::Table(table) = value.get_ref() else {
            problems.add(wrong_type(value, "a table"));
            return None;
        };
        Some(Self {
            table,
            span,
            what,
            known: Vec::new(),
            problems,
        })
    }

    /// The value of a key, if it is there.
    pub fn optional(&mut self, key: &'static str) -> Option<&'a Value<'a>> {
        self.known.push(key);
        self.table.get(key)
    }

    /// The value of a key that must be there.
    pub fn required(&mut self, key: &'static str, example: &str) -> Option<&'a Value<'a>> {
        let value = self.optional(key);
        if value.is_none() {
            self.problems.add(
                Problem::new(self.span.clone(), format!("{} needs `{key}`", self.what))
                    .help(format!("add `{key} = {example}`")),
            );
        }
        value
    }

    /// Complains about the keys that nobody asked for.
    pub fn finish(self) {
        for (key, _) in self.table {
            let name = key.get_ref().as_ref();
            if !self.known.contains(&name) {
                self.problems.add(
                    Problem::new(key.span(), format!("unknown key `{name}` in {}", self.what))
                        .suggest(name, self.known.iter().copied()),
                );
            }
        }
    }
}

/// A complaint about the type of a value.
pub fn wrong_type(value: &Value<'_>, expected: &str) -> Problem {
    let found = value.get_ref().type_str();
    Problem::new(value.span(), format!("expected {expected}, found {found}"))
}

/// A string, or a complaint.
pub fn string<'a>(value: &'a Value<'a>, problems: &mut Problems) -> Option<&'a str> {
    let string = value.get_ref().as_str();
    if string.is_none() {
        problems.add(wrong_type(value, "a string"));
    }
    string
}

/// An array, or a complaint.
pub fn array<'a>(value: &'a Value<'a>, problems: &mut Problems) -> Option<&'a [Value<'a>]> {
    let array = value.get_ref().as_array().map(|array| &**array);
    if array.is_none() {
        problems.add(wrong_type(value, "an array"));
    }
    array
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

fn cap(mut entry: Entry<'_, '_>, name: &str) -> Option<Cap> {
    let doc = entry
        .required("doc", "\"...\"")
        .and_then(|value| doc(value, entry.problems));
    let scope_value = entry.required("scope", "\"boot\", \"system\" or \"local\"");
    let scope: Option<Scope> = scope_value.and_then(|value| one_of(value, entry.problems));
    let kind = entry
        .required("kind", "\"feature\" or \"erratum\"")
        .and_then(|value| one_of(value, entry.problems));
    let detect = entry.required("detect", "{ field = \"REGISTER.Field\", min = 1 }");
    let rule = detect.and_then(|value| rules::rule(value, entry.problems));
    let late = match entry.optional("late") {
        Some(value) => Some(late(value, scope, entry.problems)?),
        None => None,
    };
    let cfg = match entry.optional("cfg") {
        Some(value) => Some(cfg(value, entry.problems)?),
        None => None,
    };
    if let (Some(Scope::System), Some(rule), Some(value)) = (scope, &rule, detect)
        && reads_midr(rule)
    {
        entry.problems.add(
            Problem::new(
                value.span(),
                "MIDR_EL1 has no value for the system as a whole",
            )
            .help("write `scope = \"local\"`"),
        );
    }
    entry.finish();
    Some(Cap {
        name: name.to_owned(),
        doc: doc?,
        scope: scope?,
        kind: kind?,
        rule: rule?,
        late,
        requires: Vec::new(),
        conflicts: Vec::new(),
        cfg,
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

fn cfg(value: &Value<'_>, problems: &mut Problems) -> Option<syn::Meta> {
    let predicate = syn::parse_str(string(value, problems)?);
    if let Err(error) = &predicate {
        problems.add(
            Problem::new(value.span(), format!("not a cfg predicate: {error}"))
                .help("write what stands in `#[cfg(...)]`, such as 'feature = \"sve\"'"),
        );
    }
    predicate.ok()
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

/// The caps that one cap names.
struct Links {
    number: usize,
    requires: Vec<Link>,
    conflicts: Vec<Link>,
}

struct Link {
    to: usize,
    span: Range<usize>,
}

fn references(
    entry: &mut Entry<'_, '_>,
    key: &'static str,
    number: usize,
    names: &[&str],
) -> Vec<Link> {
    let Some(value) = entry.optional(key) else {
        return Vec::new();
    };
    let problems = &mut *entry.problems;
    let elements = array(value, problems).unwrap_or_default();
    let mut links = Vec::new();
    for element in elements {
        let Some(name) = string(element, problems) else {
            continue;
        };
        let span = element.span();
        match names.iter().position(|other| *other == name) {
            None => problems.add(
                Problem::new(span, format!("`{key}` names an unknown cpucap `{name}`"))
                    .suggest(name, names.iter().copied()),
            ),
            Some(to) if to == number => {
                problems.add(Problem::new(span, format!("`{name}` {key} itself")));
            }
            Some(to) => links.push(Link { to, span }),
        }
    }
    links
}

fn check_requirements(links: &[Links], names: &[&str], problems: &mut Problems) {
    for Links {
        number,
        requires,
        conflicts,
    } in links
    {
        for link in requires {
            let reached = reachable(link.to, links);
            if reached.contains(number) {
                let (name, to) = (names[*number], names[link.to]);
                problems.add(Problem::new(
                    link.span.clone(),
                    format!("`{name}` requires `{to}`, which requires `{name}` again"),
                ));
            }
            for conflict in conflicts
                .iter()
                .filter(|conflict| reached.contains(&conflict.to))
            {
                let (name, other) = (names[*number], names[conflict.to]);
                problems.add(Problem::new(
                    conflict.span.clone(),
                    format!("`{name}` can never be present: it requires `{other}` as well"),
                ));
            }
        }
    }
}

/// A cap and all that it requires, directly or not.
fn reachable(from: usize, links: &[Links]) -> Vec<usize> {
    let mut reached = vec![from];
    let mut next = 0;
    while let Some(&number) = reached.get(next) {
        for link in links
            .iter()
            .filter(|links| links.number == number)
            .flat_map(|l| &l.requires)
        {
            if !reached.contains(&link.to) {
                reached.push(link.to);
            }
        }
        next += 1;
    }
    reached
}

fn check_scopes(links: &[Links], table: &Table, problems: &mut Problems) {
    for Links {
        number, requires, ..
    } in links
    {
        if table.caps[*number].scope != Scope::Boot {
            continue;
        }
        for link in requires {
            let other = &table.caps[link.to];
            if other.scope != Scope::Boot {
                problems.add(Problem::new(
                    link.span.clone(),
                    format!(
                        "a cap of scope `boot` is decided before `{}`, of scope `{}`",
                        other.name,
                        word(other.scope)
                    ),
                ));
            }
        }
    }
}
