//! Why a hypervisor was not linked.

use std::fmt;
use std::io;
use std::path::PathBuf;

use alt_object::inputs::InputError;
use alt_object::object::ObjectError;

use super::refusal::Refusals;
use crate::namespace::ManifestError;
use crate::namespace::NameError;

/// The hypervisor has not been linked, and nothing was written.
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
        /// What the system says.
        error: io::Error,
    },
    /// There is no folder for the output.
    #[error(
        "OUT_DIR is not set: call partial_link::Link from a build script, or say where the output goes"
    )]
    NoOutDir,
    /// The name of the namespace is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The manifest has mistakes.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// An input cannot be part of a link.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The compiler does not say where its linker is.
    #[error("{}: cannot be asked for its linker: {why}", rustc.display())]
    Rustc {
        /// The compiler.
        rustc: PathBuf,
        /// What happened.
        why: String,
    },
    /// The toolchain has no linker of its own.
    #[error(
        "{}: there is no rust-lld. The toolchains that rustup installs have it \
         (https://rustup.rs); a distribution may have it in a package such as `lld`: then name \
         that linker", path.display()
    )]
    NoLinker {
        /// Where it should be.
        path: PathBuf,
    },
    /// The linker does not run.
    #[error("{}: {error}", linker.display())]
    Run {
        /// The linker.
        linker: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The code breaks rules.
    #[error("{0}")]
    Refused(
        /// Each time that it does.
        Refusals,
    ),
    /// Two inputs define the same symbol.
    #[error("{} is defined more than once:\n{words}", symbols.join(", "))]
    Duplicate {
        /// The symbols.
        symbols: Vec<String>,
        /// The linker's words, with the files.
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
        /// The LLVM that made it.
        producer: Option<String>,
        /// The LLVM that reads it.
        reader: Option<String>,
        /// The linker's words, with the file.
        words: String,
    },
    /// The linker refuses the inputs, for a reason that is not known here.
    #[error("the partial link fails:\n{0}")]
    Linker(
        /// Its words.
        String,
    ),
    /// What the linker made cannot be read or rewritten.
    #[error("the partial link made an object that cannot be used: {0}")]
    Object(
        /// The parser's words.
        String,
    ),
}

impl fmt::Debug for PartialLinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialLinkError {
    /// Whether the code breaks a rule, and not: something keeps it from being looked at.
    pub fn is_finding(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Duplicate { .. })
    }

    /// What the linker says, understood as far as it is known.
    pub(super) fn linker(words: String) -> Self {
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
