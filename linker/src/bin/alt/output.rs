//! What all commands write alike.

use std::io::{self, Write};

use serde::Serialize;

/// Writes one JSON document. That a pipe is closed stays an `io::Error`, which is no failure.
pub fn json(out: &mut impl Write, document: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    writeln!(out)
}
