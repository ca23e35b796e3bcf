//! The namespaces of an image, by the manifests in it.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use alt_image::image::{Image, Symbol, demangle};
use alt_linker::namespace::Name;
use alt_linker::namespace::{AllowKind, Allowed, Embedded, Manifest, SECTION, X18};

use crate::config::Named;
use crate::config::{InstructionPattern, Pattern, Places, Region, Register};

/// The table of pointers, without the name of the namespace.
const POINTERS: &str = ".pointers";

/// The sections that every namespace has, without the name of the namespace.
const SECTIONS: [&str; 5] = [".text", ".rodata", ".data", ".bss", POINTERS];

/// The largest number of namespaces; a damaged section may list any number.
const MOST: usize = 16;

/// The namespaces that an image declares.
#[derive(Clone, Debug, Default)]
pub struct Namespaces {
    /// In the order of the file.
    pub list: Vec<Namespace>,
    /// The bounds of sections of namespaces. One may be at the start of another section.
    pub bounds: Named,
    /// The mistakes in other manifests.
    pub problems: Vec<String>,
}

/// The code and data of a namespace.
#[derive(Clone, Debug)]
pub struct Namespace {
    /// Its name, such as `hyp.nvhe`.
    pub name: Name,
    /// Its addresses and rules.
    pub region: Region,
    /// The symbols that the kernel may use, except its bounds.
    pub exported: Named,
    /// Its table of pointers.
    pub pointers: Range<u64>,
    pub(crate) manifest: Manifest,
}

impl Namespaces {
    /// Reads the manifests of an image, and looks up their symbols.
    pub fn of(image: &Image) -> Self {
        let mut found = Self::default();
        let Some(section) = image.section(SECTION).filter(|section| section.has_bytes()) else {
            return found;
        };
        // Its symbols have no addresses yet; hyp-link has made the checks that are possible before the link.
        if image.relocatable().is_some() {
            return found;
        }
        let mut embedded = match Embedded::read(image.contents(section)) {
            Ok(embedded) => embedded,
            Err(why) => {
                let text = format!("the manifests of namespaces cannot be read: {why}");
                found.problems.push(text);
                return found;
            }
        };
        if embedded.len() > MOST {
            let text = format!(
                "there are {} namespaces, and more than {MOST}",
                embedded.len()
            );
            found.problems.push(text);
            embedded.truncate(MOST);
        }
        let places: Vec<_> = (embedded.iter())
            .map(|one| places(image, one, &embedded))
            .collect();
        let ends = embedded.iter();
        let ends = ends.flat_map(|one| bounds(image, &one.name, &one.manifest));
        found.bounds = Named::new(ends);
        let both = embedded.into_iter().zip(places);
        found.list = both
            .map(|(one, places)| namespace(image, one, places))
            .collect();
        found
    }

    /// The namespace that contains an address.
    pub fn at(&self, address: u64) -> Option<&Namespace> {
        let mut all = self.list.iter();
        all.find(|namespace| namespace.region.places.contains(address))
    }
}

impl Namespace {
    /// The sections of the kernel that are mapped for it, with their purpose.
    pub(crate) fn mapped(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let mapped = &self.manifest.mapped;
        let ro = mapped.data_ro.iter().map(|name| ("data-ro", name));
        let rw = mapped.data_rw.iter().map(|name| ("data-rw", name));
        ro.chain(rw)
    }

    /// The kernel symbols that it may use.
    pub(crate) fn allow(&self) -> impl Iterator<Item = &Allowed> {
        self.manifest.allow.iter()
    }
}

/// The sections of a namespace, and the addresses between its bounds, since the linker script may
/// put the input sections elsewhere. If `hyp` and `hyp.nvhe` exist, `.hyp.nvhe.text` belongs to the
/// latter.
fn places(image: &Image, Embedded { name, manifest }: &Embedded, all: &[Embedded]) -> Places {
    let longer = |other: &&Name| other.as_str().len() > name.as_str().len();
    let is_of = |section: &str, name: &Name| section.starts_with(&name.section("."));
    let sections = image.loaded().filter(|section| {
        let mut others = all.iter().map(|other| &other.name).filter(longer);
        is_of(&section.name, name) && !others.any(|other| is_of(&section.name, other))
    });
    let sections = sections.map(|section| section.range.clone());
    let pairs = pairs(name, manifest);
    let between = pairs.filter_map(|[start, end]| image.between(&start, &end));
    Places::new(sections.chain(between))
}

/// The names of the bounds of the sections of a namespace.
fn pairs(name: &Name, manifest: &Manifest) -> impl Iterator<Item = [String; 2]> {
    let further = manifest
        .sections
        .iter()
        .map(|section| section.name.as_str());
    let sections = SECTIONS.into_iter().chain(further);
    sections.map(|section| name.bounds(section))
}

fn namespace(image: &Image, embedded: Embedded, places: Places) -> Namespace {
    let Embedded { name, manifest } = embedded;
    let mut forbid_instructions = vec![InstructionPattern::scs()];
    if !manifest.code.fp_simd {
        forbid_instructions.push(InstructionPattern::fp_simd());
    }
    let forbid_registers = match manifest.code.x18 {
        X18::Forbidden => vec![Register::General(18)],
        X18::Saved => Vec::new(),
    };
    let [start, end] = name.bounds(POINTERS);
    let section = image.section(&name.section(POINTERS));
    let section = section
        .filter(|section| section.loaded)
        .map(|section| section.range.clone());
    let pointers = image.between(&start, &end).or(section);
    let region = Region {
        name: name.to_string(),
        may_reference: Some(Places::default()),
        may_name: may_name(image, &manifest),
        bounds: Named::new(bounds(image, &name, &manifest)),
        may_be_called_from: None,
        may_call_indirectly: Some(indirect_calls(image, &manifest, &name, &places)),
        forbid_sites: false,
        forbid_registers,
        forbid_instructions,
        places,
    };
    Namespace {
        exported: exported(image, &manifest, &name),
        pointers: pointers.unwrap_or_default(),
        region,
        manifest,
        name,
    }
}

/// The allowed data, functions and bounds of the kernel, without callbacks, which only records may
/// use.
fn may_name(image: &Image, manifest: &Manifest) -> Named {
    let allowed = manifest.allow.iter();
    let allowed = allowed.filter(|allow| allow.kind != AllowKind::Callback);
    let allowed: HashMap<&str, AllowKind> = allowed.map(|a| (a.kernel.as_str(), a.kind)).collect();
    let symbols = image.symbols().iter().filter(|symbol| !symbol.absolute);
    let named = symbols.filter_map(|symbol| {
        let range = match allowed.get(symbol.name.as_str())? {
            AllowKind::Bound => symbol.range.start..symbol.range.start,
            _ => image.extent(symbol)?,
        };
        Some((symbol.name.clone(), range))
    });
    Named::new(named)
}

/// The symbols at the ends of the sections of a namespace, including empty sections.
fn bounds(
    image: &Image,
    name: &Name,
    manifest: &Manifest,
) -> impl Iterator<Item = (String, Range<u64>)> {
    let bounds = pairs(name, manifest).flatten();
    bounds.filter_map(|bound| {
        let at = image.symbol(&bound)?;
        Some((bound, at..at))
    })
}

/// The exports of the manifest.
fn exported(image: &Image, manifest: &Manifest, name: &Name) -> Named {
    let exports = manifest.exports.iter();
    let exports: HashSet<String> = exports.map(|export| name.symbol(export)).collect();
    let exported = image.symbols().iter();
    let exported = exported.filter(|symbol| exports.contains(&symbol.name));
    Named::new(exported.filter_map(|symbol| Some((symbol.name.clone(), image.extent(symbol)?))))
}

/// The functions that may contain BR and BLR, by their names before the partial link.
fn indirect_calls(image: &Image, manifest: &Manifest, name: &Name, places: &Places) -> Places {
    let patterns = &manifest.code.indirect_calls;
    if patterns.is_empty() {
        return Places::default();
    }
    let (prefix, suffix) = (name.prefix(), name.suffix());
    let is_one = |symbol: &&Symbol| {
        let plain = symbol.name.strip_prefix(&prefix);
        let bare = plain.or_else(|| symbol.name.strip_suffix(&suffix));
        let bare = bare.unwrap_or(&symbol.name);
        let readable = demangle(bare);
        let mut patterns = patterns.iter().map(|pattern| Pattern::new(pattern));
        patterns.any(|pattern| pattern.matches(bare) || pattern.names_path(&readable))
    };
    let symbols = image.symbols().iter();
    let inside = symbols.filter(|symbol| places.contains(symbol.range.start) && !symbol.absolute);
    Places::new(
        inside
            .filter(is_one)
            .filter_map(|symbol| image.extent(symbol)),
    )
}
