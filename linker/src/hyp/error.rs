//! Why a hypervisor was not linked.

use std::io;
use std::path::PathBuf;

use super::manifest::ManifestError;
use super::name::NameError;
use crate::inputs::InputError;

/// The hypervisor has not been linked, and nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HypError {
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// There is no folder for the output.
    #[error("OUT_DIR is not set: call hyp::Link from a build script, or say where the output goes")]
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

impl HypError {
    /// Whether the code breaks a rule, and not: something keeps it from being looked at.
    pub fn is_finding(&self) -> bool {
        false
    }
}

impl From<object::read::Error> for HypError {
    fn from(error: object::read::Error) -> Self {
        Self::Object(error.to_string())
    }
}

impl From<object::build::Error> for HypError {
    fn from(error: object::build::Error) -> Self {
        Self::Object(error.to_string())
    }
}
