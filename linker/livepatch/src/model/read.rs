//! Reads the atoms of objects.

use std::collections::HashMap;
use std::ops::Range;

use alt_image::image::Image;
use alt_linker::map::Placed;
use alt_object::display;
use alt_object::object::{Object, Place, Symbol};
use object::elf::{SHF_LINK_ORDER, SHF_MERGE, SHF_WRITE, SHT_NOBITS, STT_FILE, STT_SECTION};

use crate::archive;

use super::atom::{Atom, AtomId, Kind, Name, Reference, Target};
use super::branches;
use super::error::ModelError;
use super::folded;
use super::names;
use super::pieces;
use super::place::Places;

/// The atoms of all inputs.
pub(super) fn atoms(
    image: &Image,
    sources: &[archive::Input],
    map: &[Placed],
) -> Result<Vec<Atom>, ModelError> {
    let places = Places::new(map);
    let mut objects = Vec::new();
    for source in sources {
        let object = Object::parse(&source.bytes).map_err(|error| ModelError::Object {
            name: source.name.clone(),
            error,
        })?;
        let placed = places.of(&source.name, &object);
        objects.push(Input {
            name: &source.name,
            object,
            placed,
            atoms: HashMap::new(),
        });
    }
    // Functions that the linker folded into others (--icf) are not in the map.
    let parts: Vec<_> = objects
        .iter()
        .map(|input| (&input.object, &*input.placed))
        .collect();
    let folded = folded::find(image, &parts);
    for (input, folded) in objects.iter_mut().zip(folded) {
        for (section, place) in folded {
            input.placed[section] = Some(place);
        }
    }
    let mut atoms = Vec::new();
    for (index, input) in objects.iter_mut().enumerate() {
        input.read(index, &mut atoms)?;
    }
    let globals = globals(&objects);
    for input in &objects {
        input.refer(&globals, &mut atoms)?;
    }
    Ok(atoms)
}

/// An object, with the atoms of its sections.
struct Input<'a> {
    name: &'a str,
    object: Object<'a>,
    placed: Vec<Option<&'a Placed>>,
    /// By section: where each atom is, in order.
    atoms: HashMap<usize, Vec<(Range<u64>, AtomId)>>,
}

impl Input<'_> {
    fn damaged(&self, error: alt_object::object::ObjectError) -> ModelError {
        ModelError::Object {
            name: self.name.to_owned(),
            error,
        }
    }

    /// Reads the atoms of the sections that are in the image.
    fn read(&mut self, index: usize, atoms: &mut Vec<Atom>) -> Result<(), ModelError> {
        let merges = |section: usize| {
            let flags = self.object.sections[section].flags;
            flags.contains(SHF_MERGE) && !flags.contains(SHF_WRITE)
        };
        let is_used = self.placed.iter().any(Option::is_some);
        let mut read = HashMap::new();
        for section in 0..self.object.sections.len() {
            let header = &self.object.sections[section];
            let placed = self.placed[section];
            let used = placed.is_some() || is_used && merges(section);
            if !header.is_loaded() || !used || is_ignored(header.name) {
                continue;
            }
            let bytes = match header.kind {
                SHT_NOBITS => &[],
                _ => self
                    .object
                    .contents(section)
                    .map_err(|error| self.damaged(error))?,
            };
            let list = pieces::of(&self.object, section, bytes);
            let list = list.into_iter().map(|range| {
                let id = AtomId(atoms.len());
                atoms.push(self.atom(index, section, &range, bytes));
                (range, id)
            });
            read.insert(section, list.collect::<Vec<_>>());
        }
        self.atoms = read;
        for (section, list) in &self.atoms {
            let header = &self.object.sections[*section];
            if !header.flags.contains(SHF_LINK_ORDER) {
                continue;
            }
            // A section that is linked to one with several functions belongs to the first: the
            // relocations of its records are not needed to compare it.
            if let Some((_, owner)) = self.atoms.get(&header.link).and_then(|list| list.first()) {
                let ids = list.iter().map(|(_, id)| *id);
                atoms[owner.0].records.extend(ids);
            }
        }
        for list in self.atoms.values() {
            for (_, id) in list {
                atoms[id.0].records.sort();
            }
        }
        Ok(())
    }

    fn atom(&self, input: usize, section: usize, range: &Range<u64>, bytes: &[u8]) -> Atom {
        let header = &self.object.sections[section];
        let placed = self.placed[section];
        let slice = usize::try_from(range.start)
            .ok()
            .zip(usize::try_from(range.end).ok());
        let own = slice.and_then(|(start, end)| bytes.get(start..end));
        let mut symbols: Vec<&Symbol<'_>> = self.object.symbols.iter().collect();
        symbols.retain(|symbol| {
            let inside = matches!(symbol.place, Place::In(of, at)
                if of == section && (range.contains(&at) || at == range.start));
            inside && is_a_name(symbol)
        });
        let mut names: Vec<Name> = symbols
            .iter()
            .map(|symbol| Name {
                name: display::name(symbol.name),
                offset: match symbol.place {
                    Place::In(_, at) => at - range.start,
                    _ => 0,
                },
                local: symbol.local,
            })
            .collect();
        names.sort_by(|a, b| (a.offset, a.local, &a.name).cmp(&(b.offset, b.local, &b.name)));
        let named = names
            .first()
            .filter(|name| name.offset == 0)
            .map(|name| &*name.name);
        let anonymous = named.is_none_or(names::is_anonymous);
        let kind = if header.flags.contains(SHF_LINK_ORDER) {
            Kind::Record
        } else if header.is_code() {
            Kind::Function
        } else if header.flags.contains(SHF_WRITE) && !is_read_only_after_link(header.name) {
            Kind::Writable
        } else if anonymous {
            Kind::Constant
        } else {
            Kind::ReadOnly
        };
        let section_name = display::name(header.name);
        Atom {
            kind,
            placed_by_name: !names::is_default_section(&section_name, named),
            names,
            input,
            section: section_name,
            output: placed.map_or_else(String::new, |placed| placed.output.clone()),
            bytes: own.unwrap_or_default().to_vec(),
            size: range.end - range.start,
            align: header.align,
            references: Vec::new(),
            records: Vec::new(),
            address: placed.map(|placed| placed.address + range.start),
        }
    }

    /// Reads the references of the atoms.
    fn refer(&self, globals: &Globals, atoms: &mut [Atom]) -> Result<(), ModelError> {
        for section in 0..self.object.sections.len() {
            let about = self.object.sections[section].info;
            let Some(list) = self.atoms.get(&about) else {
                continue;
            };
            let relocations = self.object.relocations(section);
            let Some(relocations) = relocations.map_err(|error| self.damaged(error))? else {
                continue;
            };
            for relocation in relocations.list {
                let Some((range, id)) = at(list, relocation.offset) else {
                    continue;
                };
                let (target, addend) = self.target(
                    globals,
                    relocation.symbol,
                    relocation.addend.unwrap_or_default(),
                );
                // The linker keeps the targets of these, and writes nothing (R_AARCH64_NONE).
                if relocation.kind.0 == 0 {
                    continue;
                }
                atoms[id.0].references.push(Reference {
                    offset: relocation.offset - range.start,
                    kind: relocation.kind.0,
                    target,
                    addend,
                    resolved: false,
                });
            }
        }
        for list in self.atoms.values().filter(|list| list.len() > 1) {
            branches::unresolve(list, atoms);
        }
        for (_, id) in self.atoms.values().flatten() {
            let references = &mut atoms[id.0].references;
            references.sort_by_key(|reference| (reference.offset, reference.kind));
        }
        Ok(())
    }

    /// The target of a symbol plus addend.
    fn target(&self, globals: &Globals, symbol: usize, addend: i64) -> (Target, i64) {
        let Some(symbol) = self.object.symbols.get(symbol) else {
            return (Target::Absent(String::new()), addend);
        };
        let name = display::name(symbol.name);
        if let Place::In(section, value) = symbol.place {
            if let Some(list) = self.atoms.get(&section) {
                // The symbol of a section: the addend alone selects the atom.
                let point = match symbol.kind {
                    STT_SECTION => value.saturating_add_signed(addend),
                    _ => value,
                };
                let last = list.last();
                if let Some((range, id)) = at(list, point).or(last) {
                    let from = value as i64 - range.start as i64;
                    return (Target::Atom(*id), from + addend);
                }
            }
            if symbol.local {
                let section = display::name(self.object.sections[section].name);
                let name = if name.is_empty() { section } else { name };
                return (Target::Absent(name), addend);
            }
        }
        match globals.get(&name) {
            Some(global) => (Target::Atom(global.atom), global.offset + addend),
            None => (Target::Linker(name), addend),
        }
    }
}

/// The atom at an offset of a section.
fn at(list: &[(Range<u64>, AtomId)], offset: u64) -> Option<&(Range<u64>, AtomId)> {
    let after = list.partition_point(|(range, _)| range.start <= offset);
    let found = list.get(after.checked_sub(1)?)?;
    (found.0.contains(&offset) || found.0.start == offset).then_some(found)
}

/// The definitions of global symbols.
type Globals = HashMap<String, Global>;

/// The definition of a global symbol.
struct Global {
    weak: bool,
    atom: AtomId,
    /// In the atom: a label in assembly may be global.
    offset: i64,
}

/// The global symbols of the image's atoms; definitions that are not weak win.
fn globals(inputs: &[Input<'_>]) -> Globals {
    let mut globals = Globals::new();
    for input in inputs {
        for symbol in input.object.symbols.iter().filter(|symbol| !symbol.local) {
            let Place::In(section, offset) = symbol.place else {
                continue;
            };
            let Some((range, id)) = input.atoms.get(&section).and_then(|list| at(list, offset))
            else {
                continue;
            };
            let name = display::name(symbol.name);
            if globals
                .get(&name)
                .is_none_or(|there| there.weak && !symbol.weak)
            {
                let global = Global {
                    weak: symbol.weak,
                    atom: *id,
                    offset: (offset - range.start) as i64,
                };
                globals.insert(name, global);
            }
        }
    }
    globals
}

/// Whether a symbol is a name: not a mark, a section or a file.
fn is_a_name(symbol: &Symbol<'_>) -> bool {
    // Mapping symbols, and labels that an assembler numbers.
    let marks = symbol.name.starts_with(b"$") && symbol.size == 0 && symbol.local
        || symbol.name.starts_with(b".L");
    !symbol.name.is_empty() && !marks && !matches!(symbol.kind, STT_SECTION | STT_FILE)
}

/// Sections that tools read, or that kernels discard.
fn is_ignored(name: &[u8]) -> bool {
    name.starts_with(b".eh_frame") || name.starts_with(b".note") || name.starts_with(b".llvm")
}

/// Data that only a loader writes.
fn is_read_only_after_link(name: &[u8]) -> bool {
    name.starts_with(b".data.rel.ro")
}
