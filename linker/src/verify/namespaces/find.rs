//! From the section of manifests to namespaces.

use std::collections::HashMap;
use std::ops::Range;

use super::{Allow, Kind, Manifest};
use crate::image::{Image, Symbol, demangle};
use crate::verify::Named;
use crate::verify::config::{InstructionPattern, Pattern, Places, Region, Register};

/// The section of manifests: for each, its name and text, and a NUL byte.
const SECTION: &str = ".alt_namespaces";

/// As many as an image can have; a damaged section has any number.
const MOST: usize = 16;

/// The namespaces that an image says to hold.
#[derive(Clone, Debug, Default)]
pub struct Namespaces {
    /// In the order of the file.
    pub list: Vec<Namespace>,
    /// What is wrong with the manifests of others.
    pub problems: Vec<String>,
}

/// Code and data of one name for another exception level, in an image.
#[derive(Clone, Debug)]
pub struct Namespace {
    /// Such as `hyp.nvhe`.
    pub name: String,
    /// Where it is and what it may do.
    pub region: Region,
    /// What the kernel may name of it: exports, and where its sections begin and end.
    pub exported: Named,
    /// Its table of pointers.
    pub pointers: Range<u64>,
    pub(super) manifest: Manifest,
}

impl Namespaces {
    /// Reads the manifests of an image, and finds what they speak of.
    pub fn of(image: &Image) -> Self {
        let mut found = Self::default();
        let Some(section) = image.section(SECTION).filter(|section| section.has_bytes()) else {
            return found;
        };
        let mut manifests: Vec<Manifest> = Vec::new();
        for (text, whole) in texts(image.contents(section)) {
            match manifest(text, whole) {
                Err(problem) => found.problems.push(problem),
                Ok(new) if manifests.iter().any(|known| known.name == new.name) => {
                    let text = format!("there are two namespaces of the name {}", new.name);
                    found.problems.push(text);
                }
                Ok(_) if manifests.len() == MOST => {
                    found
                        .problems
                        .push(format!("there are more than {MOST} namespaces"));
                    break;
                }
                Ok(new) => manifests.push(new),
            }
        }
        let names: Vec<String> = manifests.iter().map(|one| one.name.clone()).collect();
        let places: Vec<_> = names
            .iter()
            .map(|name| places(image, name, &names))
            .collect();
        let all = Places::new(places.iter().flat_map(|one| one.ranges().to_vec()));
        let both = manifests.into_iter().zip(places);
        found.list = both
            .map(|(one, places)| namespace(image, one, places, &all))
            .collect();
        found
    }
}

impl Namespace {
    /// The sections of the kernel that it can reach, with what they are for.
    pub(super) fn mapped(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let ro = self.manifest.data_ro.iter().map(|name| ("data-ro", name));
        let rw = self.manifest.data_rw.iter().map(|name| ("data-rw", name));
        ro.chain(rw)
    }

    /// What of the kernel it may name, and how.
    pub(super) fn allow(&self) -> impl Iterator<Item = &Allow> {
        self.manifest.allow.iter()
    }
}

/// The texts of the section, and whether each has its end. What fills up between two is none.
fn texts(bytes: &[u8]) -> impl Iterator<Item = (&[u8], bool)> {
    let mut pieces: Vec<_> = bytes.split(|byte| *byte == 0).collect();
    let last = pieces.pop().unwrap_or_default();
    let whole = pieces.into_iter().map(|piece| (piece, true));
    whole
        .chain([(last, false)])
        .filter(|(piece, _)| !piece.is_empty())
}

fn manifest(text: &[u8], whole: bool) -> Result<Manifest, String> {
    let cannot = |why: &str| format!("the section {SECTION} cannot be read: {why}");
    let text = str::from_utf8(text).map_err(|why| cannot(&why.to_string()))?;
    if !whole {
        return Err(cannot("the last manifest has no NUL byte at its end"));
    }
    let manifest = Manifest::from_toml(SECTION, text);
    let manifest = manifest.map_err(|why| cannot(&why.join("\n")))?;
    match manifest.name.is_empty() {
        true => Err(cannot("a manifest has no name")),
        false => Ok(manifest),
    }
}

/// What stands before the names of a namespace's plain symbols.
fn prefix(name: &str) -> String {
    format!("__{}_", name.replace('.', "_"))
}

/// The sections of a namespace, and what is between its bounds, in case the linker script has
/// put them elsewhere. Of `hyp` and `hyp.nvhe`, `.hyp.nvhe.text` is the latter's.
fn places(image: &Image, name: &str, all: &[String]) -> Places {
    let is_of = |text: &str, name: &str| {
        let rest = text
            .strip_prefix('.')
            .and_then(|text| text.strip_prefix(name));
        rest.is_some_and(|rest| rest.starts_with('.'))
    };
    let nearer = |other: &&String| other.len() > name.len();
    let sections = image.loaded().filter(|section| {
        let other = all
            .iter()
            .filter(nearer)
            .any(|other| is_of(&section.name, other));
        is_of(&section.name, name) && !other
    });
    let sections = sections.map(|section| section.range.clone());
    let prefix = prefix(name);
    let others: Vec<String> = all
        .iter()
        .filter(nearer)
        .map(|other| self::prefix(other))
        .collect();
    let between = image.symbols().iter().filter_map(|start| {
        let bare = start.name.strip_suffix("_start")?;
        let other = others.iter().any(|other| bare.starts_with(other));
        (bare.starts_with(&prefix) && !other).then_some(())?;
        image.between(&start.name, &format!("{bare}_end"))
    });
    Places::new(sections.chain(between))
}

fn namespace(image: &Image, manifest: Manifest, places: Places, all: &Places) -> Namespace {
    let mut forbid_instructions = vec![InstructionPattern::scs()];
    if !manifest.fp_simd_allowed {
        forbid_instructions.push(InstructionPattern::fp_simd());
    }
    let forbid_registers = match manifest.x18_forbidden {
        true => vec![Register::General(18)],
        false => Vec::new(),
    };
    let own = own(image, &manifest.name, &places);
    let calls = own
        .iter()
        .filter(|own| own.is_one_of(&manifest.indirect_calls));
    let calls = Places::new(calls.filter_map(|own| image.extent(own.symbol)));
    let prefix = prefix(&manifest.name);
    let pointers = ["pointers_start", "pointers_end"].map(|end| format!("{prefix}{end}"));
    let section = image.section(&format!(".{}.pointers", manifest.name));
    let section = section
        .filter(|section| section.loaded)
        .map(|section| section.range.clone());
    let pointers = image.between(&pointers[0], &pointers[1]).or(section);
    let region = Region {
        name: manifest.name.clone(),
        may_reference: Some(Places::default()),
        may_name: may_name(image, &manifest, &prefix, &places, all),
        may_be_called_from: None,
        may_call_indirectly: Some(calls),
        forbid_sites: false,
        forbid_registers,
        forbid_instructions,
        places,
    };
    Namespace {
        name: manifest.name.clone(),
        exported: exported(image, &manifest, &own),
        pointers: pointers.unwrap_or_default(),
        region,
        manifest,
    }
}

/// Data, functions and bounds of the kernel: what records alone may name, a callback, is not
/// among them. Nor is anything of another namespace, whatever the manifest says.
fn may_name(
    image: &Image,
    manifest: &Manifest,
    prefix: &str,
    places: &Places,
    all: &Places,
) -> Named {
    let allowed = manifest
        .allow
        .iter()
        .filter(|allow| allow.kind != Kind::Callback);
    let allowed: HashMap<&str, Kind> = allowed.map(|a| (a.kernel.as_str(), a.kind)).collect();
    let named = image.symbols().iter().filter_map(|symbol| {
        let start = symbol.range.start;
        match allowed.get(symbol.name.as_str()) {
            _ if symbol.absolute => None,
            Some(_) if all.contains(start) => None,
            Some(Kind::Bound) => Some((symbol.name.clone(), start..start)),
            Some(_) => Some((symbol.name.clone(), image.extent(symbol)?)),
            // Where a section of its own ends, something else may begin.
            None => {
                let ends = places.ranges().iter().any(|range| range.end == start);
                let own = symbol.name.starts_with(prefix) && symbol.name.ends_with("_end");
                (ends && own).then(|| (symbol.name.clone(), start..start))
            }
        }
    });
    Named::new(named)
}

/// Exports, and where sections begin and end.
fn exported(image: &Image, manifest: &Manifest, own: &[Own<'_>]) -> Named {
    let named = own.iter().filter_map(|own| {
        let (name, range) = (own.symbol.name.clone(), &own.symbol.range);
        let bound = own.bare.ends_with("_start") || own.bare.ends_with("_end");
        if bound && range.is_empty() && !own.symbol.function {
            return Some((name, range.clone()));
        }
        let exported = own.is_one_of(&manifest.exports);
        exported
            .then(|| image.extent(own.symbol))?
            .map(|range| (name, range))
    });
    Named::new(named)
}

/// A symbol in a namespace.
struct Own<'a> {
    symbol: &'a Symbol,
    /// What it was called before it got into it: plain names have its prefix, mangled ones its
    /// suffix.
    bare: &'a str,
    /// The same for people.
    readable: String,
}

impl Own<'_> {
    fn is_one_of(&self, names: &[String]) -> bool {
        let mut patterns = names.iter().map(|name| Pattern::new(name));
        patterns.any(|pattern| pattern.matches(self.bare) || pattern.names_path(&self.readable))
    }
}

fn own<'a>(image: &'a Image, name: &str, places: &Places) -> Vec<Own<'a>> {
    let (prefix, suffix) = (prefix(name), format!(".{name}"));
    let symbols = image.symbols().iter();
    let inside = symbols.filter(|symbol| places.contains(symbol.range.start) && !symbol.absolute);
    let own = inside.map(|symbol| {
        let plain = symbol.name.strip_prefix(&prefix);
        let bare = plain.or_else(|| symbol.name.strip_suffix(&suffix));
        let bare = bare.unwrap_or(&symbol.name);
        let readable = demangle(bare);
        Own {
            symbol,
            bare,
            readable,
        }
    });
    own.collect()
}
