//! The folder that `alt-ld --alt-keep` writes beside an image: the inputs of the link and its map.
//!
//! ```text
//! kernel.livepatch/
//!     image              a copy of the image
//!     inputs/NNNN-NAME   each object that took part, in the order of the link
//!     link.map           the map of lld
//!     build.toml         build id, toolchain, arguments, digests
//! ```
//!
//! The folder is written whole or not at all, and the next link replaces it. A build without the
//! [`flags`] that livepatch requires is refused.

mod build;
mod build_id;
mod error;
pub mod flags;
mod info;
mod keep;
mod proof;

pub use build::{Build, Input};
pub use build_id::BuildId;
pub use error::{ArchiveError, KeepError, Missing};
pub use info::Info;
pub use keep::{Link, keep};

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The version of the folder's layout.
pub const FORMAT: u32 = 1;

/// The folder that belongs to an image: its path with `.livepatch` appended.
pub fn folder_of(image: &Path) -> PathBuf {
    let mut path = OsString::from(image);
    path.push(".livepatch");
    path.into()
}

/// The digest in `build.toml`: SHA-256, in hexadecimal digits.
fn digest(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
