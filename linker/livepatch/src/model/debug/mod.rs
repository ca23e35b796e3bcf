//! The debug information (DWARF) of an image: functions with the code inlined in them,
//! statics, the layouts of types, vtables, and the units of the compiler.

mod entry;
mod layouts;
mod type_names;
mod unit;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use alt_image::image::Image;
use gimli::{Dwarf, EndianSlice, LittleEndian};

use super::layout::Layout;
use entry::{Slice, Source};
use unit::UnitReader;

/// The debug information of an image.
#[derive(Debug, Default)]
pub struct Debug {
    /// The functions that have code, by address.
    pub functions: HashMap<u64, Function>,
    /// The statics, those without a place in the image included, by mangled name.
    pub statics: BTreeMap<String, Static>,
    /// The layouts of the types, by name. Two versions of one crate have several of a name.
    pub types: BTreeMap<String, BTreeSet<Layout>>,
    /// The names of the vtables, by address.
    pub vtables: HashMap<u64, String>,
    /// The units of the compiler.
    pub units: Vec<CodeUnit>,
}

/// A function.
#[derive(Clone, Debug, Default)]
pub struct Function {
    /// Its name without path, with generic arguments: `pick<u32>`.
    pub name: String,
    /// The line of its declaration.
    pub line: u64,
    /// The code that was inlined into it, outer before inner.
    pub inlined: Vec<Inlined>,
    /// The lines of its code, by address.
    pub lines: Vec<(u64, u64)>,
    /// The names of the types that its parameters and variables have, those of inlined code
    /// included, also through pointers and references.
    pub types: BTreeSet<String>,
}

/// Code that was inlined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inlined {
    /// The function, with its path.
    pub name: String,
    /// It comes from the libraries of the toolchain.
    pub toolchain: bool,
    /// Where its code is.
    pub ranges: Vec<Range<u64>>,
}

/// A static.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Static {
    /// Its address; `None` if the optimiser removed it.
    pub address: Option<u64>,
    /// The name of its type.
    pub type_name: String,
}

/// A unit of the compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeUnit {
    /// The crate with its root file, as `src/main.rs/@/kernel.1234-cgu.0`.
    pub name: String,
    /// The directory in which the compiler ran.
    pub directory: String,
    /// The compiler with its version.
    pub producer: String,
}

impl Debug {
    /// Reads the debug information of an image; it is empty where the image has none.
    ///
    /// # Errors
    /// It is damaged.
    pub fn read(image: &Image) -> Result<Self, gimli::Error> {
        let load = |id: gimli::SectionId| -> Result<Slice<'_>, gimli::Error> {
            let section = image.section(id.name());
            let bytes = section.map_or(&[][..], |section| image.contents(section));
            Ok(EndianSlice::new(bytes, LittleEndian))
        };
        let dwarf = Dwarf::load(load)?;
        let mut debug = Self::default();
        let mut headers = dwarf.units();
        while let Some(header) = headers.next()? {
            let unit = dwarf.unit(header)?;
            let source = Source {
                dwarf: &dwarf,
                unit: &unit,
            };
            UnitReader::new(source)?.read(&mut debug)?;
        }
        Ok(debug)
    }
}
