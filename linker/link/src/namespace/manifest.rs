//! The manifest: the symbols that code for another exception level may use, its sections, and rules
//! for its instructions. `docs/hypervisor.md` documents the keys.

use alt_cpucaps::document::{Entry, Problem, Problems, Source, Value, array, parse, string};
use toml::de::{DeTable, DeValue};

use super::allow::{self, AllowKind, Allowed};
use super::pattern::{self, ExtraSection};
use super::{names, symbol};

/// Mistakes in a manifest: a text for each, with line and column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n\n"))]
pub struct ManifestError(
    /// In the order of the file.
    pub Vec<String>,
);

/// The manifest of code for another exception level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Symbols that the kernel may use, without the prefix of the namespace.
    pub exports: Vec<String>,
    /// Symbols of the kernel that the code may use.
    pub allow: Vec<Allowed>,
    /// Sections of the kernel that are also mapped at the other exception level.
    pub mapped: Mapped,
    /// Rules for its code.
    pub code: Code,
    /// Further sections, in the order in which their patterns are matched.
    pub sections: Vec<ExtraSection>,
}

/// Sections of the kernel that are also mapped at the other exception level; names may contain `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapped {
    /// For reading.
    pub data_ro: Vec<String>,
    /// For reading and writing.
    pub data_rw: Vec<String>,
}

/// Rules for the instructions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// How the code treats x18, which may be the caller's.
    pub x18: X18,
    /// Floating point and SIMD instructions are allowed.
    pub fp_simd: bool,
    /// Functions that may contain BR and BLR; names may contain `*`.
    pub indirect_calls: Vec<String>,
}

/// How code for another exception level treats x18.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum X18 {
    /// The boundary saves and restores it; code may use it.
    #[default]
    Saved,
    /// No code uses it.
    Forbidden,
}

const KEYS: [&str; 5] = ["exports", "allow", "mapped", "code", "sections"];

impl Manifest {
    /// Reads a manifest. `name` is the name of the file in messages.
    ///
    /// # Errors
    /// All mistakes of the file.
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

    /// The entry of the manifest for a kernel symbol.
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
                    manifest.code = code(entry);
                }
            }
            "sections" => manifest.sections = pattern::read(value, problems),
            name => problems.add(
                Problem::new(span, format!("unknown key `{name}` in a manifest"))
                    .suggest(name, KEYS),
            ),
        }
    }
    if document.get("exports").is_none() {
        problems.add(
            Problem::new(0..0, "a manifest needs `exports`")
                .help("add `exports = [\"…\"]`: the symbols that the kernel may use"),
        );
    }
    if let Some(allow) = document.get("allow") {
        check_allow(allow, &manifest, problems);
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
            .help("list the symbols that the kernel uses, for example the entry"),
        );
    }
    exports
}

fn code(mut entry: Entry<'_, '_>) -> Code {
    let x18 = ["saved", "forbidden"];
    let fp_simd = ["forbidden", "allowed"];
    let code = Code {
        x18: match one_of(&mut entry, "x18", x18) {
            Some("forbidden") => X18::Forbidden,
            _ => X18::Saved,
        },
        fp_simd: one_of(&mut entry, "fp-simd", fp_simd) == Some("allowed"),
        indirect_calls: names(&mut entry, "indirect-calls"),
    };
    entry.finish();
    code
}

fn one_of(
    entry: &mut Entry<'_, '_>,
    key: &'static str,
    values: [&'static str; 2],
) -> Option<&'static str> {
    let value = entry.optional(key)?;
    let text = string(value, entry.problems)?;
    let found = values.into_iter().find(|known| *known == text);
    if found.is_none() {
        let problem = Problem::new(value.span(), format!("`{key}` cannot be `{text}`"));
        entry.problems.add(problem.suggest(text, values));
    }
    found
}

/// Reports allowed symbols that contradict the rest of the manifest.
fn check_allow(value: &Value<'_>, manifest: &Manifest, problems: &mut Problems) {
    let DeValue::Table(table) = value.get_ref() else {
        return;
    };
    for (key, _) in table {
        let name = key.get_ref().as_ref();
        if manifest.exports.iter().any(|export| export == name) {
            let text = format!("`{name}` is both the hypervisor's own, exported, and the kernel's");
            problems.add(Problem::new(key.span(), text).help("remove one of the two"));
        }
        let mapped = &manifest.mapped;
        let unmapped = match manifest.allowed(name).map(|allowed| allowed.kind) {
            Some(kind @ AllowKind::DataRo) => (mapped.data_ro.is_empty()).then_some(kind),
            Some(kind @ AllowKind::DataRw) => (mapped.data_rw.is_empty()).then_some(kind),
            _ => None,
        };
        if let Some(kind) = unmapped {
            let text = format!("`{name}` is {kind}, but no section is mapped so");
            let help = format!("add `{kind} = [\"…\"]` under [mapped], with the section it is in");
            problems.add(Problem::new(key.span(), text).help(help));
        }
    }
}
