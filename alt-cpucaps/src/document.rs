//! A TOML document, read key by key, with errors that point at the token.
//!
//! The reader of `cpucaps.toml` uses this, and so do the readers of the other TOML files of the
//! host tools: their errors have the same form.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue, Error},
};

pub use crate::problem::{Problem, Source};

/// A value with its byte range in the text.
pub type Value<'a> = Spanned<DeValue<'a>>;

/// Parses a TOML text.
///
/// # Errors
///
/// All violations of the TOML grammar, including duplicate keys.
pub fn parse(text: &str) -> Result<DeTable<'_>, Vec<Problem>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(table.into_inner());
    }
    let mut problems = Vec::new();
    let mut repeated_table = None;
    for error in &errors {
        let problem = problem(text, error);
        // Every key of a repeated table is a duplicate: report only the first.
        let table = text[..problem.span.start].rfind("\n[");
        if error.message() == DUPLICATE && repeated_table == Some(table) {
            continue;
        }
        if text[..problem.span.start].ends_with('[') {
            repeated_table = Some(table);
        }
        problems.push(problem);
    }
    Err(problems)
}

/// The parser's message for a repeated key.
const DUPLICATE: &str = "duplicate key";

fn problem(text: &str, error: &Error) -> Problem {
    let span = error.span().unwrap_or(0..0);
    if error.message() == DUPLICATE {
        let key = &text[span.clone()];
        return Problem::new(span, format!("duplicate key `{key}`"))
            .help("remove or rename one of the two");
    }
    Problem::new(span, error.message().replace('\n', ", "))
}

/// The problems found so far.
#[derive(Default)]
pub struct Problems(
    /// In the order of discovery.
    pub Vec<Problem>,
);

impl Problems {
    /// Adds a problem.
    pub fn add(&mut self, problem: Problem) {
        self.0.push(problem);
    }
}

/// A table of the document whose keys are taken one by one; the keys that remain are unknown.
pub struct Entry<'a, 'p> {
    table: &'a DeTable<'a>,
    /// The bytes to point at when a key is missing.
    pub span: Range<usize>,
    what: &'static str,
    known: Vec<&'static str>,
    /// The list to which problems are added.
    pub problems: &'p mut Problems,
}

impl<'a, 'p> Entry<'a, 'p> {
    /// The table in `value`; `None`, with a problem, if `value` is not a table. Messages call the table
    /// `what`, and point at `span` when a key is missing.
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

    /// The value of a key; `None` if the key is missing.
    pub fn optional(&mut self, key: &'static str) -> Option<&'a Value<'a>> {
        self.known.push(key);
        self.table.get(key)
    }

    /// The value of a required key; `None`, with a problem that has `help`, if it is missing.
    pub fn required(&mut self, key: &'static str, help: &str) -> Option<&'a Value<'a>> {
        let value = self.optional(key);
        if value.is_none() {
            self.problems.add(
                Problem::new(self.span.clone(), format!("{} needs `{key}`", self.what)).help(help),
            );
        }
        value
    }

    /// Adds a problem for each key that was not taken.
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

/// The problem that a value has the wrong type.
pub fn wrong_type(value: &Value<'_>, expected: &str) -> Problem {
    let found = value.get_ref().type_str();
    Problem::new(value.span(), format!("expected {expected}, found {found}"))
}

/// The string in a value; `None`, with a problem, if it is not a string.
pub fn string<'a>(value: &'a Value<'a>, problems: &mut Problems) -> Option<&'a str> {
    let string = value.get_ref().as_str();
    if string.is_none() {
        problems.add(wrong_type(value, "a string"));
    }
    string
}

/// The array in a value; `None`, with a problem, if it is not an array.
pub fn array<'a>(value: &'a Value<'a>, problems: &mut Problems) -> Option<&'a [Value<'a>]> {
    let array = value.get_ref().as_array().map(|array| &**array);
    if array.is_none() {
        problems.add(wrong_type(value, "an array"));
    }
    array
}
