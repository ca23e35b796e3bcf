//! Finishes a linked image with alternatives: the finished table, and records of outline atomics.
//!
//! All of it is in place: no text moves, and the image in memory does not grow. The functions here
//! take the bytes of an image and return new bytes, or an error; so nothing is half-written.
//!
//! - [`atomics`] adds a record for each call of an outline atomic, into room that the linker script
//!   has reserved. `alt-ld` does the same before the link, without room.

//! - [`table`] writes the finished table (`alt_runtime::finished`) over the records, if it is not larger.

pub mod atomics;
mod file;
pub mod table;

use alt_image::image::{Image, ImageError};

use atomics::{Added, AtomicsError};
use table::{Finish, TableError};

/// The image is not finished; it is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FinishError {
    /// Calls of outline atomics cannot become sites.
    #[error(transparent)]
    Atomics(#[from] AtomicsError),
    /// The tables cannot be finished.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The changed image cannot be read again.
    #[error("the changed image: {0}")]
    Image(#[from] ImageError),
}

/// A finished image.
#[derive(Debug)]
pub struct Finished {
    /// The bytes of its file.
    pub data: Vec<u8>,
    /// The calls of outline atomics.
    pub atomics: Added,
    /// The tables.
    pub table: Finish,
}

/// Finishes an image. `name` is its name in the report.
///
/// # Errors
/// A part cannot be finished; then nothing must be written.
pub fn finish(image: Image, name: &str) -> Result<Finished, FinishError> {
    let mut atomics = atomics::add(&image, name)?;
    let image = match atomics.data.take() {
        Some(data) => Image::parse(data)?,
        None => image,
    };
    let (table, data) = table::finish(&image)?;
    Ok(Finished {
        data: data.unwrap_or_else(|| image.into_data()),
        atomics,
        table,
    })
}

impl Finished {
    /// The lines to print: the changes, and the parts that stay as they are, with the reasons.
    pub fn lines(&self) -> Vec<String> {
        let report = &self.atomics.report;
        let mut lines = Vec::new();
        if report.sites != 0 || self.atomics.before != 0 {
            lines.push(format!(
                "atomics: {} calls are sites now, {} were before",
                report.sites, self.atomics.before
            ));
        }
        let left = report.lines().into_iter();
        lines.extend(left.map(|line| format!("atomics: {line}")));
        if self.table != Finish::NoRecords {
            lines.push(self.table.to_string());
        }
        lines
    }
}

/// The examples of the package's page are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
