//! The reader of `cpucaps.toml`, the file in which a kernel defines its cpucaps.
//!
//! The macro `alt_runtime::cpucaps!` uses it to turn a file into constants, and host tools use it
//! to compute the cpucaps of a machine. [`check`] reads a file and either returns its
//! [`Cpucaps`], which are then known to be valid, or a text for each mistake, with line and column:
//!
//! ```
//! let text = r#"
//! [LSE]
//! doc = "Atomics in one instruction."
//! scope = "system"
//! kind = "feature"
//! detect = { field = "ID_AA64ISAR0_EL1.Atomic", min = 2 }
//! "#;
//! let cpucaps = alt_cpucaps::check("cpucaps.toml", text).unwrap();
//! assert_eq!(cpucaps.caps[0].name, "LSE");
//!
//! let errors = alt_cpucaps::check("cpucaps.toml", &text.replace("Atomic", "Atomics"));
//! assert!(errors.unwrap_err()[0].starts_with("cpucaps.toml:6:20: "));
//! ```

mod detect;
pub mod document;
mod links;
mod model;
mod problem;
mod syntax;
mod validate;

pub use model::{Cpucap, Cpucaps, Detect};

use problem::Source;
use validate::Names;

/// Reads and checks a file. `name` is the name of the file in messages.
///
/// # Errors
///
/// All mistakes in the file, in its order. Each is a text of several lines: `name`, line and column
/// (both from 1, columns in characters) and the message; the line with the token underlined; and
/// where possible what to write instead.
pub fn check(name: &str, text: &str) -> Result<Cpucaps, Vec<String>> {
    check_names(name, text, Names::Constants)
}

/// As [`check`], for the cpucaps of a kernel that is not written in Rust: names may have small letters,
/// as Linux's `HAS_ARMv8_4_TTL`.
///
/// # Errors
///
/// As [`check`].
pub fn check_foreign(name: &str, text: &str) -> Result<Cpucaps, Vec<String>> {
    check_names(name, text, Names::OfAnyKernel)
}

fn check_names(name: &str, text: &str, form: Names) -> Result<Cpucaps, Vec<String>> {
    document::parse(text)
        .and_then(|document| validate::validate(&document, form))
        .map_err(|problems| Source::new(name, text).render_all(problems))
}

/// The names of the cpucaps in a file, by number, without a check of the entries. `name` is the
/// name of the file in messages.
///
/// ```
/// let names = alt_cpucaps::names("cpucaps.toml", "[SVE]\n[LSE]\n");
/// assert_eq!(names.unwrap(), ["SVE", "LSE"]);
/// ```
///
/// # Errors
///
/// All violations of the TOML grammar, including duplicate names, in the form of [`check`].
pub fn names(name: &str, text: &str) -> Result<Vec<String>, Vec<String>> {
    let document =
        document::parse(text).map_err(|problems| Source::new(name, text).render_all(problems))?;
    let entries = validate::entries(&document).into_iter();
    Ok(entries
        .map(|(name, _)| name.get_ref().to_string())
        .collect())
}

/// The examples of the package's page are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
