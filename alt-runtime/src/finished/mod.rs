//! Finished tables: a host tool writes them over the records of a linked image.
//!
//! A record states a site, a condition and a replacement, and a pass over records checks each of
//! them on every boot. A tool that sees the linked image can do this work once. It writes a
//! *finished table* over the records, which contains the same sites, sorted into *buckets*: the
//! sites that change under one condition, with their final words. The pass over a finished table
//! evaluates one condition for each bucket, and compares digests instead of checking records.
//!
//! | file | content |
//! |------|---------|
//! | format.rs | the layout: constants, and the structs that read and write it |
//! | digest.rs | the digest of words |
//! | table.rs, bucket.rs, run.rs | the reader, which checks what it reads |
//! | error.rs | why a table is refused |
//!
//! The pass itself is in [`patch`](crate::patch): [`Plan::new`](crate::patch::Plan::new) recognises
//! a region with a finished table. The writer is `alt_image::finished`.

mod bucket;
mod digest;
mod error;
mod format;
mod run;
mod table;

pub use bucket::Bucket;
pub use digest::Digest;
pub use error::TableError;
pub use format::{BucketHeader, Header, Kind, MAGIC, MAX_RUN, RunHeader, Term};
pub use run::{Run, Step};
pub use table::FinishedTable;
