//! Calls of outline atomics become sites, after the link.
//!
//! `alt-ld` adds a record for each call before the link (`alt_linker::atomics`), and the linker makes
//! room for it. Here the image is linked: the records go into room after the table, which the linker
//! script fragment reserves; `ALT_ATOMICS_ROOM` is their number. The table stays sorted; its
//! bounds, the relocations that the linker kept for it, and references to its records follow.
//!
//! The replacement of a call is the first word of the replacement of its helper, which the image has
//! already; condition and cpucap are those of the helper's own record.

mod calls;
mod table;

use alt_image::image::{Image, ImageError};
use alt_image::records::{Format, Records, RecordsError};
use alt_linker::atomics::{ROOM_SYMBOL, Report};
use alt_object::object::ObjectError;

use calls::Calls;

/// The records cannot be added; the image is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AtomicsError {
    /// The records of the image cannot be read.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The changed image cannot be read again.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The file cannot be extended.
    #[error("the file of the image cannot be changed: {0}")]
    File(#[from] ObjectError),
    /// The calls are not known.
    #[error(
        "the image has helpers of outline atomics, but the linker kept no relocations of its text, \
         which list the calls: link with --emit-relocs, or by alt-ld, which does not need them"
    )]
    NoRelocations,
    /// Fewer records fit than there are calls.
    #[error(
        "{calls} calls of outline atomics, and room for {room} records: link with \
         --defsym={ROOM_SYMBOL}={calls} and with alternatives.x or alternatives-init.x, or by \
         alt-ld, which needs no room"
    )]
    Room {
        /// The number of calls that could become sites.
        calls: u64,
        /// The number of records for which there is room.
        room: u64,
    },
    /// The plan has too little room for the sites.
    #[error(
        "the room for the plan, alt_plan, is for {room} instructions, and the sites have {needed} \
         with the calls of outline atomics: use the alternatives-init.x of this version"
    )]
    PlanRoom {
        /// The number of instructions of all sites.
        needed: u64,
        /// The number of instructions for which there is room.
        room: u64,
    },
    /// Something else is where the room should be.
    #[error(
        "the room after alt_records, at {0:#x}, is in use: place the table by alternatives-tables.x"
    )]
    InUse(u64),
    /// The kernel reads the bounds of the table elsewhere.
    #[error("the image has no {0}, by which the kernel finds its table: link it with its symbols")]
    NoBounds(&'static str),
    /// A site or a replacement is out of the range of a record.
    #[error("a record at {at:#x} does not reach {target:#x}, which is more than 2 GiB away")]
    TooFar {
        /// The address of the record.
        at: u64,
        /// The site or the replacement.
        target: u64,
    },
}

/// The outcome.
#[derive(Debug)]
pub struct Added {
    /// The bytes of the new image; `None` if no call became a site.
    pub data: Option<Vec<u8>>,
    /// The number of calls that were sites already.
    pub before: usize,
    /// The calls that were found, and the sites that were made. The objects in it are `name`.
    pub report: Report,
}

/// Adds a record for each call of an outline atomic. `name` is that of the image, for the report.
///
/// # Errors
/// The image lacks relocations, room or bounds, or is damaged.
pub fn add(image: &Image, name: &str) -> Result<Added, AtomicsError> {
    let records = Records::find_any(image, Some(Format::Alt).filter(|_| has_table(image)))?;
    let calls = Calls::find(image, &records, name)?;
    let report = Report {
        sites: calls.taken.len(),
        left: calls.left,
        without_helpers: calls.without_helpers,
        not_checked: Vec::new(),
    };
    let data = match calls.taken.is_empty() {
        true => None,
        false => Some(table::add(image, &records, &calls.taken)?),
    };
    Ok(Added {
        data,
        before: calls.before,
        report,
    })
}

fn has_table(image: &Image) -> bool {
    Records::find(image, Some(Format::Alt)).is_ok()
}
