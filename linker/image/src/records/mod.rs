//! The table of sites in an image, whichever format it has.

pub mod alt;
mod error;
pub mod linux;
mod site;
mod table;

use std::fmt;
use std::ops::Range;

use alt_runtime::cap::CapSet;

use crate::image::Image;

pub use error::RecordsError;
pub use site::{Arm, Site};
pub use table::Table;

/// How an image writes its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Those of `alt-runtime`: docs/records.md.
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
    /// Address of its site.
    pub site: u64,
    /// Length of the site in bytes.
    pub site_len: u32,
    /// One term of the condition under which it applies.
    pub term: Term,
    /// What the site becomes.
    pub kind: Kind,
}

impl Record {
    /// The addresses that it takes itself.
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
    /// Number of the cpucap.
    pub cap: u16,
    /// It holds when the cpucap is absent.
    pub negated: bool,
    /// The next record of the site must hold too.
    pub and_next: bool,
}

impl Term {
    /// Whether it holds when these cpucaps are present.
    pub fn holds(&self, present: &CapSet) -> bool {
        present.contains_number(self.cap) != self.negated
    }
}

/// What a site becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One instruction that is NOP or B.
    Branch {
        /// Where the B goes.
        target: u64,
        /// It is a B that becomes NOP, not the other way round.
        likely: bool,
    },
    /// Other instructions.
    Code {
        /// Where they are.
        address: u64,
        /// Their length in bytes.
        len: u32,
    },
    /// What a callback computes.
    Callback {
        /// In our format the address of its static, in Linux's that of the function.
        address: u64,
        /// The length in bytes that the record states for it, where it states one.
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
    /// Our format: the instructions of arms. Linux has them in its text.
    pub replacements: Table,
    /// Our format: what may be called.
    pub callbacks: Table,
    /// Our format: the room for the plan, where the linker script makes some.
    pub plan: Table,
    /// Our format: bytes of the plan of all sites that the linker kept; 0 if that is not known.
    pub plan_size: u64,
    /// By site; those of one site in the order of the table.
    list: Vec<Record>,
}

impl Records {
    /// Finds the tables of an image, of the format that is asked for or that it has.
    ///
    /// # Errors
    /// There are none, or their bounds or sizes make no sense.
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
        records.list.sort_by_key(|record| (record.site, record.at));
        Ok(records)
    }

    /// As [`find`](Self::find); of an image that has no tables there are no records.
    ///
    /// # Errors
    /// A format is asked for that is not there, or bounds or sizes make no sense.
    pub fn find_any(image: &Image, format: Option<Format>) -> Result<Self, RecordsError> {
        match Self::find(image, format) {
            // All its tables are absent.
            Err(RecordsError::None(_)) => alt::read(image),
            found => found,
        }
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
