//! The instructions that a shadow call stack rewrites: the plan of `alt-runtime`, for the file of an
//! image.

use std::ops::Range;

use alt_runtime::shadow_call_stack::{
    PUSH, SIGN, ShadowPlan, ShadowReport, UnwindError, UnwindInfo,
};
use serde::Serialize;

use crate::image::Image;
use crate::patching::{Change, Host, HostError, written};
use crate::records::{Format, Records, RecordsError};

/// Why the plan cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShadowError {
    /// The image has no unwind tables.
    #[error(
        "there is no .eh_frame in it: compile with -fasynchronous-unwind-tables, and keep the \
         section in the linker script"
    )]
    NoUnwindTables,
    /// A section to exclude does not exist.
    #[error("there is no section `{name}` to exclude; those with instructions are {known}")]
    NoSection {
        /// Its name.
        name: String,
        /// The executable ones.
        known: String,
    },
    /// The tables of alternatives cannot be read.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The image cannot be given to the patcher.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The patcher refuses the unwind tables.
    #[error("{error}{place}")]
    Unwind {
        /// The function in parentheses; empty if it is unknown.
        place: String,
        /// The reason.
        error: UnwindError,
    },
    /// A word that changes is not in the file.
    #[error("the word at {0:#x} is not in the file")]
    NotInFile(u64),
}

/// The operation of a rewritten instruction on the shadow call stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// It pushes the return address.
    Push,
    /// It pops the return address.
    Pop,
}

/// An instruction that is rewritten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShadowSite {
    /// Its address.
    #[serde(serialize_with = "crate::hex::address::serialize")]
    pub address: u64,
    /// The demangled name of the function.
    pub function: String,
    /// The offset in the function, in bytes.
    pub offset: u64,
    /// The operation.
    pub operation: Operation,
    /// The word in the file.
    #[serde(serialize_with = "crate::hex::word::serialize")]
    pub before: u32,
    /// The new word.
    #[serde(serialize_with = "crate::hex::word::serialize")]
    pub after: u32,
}

/// A PACIASP that stays: its function has no unwind table, or the table does not mark it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Its address.
    #[serde(serialize_with = "crate::hex::address::serialize")]
    pub address: u64,
    /// The demangled name of the function.
    pub function: String,
}

/// The plan for an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShadowCallStack {
    /// The instructions that change, by address.
    pub sites: Vec<ShadowSite>,
    /// The instructions that sign and do not change, by address.
    pub left: Vec<Left>,
    /// The counts.
    pub report: ShadowReport,
}

impl ShadowCallStack {
    /// Runs the plan of `alt-runtime` over an image, without the functions in the sections
    /// `exclude` and at the addresses `namespaces`, where x18 is not the kernel's.
    ///
    /// # Errors
    /// The image has no unwind tables, or they are refused, as they would be at boot.
    pub fn new(
        image: &Image,
        exclude: &[String],
        namespaces: &[Range<u64>],
    ) -> Result<Self, ShadowError> {
        let unwind = image.section(".eh_frame").filter(|eh| eh.has_bytes());
        let unwind = unwind.ok_or(ShadowError::NoUnwindTables)?;
        let unwind = UnwindInfo::new(unwind.range.start, image.contents(unwind));
        let mut excluded = exclude
            .iter()
            .map(|name| addresses(image, name))
            .collect::<Result<Vec<_>, _>>()?;
        excluded.extend_from_slice(namespaces);
        let mut plan = Self::over(&Host::of_text(image)?, image, unwind, &excluded)?;
        // Repeat with each table of alternatives: it must not have a site there.
        for format in [Format::Alt, Format::Linux] {
            let records = match Records::find(image, Some(format)) {
                Err(RecordsError::Absent(_)) => continue,
                records => records?,
            };
            let host = Host::new(image, &records)?;
            if let Some(error) = host.left_out().first() {
                return Err(error.clone().into());
            }
            plan = Self::over(&host, image, unwind, &excluded)?;
        }
        Ok(plan)
    }

    fn over(
        host: &Host,
        image: &Image,
        unwind: UnwindInfo<'_>,
        excluded: &[Range<u64>],
    ) -> Result<Self, ShadowError> {
        let region = host.region();
        // The number of instructions in the file is enough. The text may span much more, with gaps
        // between its sections.
        let sections = image.executable();
        let words = sections
            .map(|section| image.contents(section).len() / 4)
            .sum();
        let mut room = vec![std::mem::MaybeUninit::uninit(); words];
        let plan = ShadowPlan::new(&region, unwind, excluded, &mut room).map_err(|error| {
            let place = error.function.and_then(|function| image.place(function));
            let place = place.map_or_else(String::new, |place| format!(" ({place})"));
            ShadowError::Unwind { place, error }
        })?;
        let sites = plan.writes().iter().map(|write| {
            let address = region.text.range().start + u64::from(write.offset);
            let (function, offset) = match image.place(address) {
                Some(place) => (place.symbol, place.offset),
                None => (String::new(), 0),
            };
            ShadowSite {
                address,
                function,
                offset,
                operation: match write.after() {
                    PUSH => Operation::Push,
                    _ => Operation::Pop,
                },
                before: write.before().0,
                after: write.after().0,
            }
        });
        let sites: Vec<_> = sites.collect();
        Ok(Self {
            left: left(image, &sites, excluded),
            sites,
            report: plan.report(),
        })
    }

    /// Applies the changes to a copy of the file.
    ///
    /// # Errors
    /// A word is not in the file.
    pub fn write(&self, image: &Image) -> Result<Vec<u8>, ShadowError> {
        let changes = self.sites.iter().map(|site| Change {
            address: site.address,
            before: site.before,
            after: site.after,
        });
        written(image, changes).map_err(ShadowError::NotInFile)
    }
}

/// The instructions outside of `excluded` that sign and are not sites.
fn left(image: &Image, sites: &[ShadowSite], excluded: &[Range<u64>]) -> Vec<Left> {
    let words = image.executable().flat_map(|text| image.instructions(text));
    let signs = words.filter(|(_, word)| *word == SIGN.0).map(|(at, _)| at);
    let is_left = |address: &u64| {
        sites
            .binary_search_by_key(address, |site| site.address)
            .is_err()
            && !excluded.iter().any(|range| range.contains(address))
    };
    signs
        .filter(is_left)
        .map(|address| Left {
            address,
            function: image.label(address),
        })
        .collect()
}

/// The addresses of the section of this name.
fn addresses(image: &Image, name: &str) -> Result<Range<u64>, ShadowError> {
    let mut loaded = image.loaded();
    let section = loaded.find(|section| section.name == name);
    section.map(|section| section.range.clone()).ok_or_else(|| {
        let known: Vec<_> = image
            .executable()
            .map(|known| known.name.as_str())
            .collect();
        ShadowError::NoSection {
            name: name.into(),
            known: known.join(", "),
        }
    })
}
