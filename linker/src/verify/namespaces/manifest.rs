//! STUB until the partial link brings its own.

use alt_cpucaps::document::{Entry, Problem, Problems, Source, Value, array, parse, string};
use toml::de::{DeTable, DeValue};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Callback,
    DataRo,
    DataRw,
    EretTarget,
    Bound,
}

impl Kind {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "callback" => Self::Callback,
            "data-ro" => Self::DataRo,
            "data-rw" => Self::DataRw,
            "eret-target" => Self::EretTarget,
            "bound" => Self::Bound,
            _ => return None,
        })
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Callback => "callback",
            Self::DataRo => "data-ro",
            Self::DataRw => "data-rw",
            Self::EretTarget => "eret-target",
            Self::Bound => "bound",
        })
    }
}

#[derive(Clone, Debug)]
pub struct Allow {
    pub kind: Kind,
    pub kernel: String,
}

#[derive(Clone, Debug, Default)]
pub struct Manifest {
    pub name: String,
    pub exports: Vec<String>,
    pub allow: Vec<Allow>,
    pub data_ro: Vec<String>,
    pub data_rw: Vec<String>,
    pub x18_forbidden: bool,
    pub fp_simd_allowed: bool,
    pub indirect_calls: Vec<String>,
}

impl Manifest {
    pub fn from_toml(name: &str, text: &str) -> Result<Self, Vec<String>> {
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
            false => Err(Source::new(name, text).render_all(problems.0)),
        }
    }
}

fn read(document: &DeTable<'_>, problems: &mut Problems) -> Manifest {
    let mut manifest = Manifest::default();
    for (key, value) in document {
        match key.get_ref().as_ref() {
            "name" => manifest.name = string(value, problems).unwrap_or_default().to_owned(),
            "exports" => manifest.exports = list(value, problems),
            "allow" => {
                let DeValue::Table(table) = value.get_ref() else {
                    problems.add(alt_cpucaps::document::wrong_type(value, "a table"));
                    continue;
                };
                for (name, value) in table {
                    let mut kernel = name.get_ref().to_string();
                    let mut kind = value.get_ref().as_str();
                    if let DeValue::Table(table) = value.get_ref() {
                        kind = table.get("kind").and_then(|kind| kind.get_ref().as_str());
                        if let Some(other) = table.get("kernel") {
                            kernel = string(other, problems).unwrap_or_default().to_owned();
                        }
                    }
                    match kind.and_then(Kind::parse) {
                        Some(kind) => manifest.allow.push(Allow { kind, kernel }),
                        None => problems.add(Problem::new(value.span(), "no kind")),
                    }
                }
            }
            "mapped" => {
                if let Some(mut entry) = Entry::new(value, key.span(), "[mapped]", problems) {
                    let ro = entry.optional("data-ro");
                    manifest.data_ro = ro.map_or(Vec::new(), |v| list(v, entry.problems));
                    let rw = entry.optional("data-rw");
                    manifest.data_rw = rw.map_or(Vec::new(), |v| list(v, entry.problems));
                    entry.finish();
                }
            }
            "code" => {
                if let Some(mut entry) = Entry::new(value, key.span(), "[code]", problems) {
                    let is = |value: Option<&Value<'_>>, word| {
                        value.is_some_and(|v| v.get_ref().as_str() == Some(word))
                    };
                    manifest.x18_forbidden = is(entry.optional("x18"), "forbidden");
                    manifest.fp_simd_allowed = is(entry.optional("fp-simd"), "allowed");
                    let calls = entry.optional("indirect-calls");
                    manifest.indirect_calls = calls.map_or(Vec::new(), |v| list(v, entry.problems));
                    entry.finish();
                }
            }
            "sections" => {}
            name => problems.add(Problem::new(key.span(), format!("unknown key `{name}`"))),
        }
    }
    manifest
}

fn list(value: &Value<'_>, problems: &mut Problems) -> Vec<String> {
    let values = array(value, problems).unwrap_or_default();
    let strings = values.iter().filter_map(|value| string(value, problems));
    strings.map(String::from).collect()
}
