//! The guest's log: `defmt` frames from the serial line, decoded with the strings of the image.

use crate::{
    Error, Image, Result,
    log_line::{Level, LogLine},
};
use defmt_decoder::{DecodeError, Table};
use object::{
    Architecture, BinaryFormat, Endianness, Object, ObjectSection, ObjectSymbol, SectionKind,
    SymbolFlags, SymbolKind, SymbolScope,
    write::{self, Symbol, SymbolSection},
};

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
///
/// `payloads` are livepatch payloads whose strings may be logged as well.
pub(crate) fn decode(image: &Image, payloads: &[Vec<u8>], serial: &[u8]) -> Result<Vec<LogLine>> {
    if serial.is_empty() {
        return Ok(Vec::new());
    }
    let unreadable = |problem: String| Error::Log {
        path: image.path().to_owned(),
        problem: format!("its log cannot be decoded: {problem}"),
    };
    let joined = joined(image.file(), payloads).map_err(|why| unreadable(why.to_string()))?;
    let file = joined.as_deref().unwrap_or(image.file());
    let table = Table::parse(file)
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

/// A file with the log strings of an image and of payloads, if a payload has any. The strings of a
/// payload have other numbers than those of its image.
fn joined(
    image: &[u8],
    payloads: &[Vec<u8>],
) -> Result<Option<Vec<u8>>, Box<dyn std::error::Error>> {
    let more: Vec<_> = payloads.iter().flat_map(|file| strings(file)).collect();
    if more.is_empty() {
        return Ok(None);
    }
    let mut file = write::Object::new(BinaryFormat::Elf, Architecture::Aarch64, Endianness::Little);
    let section = file.add_section(Vec::new(), b".defmt".to_vec(), SectionKind::Other);
    // The symbols for defmt's version and encoding are among them.
    let old = strings(image);
    let size = old
        .iter()
        .chain(&more)
        .map(|string| string.address + string.size);
    let size = usize::try_from(size.max().unwrap_or(0))?;
    file.set_section_data(section, vec![0; size], 1);
    let mut add = |name: String, value: u64, size: u64, section: SymbolSection| {
        file.add_symbol(Symbol {
            name: name.into_bytes(),
            value,
            size,
            kind: SymbolKind::Data,
            scope: SymbolScope::Linkage,
            weak: false,
            section,
            flags: SymbolFlags::None,
        });
    };
    for Text {
        name,
        address,
        size,
    } in old.into_iter().chain(more)
    {
        add(name, address, size, SymbolSection::Section(section));
    }
    Ok(Some(file.write()?))
}

/// A log string: its number is its address.
struct Text {
    name: String,
    address: u64,
    size: u64,
}

/// The log strings of a file; none if it has none or is no ELF file, as bad payloads of tests.
fn strings(file: &[u8]) -> Vec<Text> {
    let Ok(file) = object::File::parse(file) else {
        return Vec::new();
    };
    let Some(section) = file.section_by_name(".defmt") else {
        return Vec::new();
    };
    let symbols = file
        .symbols()
        .filter(|symbol| symbol.section_index() == Some(section.index()));
    symbols
        .filter_map(|symbol| {
            Some(Text {
                name: symbol.name().ok().filter(|name| !name.is_empty())?.into(),
                address: symbol.address(),
                size: symbol.size(),
            })
        })
        .collect()
}
