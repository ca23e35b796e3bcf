//! Colours of what is written for people. A writer of `anstream` drops them where the output is no
//! terminal, and for `NO_COLOR`.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

/// What is wrong.
pub fn bad(text: impl Display) -> String {
    paint(text, AnsiColor::Red.on_default().bold())
}

/// What is worth a look.
pub fn doubtful(text: impl Display) -> String {
    paint(text, AnsiColor::Yellow.on_default().bold())
}

/// What is as it should be.
pub fn good(text: impl Display) -> String {
    paint(text, AnsiColor::Green.on_default())
}

/// What is not as it was.
pub fn changed(text: impl Display) -> String {
    paint(text, AnsiColor::Cyan.on_default())
}

/// What matters in a line, and headings.
pub fn strong(text: impl Display) -> String {
    paint(text, Style::new().bold())
}

/// What matters less than the rest.
pub fn dim(text: impl Display) -> String {
    paint(text, Style::new().dimmed())
}

fn paint(text: impl Display, style: Style) -> String {
    format!("{style}{text}{style:#}")
}
