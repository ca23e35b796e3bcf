//! The table `[allow]` of a manifest.

use std::fmt;

use alt_cpucaps::document::{Entry, Problem, Problems, Value, string, wrong_type};
use toml::de::DeValue;

use super::symbol;

/// A symbol of the kernel that the code may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Its name in the code.
    pub name: String,
    /// The allowed use.
    pub kind: AllowKind,
    /// Its name in the kernel.
    pub kernel: String,
}

/// The allowed use of a kernel symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AllowKind {
    /// The callback of an alternative: it runs in the kernel, and only records refer to it.
    Callback,
    /// Data that the code reads.
    DataRo,
    /// Data that the code reads and writes.
    DataRw,
    /// Code of the kernel that is the target of an ERET.
    EretTarget,
    /// An address that is neither read nor called.
    Bound,
}

impl AllowKind {
    /// All kinds, in the order of the documentation.
    pub const ALL: [Self; 5] = [
        Self::Callback,
        Self::DataRo,
        Self::DataRw,
        Self::EretTarget,
        Self::Bound,
    ];

    /// The name in a manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Callback => "callback",
            Self::DataRo => "data-ro",
            Self::DataRw => "data-rw",
            Self::EretTarget => "eret-target",
            Self::Bound => "bound",
        }
    }
}

impl fmt::Display for AllowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

pub(super) fn read(value: &Value<'_>, problems: &mut Problems) -> Vec<Allowed> {
    let DeValue::Table(table) = value.get_ref() else {
        problems.add(wrong_type(value, "a table"));
        return Vec::new();
    };
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let mut allow = Vec::new();
    for (key, value) in entries {
        let name = key.get_ref().as_ref();
        let (mut found, mut kernel) = (None, name);
        match value.get_ref() {
            DeValue::String(_) => found = kind(value, problems),
            DeValue::Table(_) => {
                let Some(mut entry) = Entry::new(value, key.span(), "what is allowed", problems)
                else {
                    continue;
                };
                let help = "add `kind = \"…\"`: its permitted use";
                if let Some(value) = entry.required("kind", help) {
                    found = kind(value, entry.problems);
                }
                if let Some(value) = entry.optional("kernel") {
                    kernel = symbol(value, entry.problems).unwrap_or(name);
                }
                entry.finish();
            }
            _ => problems.add(wrong_type(value, "a kind, or a table with `kind`")),
        }
        if let Some(kind) = found {
            allow.push(Allowed {
                name: name.to_owned(),
                kind,
                kernel: kernel.to_owned(),
            });
        }
    }
    allow
}

fn kind(value: &Value<'_>, problems: &mut Problems) -> Option<AllowKind> {
    let name = string(value, problems)?;
    let found = AllowKind::ALL.into_iter().find(|kind| kind.name() == name);
    if found.is_none() {
        problems.add(
            Problem::new(value.span(), format!("there is no kind `{name}`"))
                .suggest(name, AllowKind::ALL.map(AllowKind::name)),
        );
    }
    found
}
