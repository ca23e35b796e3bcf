//! The TOML file of a kernel's cpucaps, read and checked.
//!
//! Here stands what such a file may say, once for all who read it: the macro
//! `alt_runtime::cpucaps!`, which turns it into constants, and the host tool, which
//! asks it about an image. [`check`] is the way in; what it returns has no mistake left.
//!
//! ```
//! let text = r#"
//! [LSE]
//! doc = "Atomics in one instruction."
//! scope = "system"
//! kind = "feature"
//! detect = { field = "ID_AA64ISAR0_EL1.Atomic", min = 2 }
//! "#;
//! let table = alt_cpucaps::check("cpucaps.toml", text).unwrap();
//! assert_eq!(table.caps[0].name, "LSE");
//!
//! let errors = alt_cpucaps::check("cpucaps.toml", &text.replace("Atomic", "Atomics"));
//! assert!(errors.unwrap_err()[0].starts_with("cpucaps.toml:6:20: "));
//! ```

mod entry;
mod links;
mod model;
mod parse;
mod problem;
mod rules;
mod syntax;
mod validate;

#[cfg(test)]
mod tests;

pub use model::{Cap, Fixed, Kind, Late, MidrRange, Revision, Rule, Scope, Table, Word, word};

use problem::Source;

/// Reading a TOML file key by key, with complaints that point at the token: for files of
/// other kinds, whose mistakes should be told in the same way.
pub mod document {
    pub use crate::entry::{Entry, Problems, array, string, wrong_type};
    pub use crate::parse::{Value, parse};
    pub use crate::problem::{Problem, Source};
}

/// The whole way from text to table. `name` is what messages call the file.
///
/// # Errors
///
/// Everything that is wrong with the file, in its order and not only the first: each is a
/// text of several lines with `name`, line and column (from 1, in characters), the line
/// itself with the token underlined, and what to write instead.
pub fn check(name: &str, text: &str) -> Result<Table, Vec<String>> {
    let source = Source::new(name, text);
    parse::parse(text)
        .and_then(|document| validate::validate(&document))
        .map_err(|problems| source.render_all(problems))
}
