//! The records of an image, in either format.

pub mod alt;
mod error;
pub mod finished;
pub mod linux;
mod site;
mod table;

use std::fmt;
use std::ops::Range;

use alt_runtime::cap::CapSet;

use crate::image::Image;
use crate::names::CapNames;

pub use error::RecordsError;
pub use finished::Finished;
pub use site::{Arm, Site};
pub use table::Table;

/// The format of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The format of `alt-runtime`: docs/records.md.
    Alt,
    /// Linux's `.altinstructions`.
    Linux,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Alt => "alt",
            Self::Linux => "linux",
        })
    }
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// Its own address.
    pub at: u64,
    /// The address of its site.
    pub site: u64,
    /// The length of the site in bytes.
    pub site_len: u32,
    /// One term of the condition under which it applies.
    pub term: Term,
    /// The replacement.
    pub kind: Kind,
}

impl Record {
    /// The addresses of the record.
    pub fn range(&self) -> Range<u64> {
        let size = match self.kind {
            Kind::Branch { .. } => 8,
            _ => 12,
        };
        self.at..self.at.saturating_add(size)
    }
}

/// One term of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Term {
    /// The number of the cpucap.
    pub cap: u16,
    /// It holds if the cpucap is absent.
    pub negated: bool,
    /// The next record of the site must hold too (`&`).
    pub and_next: bool,
    /// It always holds, and `cap` is not a cpucap: see [`linux`].
    pub always: bool,
}

impl Term {
    /// The name of the cpucap, or `always`.
    pub fn label(&self, names: &CapNames) -> String {
        match self.always {
            true => "always".into(),
            false => names.label(self.cap),
        }
    }

    /// Whether it holds if these cpucaps are present.
    pub fn holds(&self, present: &CapSet) -> bool {
        self.always || present.contains_number(self.cap) != self.negated
    }
}

/// The replacement of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One instruction: NOP or B.
    Branch {
        /// The target of the B.
        target: u64,
        /// Patching changes B to NOP; otherwise NOP to B.
        likely: bool,
    },
    /// Instructions in the image.
    Code {
        /// Their address.
        address: u64,
        /// Their length in bytes.
        len: u32,
    },
    /// Instructions that a callback computes.
    Callback {
        /// The address of its static in our format, of its function in that of Linux.
        address: u64,
        /// The length in bytes that the record states for it, if it states one.
        len: Option<u32>,
    },
    /// NOPs.
    Nops,
}

/// All records of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// Their format.
    pub format: Format,
    /// Our format: the sites of `cpu_has_cap!`. Empty in Linux's.
    pub branches: Table,
    /// All other sites.
    pub alternatives: Table,
    /// Our format: the instructions of arms. Those of Linux are in its text.
    pub replacements: Table,
    /// Our format: the callbacks.
    pub callbacks: Table,
    /// Our format: the room for the plan, if the linker script reserves some.
    pub plan: Table,
    /// Our format: the size in bytes of the plan of all sites that the linker kept; 0 if unknown.
    pub plan_size: u64,
    /// Linux's format, without symbols: the callback that is assumed to write NOPs.
    pub inferred_nops: Option<InferredNops>,
    /// Our format: the table that the kernel reads in place of the branches and alternatives, if the
    /// image is finished. All other fields are as before it was.
    pub finished: Option<Finished>,
    /// Sorted by site; the records of one site are in the order of the table.
    list: Vec<Record>,
}

/// A callback that is assumed to be `alt_cb_patch_nops`, since most records with a callback have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InferredNops {
    /// The address of its function.
    pub address: u64,
    /// The number of records with it.
    pub records: usize,
    /// The number of records with any callback.
    pub callbacks: usize,
}

impl fmt::Display for InferredNops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the image has no symbol alt_cb_patch_nops: the callback at {:#x}, which {} of {} \
             records with a callback share, is taken for it",
            self.address, self.records, self.callbacks
        )
    }
}

impl Records {
    /// Finds the tables of an image, of the given format or of the one that the image has.
    ///
    /// # Errors
    /// The image has no tables, or their bounds or sizes are invalid.
    pub fn find(image: &Image, format: Option<Format>) -> Result<Self, RecordsError> {
        let format = match format {
            Some(Format::Alt) if !alt::is_there(image) => {
                return Err(RecordsError::Absent("neither alt_branches nor alt_records"));
            }
            Some(Format::Linux) if !linux::is_there(image) => {
                return Err(RecordsError::Absent("no .altinstructions"));
            }
            Some(format) => format,
            None => match (alt::is_there(image), linux::is_there(image)) {
                (true, false) => Format::Alt,
                (false, true) => Format::Linux,
                (true, true) => return Err(RecordsError::BothFormats),
                (false, false) => return Err(RecordsError::None(image.symbols().is_empty())),
            },
        };
        let mut records = match format {
            Format::Alt => alt::read(image),
            Format::Linux => linux::read(image),
        }?;
        records.inferred_nops = linux::infer_nops(image, &mut records.list);
        records.list.sort_by_key(|record| (record.site, record.at));
        Ok(records)
    }

    /// As [`find`](Self::find), but an image without tables has no records.
    ///
    /// # Errors
    /// The requested format is absent, or bounds or sizes are invalid.
    pub fn find_any(image: &Image, format: Option<Format>) -> Result<Self, RecordsError> {
        match Self::find(image, format) {
            // All its tables are absent.
            Err(RecordsError::None(_)) => alt::read(image),
            found => found,
        }
    }

    /// The bytes of a record at an address, or other bytes of the image: as they were before the image
    /// was finished. `None` unless one section or table contains all of them.
    pub fn bytes<'a>(&self, image: &'a Image, address: u64, len: usize) -> Option<&'a [u8]> {
        for table in [&self.branches, &self.alternatives] {
            if self.finished.is_some() && table.range.contains(&address) {
                let start = usize::try_from(address - table.range.start).ok()?;
                return table.bytes(image).ok()?.get(start..start.checked_add(len)?);
            }
        }
        image.bytes(address, len)
    }

    /// The records, by site; those of one site in the order of the table.
    pub fn list(&self) -> &[Record] {
        &self.list
    }

    /// The sites, by address.
    pub fn sites(&self) -> impl Iterator<Item = Site<'_>> {
        self.list
            .chunk_by(|a, b| a.site == b.site)
            .map(|records| Site::new(self.format, records))
    }
}
