//! Symbol resolution: the definition that the linker selects for a name.

use std::collections::{HashMap, HashSet};

use alt_object::object::{Place, Symbol};

use super::object::{LinkedObject, Reference};

/// All inputs of a link, and the definitions that the linker selects.
pub(super) struct Link<'a> {
    pub objects: &'a [LinkedObject<'a>],
    definitions: HashMap<&'a [u8], Definition>,
    /// Sections in COMDAT groups that an earlier input has too.
    dropped: HashSet<(usize, usize)>,
}

/// The definition of a global symbol: object and symbol.
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

/// The target of a reference.
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
    /// Memory that the linker allocates.
    Common,
    /// No input defines it.
    Undefined,
    /// No input defines a weak symbol: the linker resolves it to the address of the reference.
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

    /// Drops all COMDAT groups of a signature but the first.
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

    /// Whether the linker drops this section as a duplicate.
    pub(super) fn is_dropped(&self, object: usize, section: usize) -> bool {
        self.dropped.contains(&(object, section))
    }

    /// The target of a reference of an object.
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
