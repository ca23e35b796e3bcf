//! What the debug information (DWARF) of an image says: functions with the code inlined in them,
//! statics, the layouts of types, vtables, and the units of the compiler.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use alt_image::image::Image;
use gimli::{
    AttributeValue, DebuggingInformationEntry, Dwarf, EndianSlice, LittleEndian, Operation, Unit,
    UnitOffset, constants as dw,
};

use super::layout::{Layout, Member};

type Slice<'a> = EndianSlice<'a, LittleEndian>;
type Entry<'a> = DebuggingInformationEntry<Slice<'a>>;

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
    /// included, behind pointers and references too.
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
            UnitReader::new(&dwarf, &unit)?.read(&mut debug)?;
        }
        Ok(debug)
    }
}

/// Reads one unit.
struct UnitReader<'a, 'b> {
    dwarf: &'b Dwarf<Slice<'a>>,
    unit: &'b Unit<Slice<'a>>,
    /// The full names of types and functions, by offset.
    names: HashMap<UnitOffset, String>,
    /// What pointers, references and arrays refer to.
    inner: HashMap<UnitOffset, UnitOffset>,
    lines: Vec<(u64, u64)>,
}

impl<'a, 'b> UnitReader<'a, 'b> {
    fn new(dwarf: &'b Dwarf<Slice<'a>>, unit: &'b Unit<Slice<'a>>) -> Result<Self, gimli::Error> {
        let mut reader = Self {
            dwarf,
            unit,
            names: HashMap::new(),
            inner: HashMap::new(),
            lines: Vec::new(),
        };
        reader.read_names()?;
        reader.read_lines()?;
        Ok(reader)
    }

    fn text(&self, value: Option<AttributeValue<Slice<'a>>>) -> Option<String> {
        let text = self.dwarf.attr_string(self.unit, value?).ok()?;
        Some(text.to_string_lossy().into_owned())
    }

    fn name(&self, entry: &Entry<'a>) -> Option<String> {
        self.text(entry.attr_value(dw::DW_AT_name))
    }

    fn type_of(&self, entry: &Entry<'a>) -> Option<UnitOffset> {
        match entry.attr_value(dw::DW_AT_type)? {
            AttributeValue::UnitRef(offset) => Some(offset),
            _ => None,
        }
    }

    /// The names of types and functions with their path.
    fn read_names(&mut self) -> Result<(), gimli::Error> {
        let mut path: Vec<(isize, String)> = Vec::new();
        let mut entries = self.unit.entries();
        while let Some(entry) = entries.next_dfs()? {
            let depth = entry.depth();
            while path.last().is_some_and(|(of, _)| *of >= depth) {
                path.pop();
            }
            let Some(name) = self.name(entry) else {
                // Pointers without a name, such as those of C.
                if let Some(inner) = self.type_of(entry) {
                    self.inner.insert(entry.offset(), inner);
                }
                continue;
            };
            let full = match path.last() {
                Some((_, before)) => format!("{before}::{name}"),
                None => name.clone(),
            };
            match entry.tag() {
                dw::DW_TAG_namespace => path.push((depth, full)),
                dw::DW_TAG_structure_type | dw::DW_TAG_union_type | dw::DW_TAG_enumeration_type => {
                    self.names.insert(entry.offset(), full.clone());
                    path.push((depth, full));
                }
                dw::DW_TAG_subprogram => {
                    self.names.insert(entry.offset(), full);
                }
                dw::DW_TAG_base_type => {
                    self.names.insert(entry.offset(), name);
                }
                dw::DW_TAG_pointer_type => {
                    self.names.insert(entry.offset(), name);
                    if let Some(inner) = self.type_of(entry) {
                        self.inner.insert(entry.offset(), inner);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The rows of the line table: address and line.
    fn read_lines(&mut self) -> Result<(), gimli::Error> {
        let Some(program) = self.unit.line_program.clone() else {
            return Ok(());
        };
        let mut rows = program.rows();
        while let Some((_, row)) = rows.next_row()? {
            let line = row.line().map_or(0, std::num::NonZero::get);
            if !row.end_sequence() {
                self.lines.push((row.address(), line));
            }
        }
        self.lines.sort_by_key(|(address, _)| *address);
        Ok(())
    }

    /// The name of a type; arrays and unnamed pointers are spelled out.
    fn type_name(&self, offset: UnitOffset) -> String {
        if let Some(name) = self.names.get(&offset) {
            return name.clone();
        }
        let Ok(entry) = self.unit.entry(offset) else {
            return String::new();
        };
        let inner = self.type_of(&entry).map(|inner| self.type_name(inner));
        let inner = inner.unwrap_or_default();
        match entry.tag() {
            dw::DW_TAG_array_type => format!("[{inner}; {}]", self.count(offset)),
            dw::DW_TAG_pointer_type => format!("*{inner}"),
            _ => inner,
        }
    }

    fn count(&self, array: UnitOffset) -> u64 {
        let Ok(mut entries) = self.unit.entries_at_offset(array) else {
            return 0;
        };
        let _ = entries.next_dfs();
        match entries.next_dfs() {
            Ok(Some(range)) if range.tag() == dw::DW_TAG_subrange_type => range
                .attr_value(dw::DW_AT_count)
                .and_then(|count| count.udata_value())
                .unwrap_or_default(),
            _ => 0,
        }
    }

    /// The types that a type leads to: itself, and what it points to or consists of.
    fn types_of(&self, offset: UnitOffset, into: &mut BTreeSet<String>) {
        let mut next = Some(offset);
        // A chain of pointers ends, except in a damaged file.
        for _ in 0..16 {
            let Some(at) = next else {
                return;
            };
            into.insert(self.type_name(at));
            next = self.inner.get(&at).copied();
        }
    }

    fn read(&self, debug: &mut Debug) -> Result<(), gimli::Error> {
        let mut entries = self.unit.entries();
        // The function that contains the entry, by depth, and its address.
        let mut function: Option<(isize, u64)> = None;
        // The type that contains the entry, by depth.
        let mut types: Vec<(isize, UnitOffset, Layout)> = Vec::new();
        let mut variants: Vec<(isize, String)> = Vec::new();
        while let Some(entry) = entries.next_dfs()? {
            let depth = entry.depth();
            if function.is_some_and(|(of, _)| of >= depth) {
                function = None;
            }
            while types.last().is_some_and(|(of, ..)| *of >= depth) {
                self.finish(types.pop(), debug);
            }
            while variants.last().is_some_and(|(of, _)| *of >= depth) {
                variants.pop();
            }
            match entry.tag() {
                dw::DW_TAG_compile_unit => debug.units.push(CodeUnit {
                    name: self.name(entry).unwrap_or_default(),
                    directory: self
                        .text(entry.attr_value(dw::DW_AT_comp_dir))
                        .unwrap_or_default(),
                    producer: self
                        .text(entry.attr_value(dw::DW_AT_producer))
                        .unwrap_or_default(),
                }),
                dw::DW_TAG_subprogram => {
                    if let Some(address) = self.low_pc(entry) {
                        self.function(entry, address, debug)?;
                        function = Some((depth, address));
                    }
                }
                dw::DW_TAG_inlined_subroutine => {
                    if let Some((_, address)) = function {
                        self.inlined(entry, address, debug)?;
                    }
                }
                dw::DW_TAG_variable | dw::DW_TAG_formal_parameter => {
                    self.variable(entry, function, debug);
                }
                dw::DW_TAG_structure_type | dw::DW_TAG_union_type | dw::DW_TAG_enumeration_type => {
                    let number =
                        |name| entry.attr_value(name).and_then(|value| value.udata_value());
                    let layout = Layout {
                        size: number(dw::DW_AT_byte_size).unwrap_or_default(),
                        align: number(dw::DW_AT_alignment).unwrap_or_default(),
                        members: Vec::new(),
                    };
                    types.push((depth, entry.offset(), layout));
                }
                dw::DW_TAG_variant => {
                    let value = entry.attr_value(dw::DW_AT_discr_value);
                    let value = value.and_then(|value| {
                        value
                            .sdata_value()
                            .or_else(|| value.udata_value().map(|v| v as i64))
                    });
                    let name =
                        value.map_or_else(|| "default".to_owned(), |value| value.to_string());
                    variants.push((depth, name));
                }
                dw::DW_TAG_member | dw::DW_TAG_enumerator => {
                    let Some((of, _, layout)) = types.last_mut() else {
                        continue;
                    };
                    // Variants of an enum are members of their own, whose name is that of a type.
                    let variant = variants.last().filter(|(at, _)| at > of);
                    let number =
                        |name| entry.attr_value(name).and_then(|value| value.udata_value());
                    let value = entry.attr_value(dw::DW_AT_const_value);
                    let value = value.and_then(|value| {
                        value
                            .sdata_value()
                            .or_else(|| value.udata_value().map(|v| v as i64))
                    });
                    let name = self
                        .name(entry)
                        .unwrap_or_else(|| "(discriminant)".to_owned());
                    layout.members.push(Member {
                        variant: variant.map(|(_, value)| value.clone()),
                        offset: number(dw::DW_AT_data_member_location).unwrap_or_default(),
                        value,
                        // The type of a vtable is an array of its length, which the rule for
                        // vtables judges.
                        type_name: match &*name {
                            "vtable" => name.clone(),
                            _ => self
                                .type_of(entry)
                                .map(|of| self.type_name(of))
                                .unwrap_or_default(),
                        },
                        name,
                    });
                }
                _ => {}
            }
        }
        while let Some(last) = types.pop() {
            self.finish(Some(last), debug);
        }
        Ok(())
    }

    /// Adds the layout of a type.
    fn finish(&self, of: Option<(isize, UnitOffset, Layout)>, debug: &mut Debug) {
        let Some((_, offset, mut layout)) = of else {
            return;
        };
        if let Some(name) = self.names.get(&offset) {
            layout.members.sort();
            debug.types.entry(name.clone()).or_default().insert(layout);
        }
    }

    fn low_pc(&self, entry: &Entry<'a>) -> Option<u64> {
        let value = entry.attr_value(dw::DW_AT_low_pc)?;
        let address = self.dwarf.attr_address(self.unit, value).ok()??;
        (address != 0).then_some(address)
    }

    /// The entry that has the name: that of the abstract function or of the declaration.
    fn origin(&self, entry: &Entry<'a>) -> Entry<'a> {
        let mut found = entry.clone();
        for _ in 0..8 {
            let next = [dw::DW_AT_abstract_origin, dw::DW_AT_specification];
            let next = next
                .into_iter()
                .find_map(|name| match found.attr_value(name)? {
                    AttributeValue::UnitRef(offset) => self.unit.entry(offset).ok(),
                    _ => None,
                });
            match next {
                Some(next) => found = next,
                None => break,
            }
        }
        found
    }

    fn function(
        &self,
        entry: &Entry<'a>,
        address: u64,
        debug: &mut Debug,
    ) -> Result<(), gimli::Error> {
        let origin = self.origin(entry);
        let mut lines = Vec::new();
        let mut ranges = self.dwarf.die_ranges(self.unit, entry)?;
        while let Some(range) = ranges.next()? {
            let from = self.lines.partition_point(|(at, _)| *at < range.begin);
            let rows = self.lines[from..].iter();
            lines.extend(rows.take_while(|(at, _)| *at < range.end));
        }
        let function = Function {
            name: self.name(&origin).unwrap_or_default(),
            line: line(&origin),
            inlined: Vec::new(),
            lines,
            types: BTreeSet::new(),
        };
        debug.functions.insert(address, function);
        Ok(())
    }

    fn inlined(
        &self,
        entry: &Entry<'a>,
        function: u64,
        debug: &mut Debug,
    ) -> Result<(), gimli::Error> {
        let origin = self.origin(entry);
        let mut ranges = Vec::new();
        let mut found = self.dwarf.die_ranges(self.unit, entry)?;
        while let Some(range) = found.next()? {
            ranges.push(range.begin..range.end);
        }
        let linkage = self.text(origin.attr_value(dw::DW_AT_linkage_name));
        let name = match (linkage, self.names.get(&origin.offset())) {
            (Some(linkage), Some(full)) => {
                super::display_name(&linkage, full.rsplit("::").next().unwrap_or_default())
            }
            (Some(linkage), None) => super::names::stable(&linkage),
            (None, full) => full.cloned().unwrap_or_default(),
        };
        if let Some(function) = debug.functions.get_mut(&function) {
            function.inlined.push(Inlined {
                name,
                toolchain: self.is_of_toolchain(&origin),
                ranges,
            });
        }
        Ok(())
    }

    /// Whether the file of a declaration is in the sources of the toolchain: rustc gives them this
    /// path or, where the component rust-src is installed, that in the sysroot.
    fn is_of_toolchain(&self, entry: &Entry<'a>) -> bool {
        let Some(AttributeValue::FileIndex(index)) = entry.attr_value(dw::DW_AT_decl_file) else {
            return false;
        };
        let header = self
            .unit
            .line_program
            .as_ref()
            .map(|program| program.header());
        let file = header.and_then(|header| header.file(index).map(|file| (header, file)));
        let Some((header, file)) = file else {
            return false;
        };
        let folder = self.text(file.directory(header)).unwrap_or_default();
        let name = self.text(Some(file.path_name())).unwrap_or_default();
        let is_of = |path: &str| path.starts_with("/rustc/") || path.contains("/rustlib/src/");
        is_of(&folder) || is_of(&name)
    }

    fn variable(&self, entry: &Entry<'a>, function: Option<(isize, u64)>, debug: &mut Debug) {
        let origin = self.origin(entry);
        let type_offset = self.type_of(&origin);
        if let Some((_, address)) = function
            && let Some(function) = debug.functions.get_mut(&address)
            && let Some(offset) = type_offset
        {
            self.types_of(offset, &mut function.types);
        }
        if entry.tag() != dw::DW_TAG_variable {
            return;
        }
        let address = self.address(entry);
        let name = self.name(&origin).unwrap_or_default();
        if let Some(address) = address
            && name.ends_with("::{vtable}")
        {
            debug.vtables.insert(address, name);
            return;
        }
        if let Some(linkage) = self.text(origin.attr_value(dw::DW_AT_linkage_name)) {
            let found = debug.statics.entry(linkage).or_default();
            found.address = found.address.or(address);
            found.type_name = type_offset.map(|of| self.type_name(of)).unwrap_or_default();
        }
    }

    /// The address of a static.
    fn address(&self, entry: &Entry<'a>) -> Option<u64> {
        let AttributeValue::Exprloc(expression) = entry.attr_value(dw::DW_AT_location)? else {
            return None;
        };
        let mut operations = expression.operations(self.unit.encoding());
        match operations.next().ok()?? {
            Operation::Address { address } if address != 0 => Some(address),
            _ => None,
        }
    }
}

fn line(entry: &Entry<'_>) -> u64 {
    let value = entry.attr_value(dw::DW_AT_decl_line);
    value
        .and_then(|line| line.udata_value())
        .unwrap_or_default()
}
