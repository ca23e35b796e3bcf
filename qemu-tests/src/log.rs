//! The guest's log: `defmt` frames from the serial line, decoded with the strings of the image.

use crate::{
    Error, Image, Result,
    log_line::{Level, LogLine},
};
use defmt_decoder::{DecodeError, Table};

/// The lines of a guest that writes plain text.
pub(crate) fn text(serial: &[u8]) -> Vec<LogLine> {
    let text = String::from_utf8_lossy(serial);
    let line = |line: &str| LogLine {
        level: None,
        message: line.into(),
    };
    text.lines().map(line).collect()
}

/// Decodes the bytes of a serial line (defmt's default encoding, rzCOBS).
///
/// A frame that cannot be decoded becomes an error line, and decoding continues after it, so a
/// damaged log is not mistaken for a shorter one.
pub(crate) fn decode(image: &Image, serial: &[u8]) -> Result<Vec<LogLine>> {
    if serial.is_empty() {
        return Ok(Vec::new());
    }
    let unreadable = |problem: String| Error::Log {
        path: image.path().to_owned(),
        problem: format!("its log cannot be decoded: {problem}"),
    };
    let table = Table::parse(image.file())
        .map_err(|error| unreadable(error.to_string()))?
        .ok_or_else(|| unreadable("no .defmt section; link with -Tdefmt.x".into()))?;

    let mut decoder = table.new_stream_decoder();
    decoder.received(serial);
    let mut lines = Vec::new();
    loop {
        match decoder.decode() {
            Ok(frame) => lines.push(LogLine {
                level: frame.level(),
                message: frame.display_message().to_string(),
            }),
            Err(DecodeError::UnexpectedEof) => break,
            Err(DecodeError::Malformed) => lines.push(LogLine {
                level: Some(Level::Error),
                message: "(a log frame that cannot be decoded)".into(),
            }),
        }
    }
    Ok(lines)
}
