//! The rules file: further rules for one image.
//!
//! ```toml
//! [init]
//! may-refer = ["main"]
//!
//! [[before-final]]
//! scope = "system"
//! functions = ["secondary_entry"]
//!
//! [[region]]
//! name = "hyp"
//! sections = [".hyp.text"]
//! may-reference = [".hyp.*"]
//! forbid-registers = ["x18"]
//! ```
//!
//! `docs/verify.md` documents the keys. Names are looked up in the image while the file is read, so
//! an unknown name is a mistake in the file and not a rule without effect.

mod before_final;
mod bounds;
mod init;
mod instructions;
mod kernel;
mod no_reference;
mod pattern;
mod places;
mod region;
mod registers;

use alt_cpucaps::document::{
    Entry, Problem, Problems, Source, Value, array, parse, string, wrong_type,
};
use toml::de::DeTable;

pub use before_final::BeforeFinal;
pub use bounds::{Bounds, BoundsOf};
pub use init::Init;
pub use instructions::InstructionPattern;
pub use kernel::Kernel;
pub use no_reference::NoReference;
pub use places::{Named, Places};
pub use region::Region;
pub use registers::Register;

use alt_image::image::Image;
pub(crate) use pattern::Pattern;

/// Mistakes in a rules file: a text for each, with line and column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n\n"))]
pub struct ConfigError(
    /// In the order of the file.
    pub Vec<String>,
);

/// The content of a rules file.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The init region, if the file has a table for it.
    pub init: Option<Init>,
    /// Code that runs before cpucaps are final.
    pub before_final: Vec<BeforeFinal>,
    /// Regions of the image with further rules.
    pub regions: Vec<Region>,
    /// Forbidden references.
    pub no_references: Vec<NoReference>,
    /// Bounds of parts of the kernel, in addition to symbols of usual names.
    pub bounds: Vec<Bounds>,
    /// Other properties of the kernel.
    pub kernel: Kernel,
}

impl Config {
    /// Reads the rules for an image. `name` is the name of the file in messages.
    ///
    /// # Errors
    /// All mistakes of the file: syntax, unknown keys, values of the wrong type, names that the
    /// image lacks.
    pub fn from_toml(name: &str, text: &str, image: &Image) -> Result<Self, ConfigError> {
        let mut problems = Problems::default();
        let config = match parse(text) {
            Ok(document) => config(&document, image, &mut problems),
            Err(found) => {
                problems.0 = found;
                Self::default()
            }
        };
        if problems.0.is_empty() {
            return Ok(config);
        }
        Err(ConfigError(Source::new(name, text).render_all(problems.0)))
    }
}

const TABLES: [&str; 6] = [
    "init",
    "before-final",
    "region",
    "no-reference",
    "bounds",
    "kernel",
];

fn config(document: &DeTable<'_>, image: &Image, problems: &mut Problems) -> Config {
    let mut config = Config::default();
    for (key, value) in document {
        let span = key.span();
        match key.get_ref().as_ref() {
            "init" => {
                if let Some(entry) = Entry::new(value, span, "[init]", problems) {
                    config.init = Some(init::read(entry, image));
                }
            }
            "before-final" => {
                for value in array(value, problems).unwrap_or_default() {
                    let span = value.span();
                    if let Some(entry) = Entry::new(value, span, "[[before-final]]", problems) {
                        config.before_final.extend(before_final::read(entry, image));
                    }
                }
            }
            "region" => {
                for value in array(value, problems).unwrap_or_default() {
                    let span = value.span();
                    if let Some(entry) = Entry::new(value, span, "[[region]]", problems) {
                        config.regions.extend(region::read(entry, image));
                    }
                }
            }
            "no-reference" => {
                for value in array(value, problems).unwrap_or_default() {
                    let span = value.span();
                    if let Some(entry) = Entry::new(value, span, "[[no-reference]]", problems) {
                        let read = no_reference::read(entry, image);
                        config.no_references.extend(read);
                    }
                }
            }
            "bounds" => {
                for value in array(value, problems).unwrap_or_default() {
                    let span = value.span();
                    if let Some(entry) = Entry::new(value, span, "[[bounds]]", problems) {
                        config.bounds.extend(bounds::read(entry, image));
                    }
                }
            }
            "kernel" => {
                if let Some(entry) = Entry::new(value, span, "[kernel]", problems) {
                    config.kernel = kernel::read(entry, image);
                }
            }
            name => problems.add(
                Problem::new(span, format!("unknown table `{name}` in a rules file"))
                    .suggest(name, TABLES),
            ),
        }
    }
    config
}

/// The strings of an array, with the value of each; empty if the key is missing.
fn strings<'a>(
    entry: &mut Entry<'a, '_>,
    key: &'static str,
) -> Option<Vec<(&'a str, &'a Value<'a>)>> {
    let values = array(entry.optional(key)?, entry.problems)?;
    let strings = values
        .iter()
        .filter_map(|value| Some((string(value, entry.problems)?, value)));
    Some(strings.collect())
}

/// A string, if the key exists.
fn text<'a>(entry: &mut Entry<'a, '_>, key: &'static str) -> Option<(&'a str, &'a Value<'a>)> {
    let value = entry.optional(key)?;
    Some((string(value, entry.problems)?, value))
}

/// A boolean, or the default if the key is missing.
fn flag(entry: &mut Entry<'_, '_>, key: &'static str, default: bool) -> bool {
    let Some(value) = entry.optional(key) else {
        return default;
    };
    value.get_ref().as_bool().unwrap_or_else(|| {
        entry.problems.add(wrong_type(value, "true or false"));
        default
    })
}

/// The addresses that names of symbols or sections cover. A name may match nothing: an allowed symbol
/// need not exist.
fn allowed(entry: &mut Entry<'_, '_>, key: &'static str, image: &Image) -> Option<Places> {
    let names = strings(entry, key)?;
    let ranges = names.into_iter().flat_map(|(name, _)| {
        let pattern = Pattern::new(name);
        let sections = pattern.sections(image).map(|section| section.range.clone());
        let sections: Vec<_> = sections.collect();
        sections.into_iter().chain(pattern.symbols(image))
    });
    Some(Places::new(ranges))
}

/// The addresses between the symbols that the keys `start` and `end` name.
fn between(entry: &mut Entry<'_, '_>, image: &Image) -> Option<std::ops::Range<u64>> {
    let span = entry.span.clone();
    match (text(entry, "start"), text(entry, "end")) {
        (None, None) => None,
        (Some((start, from)), Some((end, to))) => {
            let found = [(start, from), (end, to)].map(|(name, value)| {
                let address = image.symbol(name);
                if address.is_none() {
                    entry.problems.add(no_symbol(name, value));
                }
                address
            });
            let [Some(start), Some(end)] = found else {
                return None;
            };
            if start >= end {
                let text = format!("nothing lies between {start:#x} and {end:#x}");
                entry.problems.add(Problem::new(from.span(), text));
            }
            Some(start..end.max(start))
        }
        _ => {
            entry.problems.add(
                Problem::new(span, "`start` and `end` go together")
                    .help("give the symbols at both ends"),
            );
            None
        }
    }
}

fn no_symbol(name: &str, value: &Value<'_>) -> Problem {
    Problem::new(value.span(), format!("the image has no symbol `{name}`"))
        .help("`nm` lists the symbols; linker scripts define those of bounds")
}

/// The ranges of the sections whose names match those of a key.
fn sections(
    entry: &mut Entry<'_, '_>,
    key: &'static str,
    image: &Image,
) -> Vec<std::ops::Range<u64>> {
    let mut ranges = Vec::new();
    for (name, value) in strings(entry, key).unwrap_or_default() {
        let before = ranges.len();
        let pattern = Pattern::new(name);
        ranges.extend(pattern.sections(image).map(|section| section.range.clone()));
        if ranges.len() == before {
            let names = image.loaded().map(|section| section.name.as_str());
            entry.problems.add(
                Problem::new(value.span(), format!("the image has no section `{name}`"))
                    .suggest(name, names),
            );
        }
    }
    ranges
}
