//! Checks before a link with `--icf=all` which objects have sites that the linker may fold.
//!
//! Functions with equal text and different records must not be folded. The macros make each site
//! refer to its record by a relocation of type NONE. Linkers compare the targets of relocations, so
//! they do not fold such functions. Sites that were not written by the macros lack the relocation.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use ::object::elf::R_AARCH64_NONE;
use alt_diagnostic::{Diagnostic, Location, Severity};
use alt_object::inputs::{self, Input, InputError, InputKind};
use alt_object::object::{self, Object, ObjectError, Relocation};
use alt_runtime::record::Section;

/// The tables, and the size of a record in bytes; the first field of a record refers to its site.
const TABLES: [Section; 2] = [Section::Branches, Section::Alternatives];

/// The id of the rule.
const RULE: &str = "folding";

/// Why the inputs cannot be checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FoldingError {
    /// A file cannot be an input of a link.
    #[error(transparent)]
    Input(#[from] InputError),
    /// An object is damaged.
    #[error("{file}: damaged: {why}")]
    Object {
        /// The input file, or the member of an archive.
        file: String,
        /// The reason.
        why: ObjectError,
    },
}

/// The sites in the inputs of a link that the linker may fold, since they do not refer to their
/// records: errors of the rule `folding`. LLVM bitcode has no sites yet.
///
/// # Errors
/// A file cannot be read, or cannot be an input of a link for arm64.
pub fn check<P: AsRef<Path>>(
    paths: impl IntoIterator<Item = P>,
) -> Result<Vec<Diagnostic>, FoldingError> {
    let mut found = Vec::new();
    for input in inputs::read(paths)? {
        if input.kind == InputKind::Elf {
            let sites = unprotected(&input).map_err(|why| FoldingError::Object {
                file: input.name.clone(),
                why,
            })?;
            found.extend(sites);
        }
    }
    Ok(found)
}

/// A place in an object: the number of a section, and the offset in bytes.
type Place = (usize, u64);

fn unprotected(input: &Input) -> Result<Vec<Diagnostic>, ObjectError> {
    let object = Object::parse(&input.bytes)?;
    let sections = object.sections.iter().enumerate();
    let tables: HashMap<usize, u64> = sections
        .filter_map(|(index, section)| {
            let table = TABLES
                .iter()
                .find(|table| table.name().as_bytes() == section.name)?;
            Some((index, table.element_size()))
        })
        .collect();
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let (mut sites, mut protected) = (Vec::new(), HashSet::new());
    for (index, rows) in object.sections.iter().enumerate() {
        let Some(relocations) = object.relocations(index)? else {
            continue;
        };
        for relocation in &relocations.list {
            let to = target(&object, relocation)?;
            let record = tables.get(&rows.info);
            if record.is_some_and(|size| relocation.offset.is_multiple_of(*size)) {
                sites.push(to);
            } else if relocation.kind == R_AARCH64_NONE && tables.contains_key(&to.0) {
                protected.insert((rows.info, relocation.offset));
            }
        }
    }
    sites.retain(|site| !protected.contains(site));
    let named = sites.into_iter().map(|(section, offset)| {
        let name = object.sections.get(section).map(|section| section.name);
        let name = name.ok_or_else(|| missing("section", section))?;
        Ok(Diagnostic {
            location: Some(Location::Object {
                file: input.name.clone(),
                section: alt_object::display::printable(name),
                offset,
                function: None,
            }),
            help: "link with --icf=safe, or write the site by the macros".into(),
            ..Diagnostic::new(
                RULE,
                Severity::Error,
                "the site does not refer to its record, so --icf=all may fold its function into one \
                 with other records",
            )
        })
    });
    named.collect()
}

/// The place that a relocation refers to; in the empty section 0 if it is not in the object.
fn target(object: &Object<'_>, relocation: &Relocation) -> Result<Place, ObjectError> {
    let Relocation { symbol, addend, .. } = *relocation;
    let Some(symbol) = object.symbols.get(symbol) else {
        return Err(missing("symbol", symbol));
    };
    let (section, offset) = match symbol.place {
        object::Place::In(section, offset) => (section, offset),
        _ => (0, 0),
    };
    Ok((section, offset.wrapping_add_signed(addend.unwrap_or(0))))
}

fn missing(what: &str, number: usize) -> ObjectError {
    ObjectError(format!(
        "a relocation names {what} {number}, which does not exist"
    ))
}
