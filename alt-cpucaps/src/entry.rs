//! Reading keys and values, with complaints.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::{parse::Value, problem::Problem};

/// What is wrong so far.
#[derive(Default)]
pub struct Problems(
    /// In the order in which they were found.
    pub Vec<Problem>,
);

impl Problems {
    /// Adds one.
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
    /// Where complaints go.
    pub problems: &'p mut Problems,
}

impl<'a, 'p> Entry<'a, 'p> {
    /// The table in `value`; a complaint at `value` if it is something else. `what` is what
    /// messages call it.
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

    /// The value of a key that must be there; `help` tells what to add.
    pub fn required(&mut self, key: &'static str, help: &str) -> Option<&'a Value<'a>> {
        let value = self.optional(key);
        if value.is_none() {
            self.problems.add(
                Problem::new(self.span.clone(), format!("{} needs `{key}`", self.what)).help(help),
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
