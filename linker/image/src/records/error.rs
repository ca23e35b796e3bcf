//! Errors of reading records.

/// The tables of an image cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordsError {
    /// The image has records of neither format. True if it also has no symbols.
    #[error(
        "the image has no table of sites: neither sections or symbols named alt_branches and \
         alt_records, nor .altinstructions{}",
        if *.0 { "; it has been stripped" } else { "" }
    )]
    None(bool),
    /// The image has no records of the requested format.
    #[error(
        "the image has no table of this format: {0}; without --format, `alt` recognises the format"
    )]
    Absent(&'static str),
    /// The image has records of both formats.
    #[error("the image has tables of both formats: select one by --format alt or --format linux")]
    BothFormats,
    /// A table is not a whole number of records.
    #[error("the table {table} has {size} bytes, which is not a multiple of {element}")]
    Size {
        /// Its name.
        table: &'static str,
        /// Its size in bytes.
        size: u64,
        /// The size of a record in bytes.
        element: u64,
    },
    /// A table has no bytes in the file.
    #[error("the table {table} ({start:#x} to {end:#x}) is not inside one section of the file")]
    NotInFile {
        /// Its name.
        table: &'static str,
        /// Its first address.
        start: u64,
        /// The address after it.
        end: u64,
    },
    /// The image is finished, and does not have its raw table any more.
    #[error(
        "the image is finished, and its section {section}, with the records of {table}, has been \
         removed: take the image as `alt finish` or alt-ld wrote it"
    )]
    NoCopy {
        /// The name of the table.
        table: &'static str,
        /// The name of the section.
        section: &'static str,
    },
    /// The copy of a raw table is not that of this table.
    #[error("the section {section} is not the copy of the table {table} of this image")]
    OtherCopy {
        /// The name of the table.
        table: &'static str,
        /// The name of the section.
        section: &'static str,
    },
    /// A table is not aligned like its records.
    #[error("the table {table} begins at {start:#x}, which is not a multiple of 4")]
    Misaligned {
        /// Its name.
        table: &'static str,
        /// Its first address.
        start: u64,
    },
}
