//! Instructions before and after, side by side.

use std::io;

use crate::style;

/// Column width of an instruction's text.
const WIDTH: usize = 34;

/// An instruction as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The word.
    pub word: u32,
    /// What it says.
    pub text: &'a str,
}

/// Writes `before | after`, marked where they differ; `label` says where it is.
///
/// # Errors
/// `out` cannot be written.
pub fn row(
    out: &mut impl io::Write,
    label: &str,
    before: Line<'_>,
    after: Line<'_>,
) -> io::Result<()> {
    let Line { word, text } = after;
    let new = format!("{word:08x}  {text}");
    let new = match before.word == word {
        true => style::dim(new),
        false => style::changed(new),
    };
    let Line { word, text } = before;
    writeln!(out, "  {label}  {word:08x}  {text:<WIDTH$}| {new}")
}

/// Writes an instruction of which nothing else becomes.
///
/// # Errors
/// `out` cannot be written.
pub fn single(out: &mut impl io::Write, label: &str, line: Line<'_>) -> io::Result<()> {
    let Line { word, text } = line;
    writeln!(out, "  {label}  {word:08x}  {text:<WIDTH$}|")
}

/// Writes a heading over the right column, in line with rows whose labels are `label` wide.
///
/// # Errors
/// `out` cannot be written.
pub fn heading(out: &mut impl io::Write, label: usize, text: &str) -> io::Result<()> {
    let width = label + 14 + WIDTH;
    writeln!(out, "{:width$}| {}", "", style::strong(text))
}
