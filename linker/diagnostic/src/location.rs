//! The location of a finding.

use std::fmt;

/// The location of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Location {
    /// An address of a linked image: of a site, an instruction or a table.
    Image {
        /// The address. The text omits 0.
        address: u64,
        /// The address as symbol and offset, demangled.
        symbol: Option<String>,
    },
    /// An offset in a section of an input of a link.
    Object {
        /// The input file, or the member of an archive. Never the file symbol of an object, which
        /// after `ld -r` may be that of another source file.
        file: String,
        /// The section.
        section: String,
        /// The offset in the section, in bytes.
        offset: u64,
        /// The function, demangled, and the offset in it; `None` if no symbol precedes it.
        function: Option<String>,
    },
    /// A function or a section of a partial link, whose inputs are known by its map only.
    Part {
        /// The section, or a function or section with an offset: `function+0x10`.
        name: String,
        /// The file from which it comes, if that is known: `libhyp.a(entry.o)`.
        file: Option<String>,
    },
}

impl fmt::Display for Location {
    /// `0x40200010, main+0x10`, `entry.o: .text+0x10 (main+0x4)`, or `main+0x10 of entry.o`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image { address, symbol } => match (address, symbol) {
                (0, symbol) => f.write_str(symbol.as_deref().unwrap_or_default()),
                (address, None) => write!(f, "{address:#x}"),
                (address, Some(symbol)) => write!(f, "{address:#x}, {symbol}"),
            },
            Self::Object {
                file,
                section,
                offset,
                function,
            } => {
                write!(f, "{file}: {section}+{offset:#x}")?;
                match function {
                    Some(function) => write!(f, " ({function})"),
                    None => Ok(()),
                }
            }
            Self::Part { name, file } => {
                f.write_str(name)?;
                match file {
                    Some(file) => write!(f, " of {file}"),
                    None => Ok(()),
                }
            }
        }
    }
}
