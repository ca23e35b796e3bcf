//! A build cannot be kept, or a kept build cannot be read.

use std::io;
use std::path::PathBuf;

use alt_image::image::ImageError;
use alt_object::inputs::InputError;

use super::flags::Flag;

/// A flag that a build lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The flag.
    pub flag: Flag,
    /// The evidence that it is missing.
    pub evidence: String,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { flag, evidence } = self;
        write!(f, "{evidence}; {}: write {flag}", flag.why())
    }
}

/// A build cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeepError {
    /// The build lacks flags.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Flags(Vec<Missing>),
    /// An input is LLVM bitcode: the linker generated its code.
    #[error("{0}: LLVM bitcode, so the linker generates the code: build without linker-plugin-lto")]
    Bitcode(String),
    /// An archive has two members of one name, so the map does not show which one took part.
    #[error("{0}: two members of the archive have this name: rename one")]
    Ambiguous(String),
    /// The linker's map is not in lld's format.
    #[error("the linker wrote no map in the format of lld; link with rust-lld")]
    Map,
    /// The image is not one for arm64.
    #[error("{}: {error}", path.display())]
    Image {
        /// The image.
        path: PathBuf,
        /// The reason.
        error: ImageError,
    },
    /// An input cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// An input is truncated or damaged.
    #[error("{name}: {why}")]
    Object {
        /// The object.
        name: String,
        /// The reason.
        why: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
}

/// A kept build cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The image has no folder beside it.
    #[error(
        "{}: there is no such folder: the image was not linked by alt-ld with --alt-keep",
        .0.display()
    )]
    NotKept(PathBuf),
    /// A file cannot be read.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// `build.toml` is not in the form that alt-ld writes.
    #[error("{}: {error}", path.display())]
    Info {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: Box<toml::de::Error>,
    },
    /// The folder was written by another version.
    #[error("{}: layout {found} of the folder is not known; this program knows {}", path.display(), super::FORMAT)]
    Format {
        /// The file.
        path: PathBuf,
        /// The version in it.
        found: u32,
    },
    /// A file is not the one that was kept.
    #[error("{}: it has changed since the link", .0.display())]
    Changed(PathBuf),
    /// A name in `build.toml` is not one of a file in the folder.
    #[error("{}: `{name}` is not the name of a file", path.display())]
    Name {
        /// `build.toml`.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// The kept image is not one for arm64.
    #[error("{}: {error}", path.display())]
    Image {
        /// The image.
        path: PathBuf,
        /// The reason.
        error: ImageError,
    },
    /// The image has no build id of 20 bytes.
    #[error("{}: it has no build id of 20 bytes; write {}", .0.display(), Flag::BuildId)]
    NoBuildId(PathBuf),
    /// The image is not the one of the folder.
    #[error(
        "{}: its build id is {found}, and that of {} is {kept}: it was not linked from these inputs",
        image.display(), folder.display()
    )]
    OtherImage {
        /// The image.
        image: PathBuf,
        /// The folder.
        folder: PathBuf,
        /// The build id of the image.
        found: String,
        /// The build id of the folder.
        kept: String,
    },
}
