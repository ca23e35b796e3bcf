//! Colours of text output. A writer of `anstream` removes them if the output is not a terminal, and
//! for `NO_COLOR`.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

/// An error.
pub fn bad(text: impl Display) -> String {
    paint(text, AnsiColor::Red.on_default().bold())
}

/// A warning.
pub fn doubtful(text: impl Display) -> String {
    paint(text, AnsiColor::Yellow.on_default().bold())
}

/// A success.
pub fn good(text: impl Display) -> String {
    paint(text, AnsiColor::Green.on_default())
}

/// A changed text.
pub fn changed(text: impl Display) -> String {
    paint(text, AnsiColor::Cyan.on_default())
}

/// A heading, or the important part of a line.
pub fn strong(text: impl Display) -> String {
    paint(text, Style::new().bold())
}

/// A less important text.
pub fn dim(text: impl Display) -> String {
    paint(text, Style::new().dimmed())
}

fn paint(text: impl Display, style: Style) -> String {
    format!("{style}{text}{style:#}")
}
