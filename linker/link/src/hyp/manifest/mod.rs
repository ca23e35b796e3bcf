//! The manifest: what code for another exception level may name, and what it is made of.
//!
//! `docs/hypervisor.md` says what each key means.

mod allow;
mod code;
mod embedded;
mod sections;

use alt_cpucaps::document::{Entry, Problem, Problems, Source, Value, array, parse, string};
use toml::de::DeTable;

pub use allow::{Allowed, Kind};
pub use code::{Code, X18};
pub use embedded::{Embedded, EmbeddedError, SECTION};
pub use sections::ExtraSection;

/// The manifest cannot be followed: a text for each mistake, with line and column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n\n"))]
pub struct ManifestError(
    /// In the order of the file.
    pub Vec<String>,
);

/// What a hypervisor may name, and what it is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Symbols that the kernel may name, without the prefix of the namespace.
    pub exports: Vec<String>,
    /// Symbols of the kernel that the hypervisor may name.
    pub allow: Vec<Allowed>,
    /// Sections of the kernel that the hypervisor maps too.
    pub mapped: Mapped,
    /// Rules for its code.
    pub code: Code,
    /// Patterns that are tried before the usual ones, in their order.
    pub sections: Vec<ExtraSection>,
}

/// Sections of the kernel that the hypervisor maps too, as names with `*` for any characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapped {
    /// For reading.
    pub data_ro: Vec<String>,
    /// For reading and writing.
    pub data_rw: Vec<String>,
}

const KEYS: [&str; 5] = ["exports", "allow", "mapped", "code", "sections"];

impl Manifest {
    /// Reads a manifest. `name` is what messages call the file.
    ///
    /// # Errors
    /// Everything that is wrong with the file.
    pub fn parse(name: &str, text: &str) -> Result<Self, ManifestError> {
        let mut problems = Problems::default();
        let manifest = match parse(text) {
            Ok(document) => read(&document, &mut problems),
            Err(found) => {
                problems.0 = found;
                Self::default()
            }
        };
        match problems.0.is_empty() {
            true => Ok(manifest),
            false => Err(ManifestError(
                Source::new(name, text).render_all(problems.0),
            )),
        }
    }

    /// What the manifest says of a symbol of the kernel.
    pub fn allowed(&self, symbol: &str) -> Option<&Allowed> {
        self.allow.iter().find(|allowed| allowed.name == symbol)
    }
}

fn read(document: &DeTable<'_>, problems: &mut Problems) -> Manifest {
    let mut manifest = Manifest::default();
    for (key, value) in document {
        let span = key.span();
        match key.get_ref().as_ref() {
            "exports" => manifest.exports = exports(value, problems),
            "allow" => manifest.allow = allow::read(value, problems),
            "mapped" => {
                if let Some(mut entry) = Entry::new(value, span, "[mapped]", problems) {
                    manifest.mapped.data_ro = names(&mut entry, "data-ro");
                    manifest.mapped.data_rw = names(&mut entry, "data-rw");
                    entry.finish();
                }
            }
            "code" => {
                if let Some(entry) = Entry::new(value, span, "[code]", problems) {
                    manifest.code = code::read(entry);
                }
            }
            "sections" => manifest.sections = sections::read(value, problems),
            name => problems.add(
                Problem::new(span, format!("unknown key `{name}` in a manifest"))
                    .suggest(name, KEYS),
            ),
        }
    }
    if document.get("exports").is_none() {
        problems.add(
            Problem::new(0..0, "a manifest needs `exports`")
                .help("add `exports = [\"…\"]`: what the kernel may name"),
        );
    }
    if let Some(allow) = document.get("allow") {
        allow::check(allow, &manifest, problems);
    }
    manifest
}

fn exports(value: &Value<'_>, problems: &mut Problems) -> Vec<String> {
    let mut exports: Vec<String> = Vec::new();
    let values = array(value, problems).unwrap_or_default();
    for value in values {
        let Some(name) = symbol(value, problems) else {
            continue;
        };
        if exports.iter().any(|known| known == name) {
            let text = format!("`{name}` is exported already");
            problems.add(Problem::new(value.span(), text).help("remove one of the two"));
        }
        exports.push(name.to_owned());
    }
    if values.is_empty() && value.get_ref().is_array() {
        problems.add(
            Problem::new(
                value.span(),
                "nothing is exported, so nothing would be linked",
            )
            .help("name what the kernel uses: its entry, for one"),
        );
    }
    exports
}

/// A string that can be the name of a symbol.
fn symbol<'a>(value: &'a Value<'a>, problems: &mut Problems) -> Option<&'a str> {
    let name = string(value, problems)?;
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '"') {
        problems.add(Problem::new(value.span(), "that is no name of a symbol"));
        return None;
    }
    Some(name)
}

/// The strings of an array; none when the key is missing.
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
