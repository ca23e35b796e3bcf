//! Colour, in one place. `anstream` drops it where the output is no terminal, or NO_COLOR is set.

use anstyle::{AnsiColor, Style};
use std::fmt::Display;

fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// A heading.
pub(crate) fn heading(text: impl Display) -> String {
    paint(Style::new().bold(), text)
}

/// Something that is present, passed, done.
pub(crate) fn good(text: impl Display) -> String {
    paint(AnsiColor::Green.on_default(), text)
}

/// Something that failed.
pub(crate) fn bad(text: impl Display) -> String {
    paint(AnsiColor::Red.on_default().bold(), text)
}

/// Something that changed.
pub(crate) fn changed(text: impl Display) -> String {
    paint(AnsiColor::Cyan.on_default(), text)
}

/// Something of less interest.
pub(crate) fn faint(text: impl Display) -> String {
    paint(Style::new().dimmed(), text)
}
