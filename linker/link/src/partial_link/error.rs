//! Errors of the partial link.

use std::fmt;
use std::io;
use std::path::PathBuf;

use alt_object::inputs::InputError;
use alt_object::object::ObjectError;

use super::findings::Findings;
use crate::namespace::ManifestError;
use crate::namespace::NameError;

/// The code was not linked, and no object was written.
///
/// `Debug` gives the message as well, since that is what a build script shows when its `main`
/// returns an error.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum PartialLinkError {
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// The folder of the output is unknown.
    #[error(
        "OUT_DIR is not set: call partial_link::Link from a build script, or set the folder of the output"
    )]
    NoOutDir,
    /// The name is not a valid name of a namespace.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The manifest has mistakes.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// An input cannot be part of a link.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The compiler does not report the location of its linker.
    #[error("{}: does not report its linker: {why}", rustc.display())]
    Rustc {
        /// The compiler.
        rustc: PathBuf,
        /// The reason.
        why: String,
    },
    /// The toolchain contains no linker.
    #[error(
        "{}: there is no rust-lld. The toolchains that rustup installs have it \
         (https://rustup.rs); a distribution may have it in a package such as `lld`: then name \
         that linker", path.display()
    )]
    NoLinker {
        /// The expected path.
        path: PathBuf,
    },
    /// The linker does not run.
    #[error("{}: {error}", linker.display())]
    Run {
        /// The linker.
        linker: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// The code breaks rules.
    #[error("{0}")]
    Refused(
        /// All violations.
        Findings,
    ),
    /// Two inputs define the same symbol.
    #[error("{} is defined more than once:\n{words}", symbols.join(", "))]
    Duplicate {
        /// The symbols.
        symbols: Vec<String>,
        /// The output of the linker, with the files.
        words: String,
    },
    /// Bitcode that the linker's LLVM cannot read.
    #[error(
        "{words}\nThe LLVM that made the bitcode ({}) and the one that reads it ({}) must go \
         together: use one toolchain for both, or compile without LTO",
        producer.as_deref().unwrap_or("unknown"),
        reader.as_deref().unwrap_or("unknown")
    )]
    Bitcode {
        /// The LLVM that produced it.
        producer: Option<String>,
        /// The LLVM that reads it.
        reader: Option<String>,
        /// The output of the linker, with the file.
        words: String,
    },
    /// The linker fails for another reason.
    #[error("the partial link fails:\n{0}")]
    Linker(
        /// Its output.
        String,
    ),
    /// The output of the linker cannot be read or rewritten.
    #[error("the partial link made an object that cannot be used: {0}")]
    Object(
        /// The reason.
        String,
    ),
}

impl fmt::Debug for PartialLinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialLinkError {
    /// Whether the code breaks a rule; false if it could not be checked.
    pub fn is_finding(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Duplicate { .. })
    }

    /// Classifies the output of the linker.
    pub(super) fn linker(mut words: String) -> Self {
        if words.contains(".zdebug_") {
            words += "\nlld does not read debug information in the form `.zdebug_*`: compile with \
                      -gz=zlib";
        }
        let symbols: Vec<String> = words
            .lines()
            .filter_map(|line| line.split_once("duplicate symbol: "))
            .map(|(_, symbol)| symbol.to_owned())
            .collect();
        if !symbols.is_empty() {
            return Self::Duplicate { symbols, words };
        }
        let quoted = |key: &str| {
            let (_, rest) = words.split_once(key)?;
            rest.split_once('\'').map(|(text, _)| text.to_owned())
        };
        let (producer, reader) = (quoted("Producer: '"), quoted("Reader: '"));
        match producer.is_some() || words.contains("bitcode") || words.contains("Bitcode") {
            true => Self::Bitcode {
                producer,
                reader,
                words,
            },
            false => Self::Linker(words),
        }
    }
}

impl From<ObjectError> for PartialLinkError {
    fn from(error: ObjectError) -> Self {
        Self::Object(error.0)
    }
}

impl From<object::build::Error> for PartialLinkError {
    fn from(error: object::build::Error) -> Self {
        Self::Object(error.to_string())
    }
}
