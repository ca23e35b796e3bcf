//! Which definition a symbol means, as the linker decides it.

use std::collections::{HashMap, HashSet};

use alt_object::object::{Place, Symbol};

use super::object::{LinkedObject, Reference};

/// All inputs of a link, and what the linker will make of names.
pub(super) struct Link<'a> {
    pub objects: &'a [LinkedObject<'a>],
    definitions: HashMap<&'a [u8], Definition>,
    /// Sections of COMDAT groups of which an earlier input has a copy.
    dropped: HashSet<(usize, usize)>,
}

/// Where a global symbol is defined: object and symbol.
#[derive(Clone, Copy)]
struct Definition {
    strength: Strength,
    object: usize,
    symbol: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    Weak,
    Common,
    Strong,
}

/// What a reference goes to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// A place in a section of an object.
    Section {
        object: usize,
        section: usize,
        offset: u64,
    },
    /// An address that does not depend on the link.
    Absolute,
    /// Room that the linker makes.
    Common,
    /// None of the inputs defines it.
    Undefined,
    /// None defines it, and none need: the linker makes it the reference's own place.
    Itself,
}

impl<'a> Link<'a> {
    pub(super) fn new(objects: &'a [LinkedObject<'a>]) -> Self {
        let mut link = Self {
            objects,
            definitions: HashMap::new(),
            dropped: HashSet::new(),
        };
        link.drop_copies();
        for (number, object) in objects.iter().enumerate() {
            for (index, symbol) in object.file.symbols.iter().enumerate() {
                link.define(number, index, symbol);
            }
        }
        link
    }

    /// Of COMDAT groups with the same signature, the first stays.
    fn drop_copies(&mut self) {
        let mut first = HashMap::new();
        for (number, object) in self.objects.iter().enumerate() {
            for (index, section) in object.file.sections.iter().enumerate() {
                if let Some(signature) = section.comdat
                    && *first.entry(signature).or_insert(number) != number
                {
                    self.dropped.insert((number, index));
                }
            }
        }
    }

    fn define(&mut self, object: usize, index: usize, symbol: &Symbol<'a>) {
        let strength = match (symbol.place, symbol.weak) {
            _ if symbol.local => return,
            (Place::Undefined, _) => return,
            (Place::In(section, _), _) if self.is_dropped(object, section) => return,
            (Place::Common, _) => Strength::Common,
            (_, true) => Strength::Weak,
            (_, false) => Strength::Strong,
        };
        let new = Definition {
            strength,
            object,
            symbol: index,
        };
        self.definitions
            .entry(symbol.name)
            .and_modify(|known| {
                if strength > known.strength {
                    *known = new;
                }
            })
            .or_insert(new);
    }

    /// Whether the linker drops this section, since it has a copy.
    pub(super) fn is_dropped(&self, object: usize, section: usize) -> bool {
        self.dropped.contains(&(object, section))
    }

    /// What a reference of an object goes to.
    pub(super) fn target(&self, object: usize, reference: &Reference) -> Target {
        let own = &self.objects[object].file.symbols[reference.symbol];
        let (object, symbol) = match (own.local, self.definitions.get(own.name)) {
            (true, _) => (object, own),
            (false, Some(found)) => {
                let symbol = &self.objects[found.object].file.symbols[found.symbol];
                (found.object, symbol)
            }
            // AAELF64, "Weak references": a branch goes to the next instruction, an address is
            // that of the place itself.
            (false, None) if own.weak => return Target::Itself,
            (false, None) => return Target::Undefined,
        };
        match symbol.place {
            Place::In(section, offset) => Target::Section {
                object,
                section,
                offset: offset.wrapping_add_signed(reference.addend),
            },
            Place::Absolute => Target::Absolute,
            Place::Common => Target::Common,
            Place::Undefined => Target::Undefined,
        }
    }
}
