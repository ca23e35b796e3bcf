//! From text to a TOML document with positions.

use toml::{
    Spanned,
    de::{DeTable, DeValue, Error},
};

use crate::problem::Problem;

/// A value with its place in the text.
pub type Value<'a> = Spanned<DeValue<'a>>;

/// Parses the text.
///
/// # Errors
///
/// All violations of TOML's grammar, duplicate keys included.
pub fn parse(text: &str) -> Result<DeTable<'_>, Vec<Problem>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(table.into_inner());
    }
    let mut problems = Vec::new();
    let mut repeated_table = None;
    for error in &errors {
        let problem = problem(text, error);
        // Within a table that stands there twice every key is a duplicate: once is enough.
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

/// What the parser says of a key that is there already.
const DUPLICATE: &str = "duplicate key";

fn problem(text: &str, error: &Error) -> Problem {
    let span = error.span().unwrap_or(0..0);
    if error.message() == DUPLICATE {
        let key = &text[span.clone()];
        return Problem::new(span, format!("`{key}` is there already"))
            .help("remove one of the two, or give it another name");
    }
    Problem::new(span, error.message().replace('\n', ", "))
}
