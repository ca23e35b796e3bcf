//! From text to a TOML document with positions.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::problem::Problem;

/// A key or value with its place in the text.
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
    Err(errors
        .iter()
        .map(|error| {
            Problem::new(
                error.span().unwrap_or(0..0),
                error.message().replace('\n', ", "),
            )
        })
        .collect())
}
