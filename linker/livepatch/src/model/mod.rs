//! The functions and data of a kept build.
//!
//! An [`Atom`] is the unit that a link keeps or drops: a section of an object or, if a section has several
//! functions or merged strings, a part of it. Bytes and references come from the objects, since
//! those of an image have been relaxed and have lost their symbols; addresses come from the
//! linker's map; names of types and of inlined code come from the image's debug information.

mod atom;
mod branches;
mod constants;
pub mod debug;
mod error;
mod folded;
pub mod layout;
pub mod names;
mod pieces;
mod place;
mod read;

use std::collections::HashMap;

use alt_image::image::Image;

use crate::archive::Build;

pub use atom::{Atom, AtomId, Kind, Name, Reference, Target};
use debug::Debug;
pub use error::ModelError;

/// The functions and data of a build.
#[derive(Debug)]
pub struct Model {
    image: Image,
    atoms: Vec<Atom>,
    inputs: Vec<String>,
    debug: Debug,
    /// The atoms at an address: several where the linker folded equal functions.
    by_address: HashMap<u64, Vec<AtomId>>,
}

impl Model {
    /// Reads the functions and data of a kept build.
    ///
    /// # Errors
    /// An input or the debug information is damaged.
    pub fn of(build: &Build) -> Result<Self, ModelError> {
        let image = build.image.clone();
        let mut atoms = read::atoms(&image, &build.inputs, &build.map)?;
        constants::resolve(&image, &mut atoms);
        let debug = Debug::read(&image)?;
        let mut by_address: HashMap<u64, Vec<AtomId>> = HashMap::new();
        for (index, atom) in atoms.iter().enumerate() {
            if let Some(address) = atom.address
                && atom.size > 0
            {
                by_address.entry(address).or_default().push(AtomId(index));
            }
        }
        Ok(Self {
            image,
            atoms,
            inputs: build
                .inputs
                .iter()
                .map(|input| input.name.clone())
                .collect(),
            debug,
            by_address,
        })
    }

    /// The linked image.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// The contents of the debug information of the image.
    pub fn debug(&self) -> &Debug {
        &self.debug
    }

    /// The names of the inputs, in the order of the link.
    pub fn inputs(&self) -> &[String] {
        &self.inputs
    }

    /// An atom.
    pub fn atom(&self, id: AtomId) -> &Atom {
        &self.atoms[id.0]
    }

    /// All atoms, in the order of the link.
    pub fn atoms(&self) -> impl Iterator<Item = (AtomId, &Atom)> {
        let atoms = self.atoms.iter().enumerate();
        atoms.map(|(index, atom)| (AtomId(index), atom))
    }

    /// The atoms that begin at an address.
    pub fn at(&self, address: u64) -> &[AtomId] {
        self.by_address.get(&address).map_or(&[], Vec::as_slice)
    }

    /// The debug information of a function.
    pub fn function(&self, id: AtomId) -> Option<&debug::Function> {
        self.debug.functions.get(&self.atom(id).address?)
    }

    /// The name of an atom for a person: the demangled path, with the generic arguments that the
    /// debug information knows.
    pub fn label(&self, id: AtomId) -> String {
        let atom = self.atom(id);
        let name = atom.name();
        match self.function(id) {
            Some(function) => display_name(name, &function.name),
            None => names::stable(name),
        }
    }
}

/// The demangled path of a symbol, with the generic arguments of its name in the debug information:
/// `dep::pick` and `pick<u32>` make `dep::pick<u32>`; closures have their number.
pub(crate) fn display_name(mangled: &str, short: &str) -> String {
    let full = names::stable(mangled);
    let Some((path, last)) = full.rsplit_once("::") else {
        return full;
    };
    let extends = short
        .strip_prefix(last)
        .is_some_and(|rest| rest.starts_with('<'));
    let closure = last.starts_with("{{closure}}") && short.starts_with("{closure");
    match extends || closure {
        true => format!("{path}::{short}"),
        false => full,
    }
}
