//! Before a link with `--icf=all`: which objects have sites that the linker may fold.
//!
//! Two functions with equal text and different records mean different things. The macros make
//! each site refer to its record, by a relocation of type NONE: linkers compare what relocations
//! refer to, and so keep such functions apart. Objects without it were made by other means.

use std::collections::HashSet;
use std::path::Path;

use alt_runtime::record::{AlternativeRecord, BranchRecord};
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, Rela, SectionHeader, Sym, SymbolTable};
use object::{LittleEndian, SectionIndex};

use alt_object::inputs::{self, Input, InputError, InputKind};

type Header = FileHeader64<LittleEndian>;

const LE: LittleEndian = LittleEndian;

/// The tables, and the bytes from one record to the next; a record names its site first.
const TABLES: [(&[u8], u64); 2] = [
    (b"alt_branches", size_of::<BranchRecord>() as u64),
    (b"alt_records", size_of::<AlternativeRecord>() as u64),
];

/// A site that does not refer to its record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: the site at {section}+{offset:#x} does not refer to its record")]
pub struct Unprotected {
    /// The input file, or the member of an archive.
    pub file: String,
    /// The section of the site.
    pub section: String,
    /// Where in that section, in bytes.
    pub offset: u64,
}

/// Why the inputs cannot be checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FoldingError {
    /// A file is no input of a link.
    #[error(transparent)]
    Input(#[from] InputError),
    /// An object is damaged.
    #[error("{file}: damaged: {why}")]
    Object {
        /// The input file, or the member of an archive.
        file: String,
        /// The parser's words.
        why: object::read::Error,
    },
}

/// The sites of the inputs of a link that a linker may fold; LLVM bitcode has none yet.
///
/// # Errors
/// A file cannot be read, or is no input of a link for arm64.
pub fn check<P: AsRef<Path>>(
    paths: impl IntoIterator<Item = P>,
) -> Result<Vec<Unprotected>, FoldingError> {
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

/// A place in an object: the index of a section, and the bytes from its start.
type Place = (usize, u64);

/// One relocation: where it is, its type, and what it refers to.
struct Row {
    at: Place,
    kind: elf::RelocationType,
    to: Place,
}

fn unprotected(input: &Input) -> object::read::Result<Vec<Unprotected>> {
    let bytes = input.bytes.as_slice();
    let header = Header::parse(bytes)?;
    let sections = header.sections(LE, bytes)?;
    let symbols = sections.symbols(LE, bytes, elf::SHT_SYMTAB)?;
    let mut tables = Vec::new();
    for (index, section) in sections.enumerate() {
        let name = sections.section_name(LE, section)?;
        let size = TABLES.iter().find(|(known, _)| *known == name);
        tables.extend(size.map(|(_, size)| (index.0, *size)));
    }
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let (mut sites, mut protected) = (Vec::new(), HashSet::new());
    for section in sections.iter() {
        let Some((rows, _)) = section.rela(LE, bytes)? else {
            continue;
        };
        let of = section.sh_info(LE) as usize;
        for row in rows {
            let row = read(row, of, &symbols)?;
            let table = |index| tables.iter().find(|(table, _)| *table == index);
            if table(of).is_some_and(|(_, size)| row.at.1.is_multiple_of(*size)) {
                sites.push(row.to);
            } else if row.kind == elf::R_AARCH64_NONE && table(row.to.0).is_some() {
                protected.insert(row.at);
            }
        }
    }
    sites.retain(|site| !protected.contains(site));
    let named = sites.into_iter().map(|(section, offset)| {
        let header = sections.section(SectionIndex(section))?;
        let name = sections.section_name(LE, header)?;
        Ok(Unprotected {
            file: input.name.clone(),
            section: String::from_utf8_lossy(name).into_owned(),
            offset,
        })
    });
    named.collect()
}

fn read(
    row: &elf::Rela64<LittleEndian>,
    of: usize,
    symbols: &SymbolTable<'_, Header>,
) -> object::read::Result<Row> {
    let to = match Rela::symbol(row, LE, false) {
        None => (0, 0),
        Some(index) => {
            let symbol = symbols.symbol(index)?;
            let value = symbol.st_value(LE).wrapping_add_signed(row.r_addend(LE));
            (usize::from(symbol.st_shndx(LE).0), value)
        }
    };
    Ok(Row {
        at: (of, row.r_offset(LE)),
        kind: row.r_type(LE, false),
        to,
    })
}
