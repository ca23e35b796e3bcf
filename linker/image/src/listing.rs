//! Instructions before and after, side by side.

use crate::style;

/// Column width of an instruction's text.
const WIDTH: usize = 34;

/// An instruction as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The word.
    pub word: u32,
    /// The text.
    pub text: &'a str,
}

/// `before | after`, coloured if they differ; `label` is the address or offset.
pub fn row(label: &str, before: Line<'_>, after: Line<'_>) -> String {
    let new = format!("{:08x}  {}", after.word, after.text);
    let new = match before.word == after.word {
        true => style::dim(new),
        false => style::changed(new),
    };
    format!("{} {new}", single(label, before))
}

/// A row without a right column.
pub fn single(label: &str, Line { word, text }: Line<'_>) -> String {
    format!("  {label}  {word:08x}  {text:<WIDTH$}|")
}

/// A heading above the right column of rows whose labels have the width `label`.
pub fn heading(label: usize, text: &str) -> String {
    let width = label + 14 + WIDTH;
    format!("{:width$}| {}", "", style::strong(text))
}
