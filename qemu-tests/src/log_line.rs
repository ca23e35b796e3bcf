//! A message of the guest.

pub use defmt_parser::Level;
use std::fmt;

/// One message of the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Severity; `None` for `defmt::println!`.
    pub level: Option<Level>,
    /// The text, formatted.
    pub message: String,
}

impl LogLine {
    /// Whether the guest logged this as an error.
    pub fn is_error(&self) -> bool {
        self.level == Some(Level::Error)
    }
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            Some(level) => write!(f, "{:5} {}", level.as_str(), self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// The log's last line, as the end of an error message.
pub(crate) fn tail(log: &[LogLine]) -> String {
    match log.last() {
        Some(line) => format!("; the last log line of the guest: {}", line.message),
        None => "; the guest logged nothing".into(),
    }
}
