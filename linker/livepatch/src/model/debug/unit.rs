//! One unit of the compiler.

use std::collections::BTreeSet;

use gimli::constants as dw;

use super::entry::{Entry, Source, number, type_of};
use super::layouts::Layouts;
use super::type_names::TypeNames;
use super::{CodeUnit, Debug, Function, Inlined};
use crate::model::{display_name, names};

/// Reads one unit.
pub(super) struct UnitReader<'a, 'b> {
    source: Source<'a, 'b>,
    names: TypeNames<'a, 'b>,
    lines: Vec<(u64, u64)>,
}

impl<'a, 'b> UnitReader<'a, 'b> {
    pub fn new(source: Source<'a, 'b>) -> Result<Self, gimli::Error> {
        Ok(Self {
            source,
            names: TypeNames::read(source)?,
            lines: lines(source)?,
        })
    }

    /// Adds the contents of the unit.
    pub fn read(&self, debug: &mut Debug) -> Result<(), gimli::Error> {
        let mut entries = self.source.unit.entries();
        // The function that contains the entry, by depth, and its address.
        let mut function: Option<(isize, u64)> = None;
        let mut layouts = Layouts::new(self.source, &self.names);
        while let Some(entry) = entries.next_dfs()? {
            let depth = entry.depth();
            if function.is_some_and(|(of, _)| of >= depth) {
                function = None;
            }
            layouts.leave(depth, debug);
            layouts.enter(entry);
            match entry.tag() {
                dw::DW_TAG_compile_unit => debug.units.push(self.unit(entry)),
                dw::DW_TAG_subprogram => {
                    if let Some(address) = self.source.low_pc(entry) {
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
                _ => {}
            }
        }
        layouts.leave(isize::MIN, debug);
        Ok(())
    }

    fn unit(&self, entry: &Entry<'a>) -> CodeUnit {
        let text = |name| self.source.text(entry.attr_value(name)).unwrap_or_default();
        CodeUnit {
            name: text(dw::DW_AT_name),
            directory: text(dw::DW_AT_comp_dir),
            producer: text(dw::DW_AT_producer),
        }
    }

    fn function(
        &self,
        entry: &Entry<'a>,
        address: u64,
        debug: &mut Debug,
    ) -> Result<(), gimli::Error> {
        let origin = self.source.origin(entry);
        let mut lines = Vec::new();
        let mut ranges = self.source.dwarf.die_ranges(self.source.unit, entry)?;
        while let Some(range) = ranges.next()? {
            let from = self.lines.partition_point(|(at, _)| *at < range.begin);
            let rows = self.lines[from..].iter();
            lines.extend(rows.take_while(|(at, _)| *at < range.end));
        }
        let function = Function {
            name: self.source.name(&origin).unwrap_or_default(),
            line: number(&origin, dw::DW_AT_decl_line).unwrap_or_default(),
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
        let origin = self.source.origin(entry);
        let mut ranges = Vec::new();
        let mut found = self.source.dwarf.die_ranges(self.source.unit, entry)?;
        while let Some(range) = found.next()? {
            ranges.push(range.begin..range.end);
        }
        let linkage = self.source.linkage_name(&origin);
        let name = match (linkage, self.names.get(origin.offset())) {
            (Some(linkage), Some(full)) => {
                display_name(&linkage, full.rsplit("::").next().unwrap_or_default())
            }
            (Some(linkage), None) => names::stable(&linkage),
            (None, full) => full.cloned().unwrap_or_default(),
        };
        if let Some(function) = debug.functions.get_mut(&function) {
            function.inlined.push(Inlined {
                name,
                toolchain: self.source.is_of_toolchain(&origin),
                ranges,
            });
        }
        Ok(())
    }

    fn variable(&self, entry: &Entry<'a>, function: Option<(isize, u64)>, debug: &mut Debug) {
        let origin = self.source.origin(entry);
        let type_offset = type_of(&origin);
        if let Some((_, address)) = function
            && let Some(function) = debug.functions.get_mut(&address)
            && let Some(offset) = type_offset
        {
            self.names.leads_to(offset, &mut function.types);
        }
        if entry.tag() != dw::DW_TAG_variable {
            return;
        }
        let address = self.source.address(entry);
        let name = self.source.name(&origin).unwrap_or_default();
        if let Some(address) = address
            && name.ends_with("::{vtable}")
        {
            debug.vtables.insert(address, name);
            return;
        }
        if let Some(linkage) = self.source.linkage_name(&origin) {
            let found = debug.statics.entry(linkage).or_default();
            found.address = found.address.or(address);
            found.type_name = type_offset
                .map(|of| self.names.name(of))
                .unwrap_or_default();
        }
    }
}

/// The rows of the line table: address and line.
fn lines(source: Source<'_, '_>) -> Result<Vec<(u64, u64)>, gimli::Error> {
    let mut lines = Vec::new();
    let Some(program) = source.unit.line_program.clone() else {
        return Ok(lines);
    };
    let mut rows = program.rows();
    while let Some((_, row)) = rows.next_row()? {
        let line = row.line().map_or(0, std::num::NonZero::get);
        if !row.end_sequence() {
            lines.push((row.address(), line));
        }
    }
    lines.sort_by_key(|(address, _)| *address);
    Ok(lines)
}
