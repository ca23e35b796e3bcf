//! Namespaces: code for another exception level in the image of a kernel.
//!
//! The [partial link](crate::partial_link) puts the sections and symbols of such code into a
//! namespace, whose [`Name`] begins their names. Its [`Manifest`] lists the symbols of the kernel
//! that the code may use; the image carries the manifest as an [`Embedded`] text, so that
//! `alt-verify` can check the linked image against it.

mod allow;
mod embedded;
mod manifest;
mod name;
mod pattern;

use alt_cpucaps::document::{Entry, Problem, Problems, Value, array, string};

pub use allow::{AllowKind, Allowed};
pub use embedded::{Embedded, EmbeddedError, SECTION};
pub use manifest::{Code, Manifest, ManifestError, Mapped, X18};
pub use name::{Name, NameError};
pub use pattern::{ExtraSection, Pattern};

/// A string that can be the name of a symbol.
fn symbol<'a>(value: &'a Value<'a>, problems: &mut Problems) -> Option<&'a str> {
    let name = string(value, problems)?;
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '"') {
        problems.add(Problem::new(
            value.span(),
            "that is not the name of a symbol",
        ));
        return None;
    }
    Some(name)
}

/// The strings of an array; empty when the key is missing.
fn names(entry: &mut Entry<'_, '_>, key: &'static str) -> Vec<String> {
    let Some(value) = entry.optional(key) else {
        return Vec::new();
    };
    let values = array(value, entry.problems).unwrap_or_default();
    let names = values
        .iter()
        .filter_map(|value| string(value, entry.problems));
    names.map(str::to_owned).collect()
}
