//! Tables of records that a partial link has joined.
//!
//! An assembler writes a table for each section of code, and links it to that section
//! (SHF_LINK_ORDER): a linker that drops the code (`--gc-sections`) drops its records too. GNU `ld -r`
//! puts all tables of a name into one, and links that to the first section of code only. If the
//! final link drops that section, all records are lost without an error; if it does not, those of
//! dropped code stay.

use alt_diagnostic::{Diagnostic, Location, Severity};
use alt_object::display;
use alt_object::object::{Place, Relocations};
use alt_runtime::record::Section;
use object::elf::SHF_LINK_ORDER;

use super::BranchRangeError;
use super::kind::Kind;
use super::object::LinkedObject;

/// The tables of records that belong to more than one section of code.
pub(super) fn joined(object: &LinkedObject<'_>) -> Result<Vec<Diagnostic>, BranchRangeError> {
    let sections = &object.file.sections;
    let mut found = Vec::new();
    for (index, rows) in sections.iter().enumerate() {
        let Some(table) = sections.get(rows.info) else {
            continue;
        };
        let tables = [Section::Branches, Section::Alternatives];
        let of = tables.iter().find(|of| of.name().as_bytes() == table.name);
        let linked = table.flags.contains(SHF_LINK_ORDER) && table.link != 0;
        let Some(of) = of.filter(|_| linked) else {
            continue;
        };
        let damaged = |why| BranchRangeError::Object {
            file: object.name.into(),
            why,
        };
        let relocations = object.file.relocations(index).map_err(damaged)?;
        let Some(Relocations { list, .. }) = relocations else {
            continue;
        };
        let other = list.iter().find_map(|row| {
            // A record begins with the distance to its site.
            let site = row.offset.is_multiple_of(of.element_size());
            match object.file.symbols.get(row.symbol)?.place {
                Place::In(code, _) if site && code != table.link => Some((row.offset, code)),
                _ => None,
            }
        });
        let Some((offset, code)) = other else {
            continue;
        };
        let name = |index: usize| {
            sections
                .get(index)
                .map_or("?".into(), |it| display::name(it.name))
        };
        let message = format!(
            "the table {} belongs to {} and has records of {}, too: GNU `ld -r` joins tables, and a \
             final link that drops {} drops all of them",
            of.name(),
            name(table.link),
            name(code),
            name(table.link),
        );
        found.push(Diagnostic {
            location: Some(Location::Object {
                file: object.name.into(),
                section: of.name().into(),
                offset,
                function: None,
            }),
            help:
                "make the partial link with lld (`ld.lld -r`), or give its inputs to the final link"
                    .into(),
            ..Diagnostic::new(Kind::JoinedTables.name(), Severity::Error, message)
        });
    }
    Ok(found)
}
