//! The finished table of an image, in the place of its records.
//!
//! It is written over the larger one of the two tables; the other one is filled with zeros. The records stay
//! in the file, in sections that are not loaded, and the relocations that the linker kept for them are
//! for these sections now. Symbols, bounds and headers of loaded sections do not change.

use std::collections::BTreeMap;
use std::fmt;

use alt_image::finished::{Outcome, WriteError, Written, write};
use alt_image::image::Image;
use alt_image::patching::{Host, HostError};
use alt_image::records::finished::COPIES;
use alt_image::records::{Format, Records, RecordsError, Table};
use alt_object::object::ObjectError;
use alt_object::rewrite::NewSection;
use alt_runtime::finished::{FinishedTable, Kind};
use object::elf::{SHT_PROGBITS, SectionFlags};

use crate::file::File;

/// The tables are not finished; the image is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The records of the image cannot be read.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The image cannot be given to the patcher.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The file cannot be extended.
    #[error("the file of the image cannot be changed: {0}")]
    File(#[from] ObjectError),
    /// There is no finished table for these records.
    #[error("{place}: {error}")]
    Write {
        /// The image, or the site, as symbol and offset.
        place: String,
        /// The reason.
        error: WriteError,
    },
    /// A loader would change the table.
    #[error(
        "a dynamic relocation at {0:#x} changes the table of records: link with the macros' own \
         sections, whose offsets need no relocation"
    )]
    Dynamic(u64),
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The image has no records.
    NoRecords,
    /// The tables stay raw, since the finished one would not fit. In bytes.
    Raw {
        /// The size that it would have.
        finished: usize,
        /// The size of the larger table.
        space: usize,
    },
    /// The tables are finished.
    Finished(Sizes),
}

/// The sizes of a finished table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The size of the raw tables and replacements in bytes.
    pub raw: usize,
    /// The size of the finished table in bytes.
    pub finished: usize,
    /// The number of its buckets.
    pub buckets: usize,
    /// The size of its dictionary in bytes.
    pub dictionary: usize,
    /// The number of sites, in all buckets, by kind.
    pub kinds: BTreeMap<Kind, usize>,
}

/// Finishes the tables of an image. Returns the bytes of the new image, if they are finished.
///
/// # Errors
/// The patcher would refuse a record, a loader would change the tables, or the image is finished
/// already.
pub fn finish(image: &Image) -> Result<(Finish, Option<Vec<u8>>), TableError> {
    let records = match Records::find_any(image, None) {
        Ok(records) if records.format == Format::Alt && !records.list().is_empty() => records,
        Ok(_) | Err(RecordsError::BothFormats) => return Ok((Finish::NoRecords, None)),
        Err(error) => return Err(error.into()),
    };
    let tables = [&records.branches, &records.alternatives];
    let place = match records.branches.size() > records.alternatives.size() {
        true => &records.branches,
        false => &records.alternatives,
    };
    let refused = |error| TableError::Write {
        place: place_of(image, &error),
        error,
    };
    if records.finished.is_some() {
        return Err(refused(WriteError::Finished));
    }
    let is_changed = |at: u64| tables.iter().any(|table| table.range.contains(&at));
    if let Some(pointer) = image.pointers().iter().find(|it| is_changed(it.at)) {
        return Err(TableError::Dynamic(pointer.at));
    }
    let host = Host::new(image, &records)?;
    let space = place.size() as usize;
    let outcome = write(&host.region(), place.range.start, space).map_err(refused)?;
    let written = match outcome {
        Outcome::Finished(written) => written,
        Outcome::Raw { finished, space } => return Ok((Finish::Raw { finished, space }, None)),
    };
    let sizes = sizes(&records, place, &written);
    let data = replace(image, tables, place, &written)?;
    Ok((Finish::Finished(sizes), Some(data)))
}

/// The bytes of the image with the table in `place`.
fn replace(
    image: &Image,
    tables: [&Table; 2],
    place: &Table,
    written: &Written,
) -> Result<Vec<u8>, TableError> {
    let mut file = File::new(image)?;
    for (table, (_, name)) in tables.into_iter().zip(COPIES) {
        let raw = table.bytes(image)?;
        if raw.is_empty() {
            continue;
        }
        let section = file.section_at(table.range.start);
        let copy = NewSection {
            name,
            kind: SHT_PROGBITS,
            flags: SectionFlags(0),
            link: 0,
            info: 0,
            align: 4,
            entry: 0,
        };
        let copy = file.rewriter.add(copy, raw);
        file.rewriter.set_address(copy, table.range.start);
        // A section with more than the table keeps its relocations, which are not about records alone.
        let is_own = section.filter(|section| image.sections()[*section].name == table.name);
        for (rows, of) in file.relocation_sections() {
            if Some(of) == is_own {
                file.rewriter.set_info(rows, copy);
            }
        }
        let mut bytes = match table.name == place.name {
            true => written.bytes(),
            false => Vec::new(),
        };
        bytes.resize(raw.len(), 0);
        if !file.write(table.range.start, &bytes) {
            // Its bytes have been read above.
            return Err(ObjectError(format!("{} has no bytes", table.name)).into());
        }
    }
    Ok(file.finish()?)
}

fn sizes(records: &Records, place: &Table, written: &Written) -> Sizes {
    let tables = [
        &records.branches,
        &records.alternatives,
        &records.replacements,
    ];
    let mut kinds = BTreeMap::new();
    if let Ok(table) = FinishedTable::new(place.range.start, &written.words) {
        for run in table.buckets().flat_map(|bucket| bucket.runs()).flatten() {
            *kinds.entry(run.kind()).or_default() += run.steps().count();
        }
    }
    Sizes {
        raw: tables.iter().map(|table| table.size() as usize).sum(),
        finished: 4 * written.words.len(),
        buckets: written.buckets,
        dictionary: 4 * written.dictionary,
        kinds,
    }
}

/// Where the writer has found an error.
fn place_of(image: &Image, error: &WriteError) -> String {
    match error {
        WriteError::Refused(error) => image.label(error.site),
        WriteError::Conditions { site } | WriteError::TooFar { site } => image.label(*site),
        _ => "the table".into(),
    }
}

impl fmt::Display for Finish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRecords => f.write_str("table: no records"),
            Self::Raw { finished: 0, .. } => f.write_str("table: no sites"),
            Self::Raw { finished, space } => write!(
                f,
                "table: stays raw: the finished one would have {finished} bytes, and the larger \
                 table of records has {space}"
            ),
            Self::Finished(sizes) => write!(f, "table: {sizes}"),
        }
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} bytes -> {} bytes ({} of words), {} buckets; sites:",
            self.raw, self.finished, self.dictionary, self.buckets
        )?;
        for (index, (kind, sites)) in self.kinds.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let name = match kind {
                Kind::Set => "set",
                Kind::Xor => "xor",
                Kind::Branch => "branch",
                Kind::Copy => "copy",
                Kind::Callback => "callback",
            };
            write!(f, "{comma} {sites} {name}")?;
        }
        Ok(())
    }
}
