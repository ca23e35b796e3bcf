//! `build.toml`: the data about a kept build that is not in its files.

use serde::{Deserialize, Serialize};

/// The contents of `build.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Info {
    /// [`FORMAT`](super::FORMAT).
    pub format: u32,
    /// The build id, in hexadecimal digits.
    pub build_id: String,
    /// The compilers and assemblers that made the inputs (`.comment`), each once.
    pub toolchain: Vec<String>,
    /// The digest of the cpucaps in the image (`.alt_cpucaps`), if it has any.
    pub cpucaps: Option<String>,
    /// The flags that were proven to be in use.
    pub flags: Vec<String>,
    /// The options of the link that do not name files: to be compared between two builds.
    pub options: Vec<String>,
    /// All arguments of the link.
    pub arguments: Vec<String>,
    /// The digest of `image`.
    pub image: String,
    /// The digest of `link.map`.
    pub map: String,
    /// The objects, in the order of the link.
    #[serde(default, rename = "input")]
    pub inputs: Vec<InputInfo>,
}

/// An object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputInfo {
    /// Its name in the folder `inputs`.
    pub file: String,
    /// Its name in the linker's map.
    pub name: String,
    /// Its digest.
    pub digest: String,
    /// The compilers that made it (`.comment`).
    pub producer: Vec<String>,
}
