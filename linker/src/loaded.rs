//! An image from a file, with all that is known of it.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::caps::{Caps, CapsError};
use crate::image::{Image, ImageError};
use crate::names::CapNames;
use crate::records::{Format, Records, RecordsError};

/// An image, its records and its cpucaps.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The image.
    pub image: Image,
    /// Its records.
    pub records: Records,
    /// What its cpucaps are called, as far as that is known.
    pub names: CapNames,
    /// Its tables of cpucaps: one, unless none is known or crates of the image disagree.
    pub caps: Vec<Caps>,
}

/// Why a file cannot be used. Each names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// It is no image.
    #[error("{}: {source}", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ImageError,
    },
    /// The image has no records that can be read.
    #[error("{}: {source}", path.display())]
    Records {
        /// The file.
        path: PathBuf,
        /// What is wrong with them.
        source: RecordsError,
    },
    /// The cpucaps are not what they must be.
    #[error("{}: {source}", path.display())]
    Caps {
        /// The image, or the file of cpucaps.
        path: PathBuf,
        /// What is wrong with them.
        source: CapsError,
    },
}

impl Loaded {
    /// Reads the image at `path`. What its cpucaps are it says itself, if it was made with
    /// `cpucaps!`; a file at `cpucaps` has the last word: of the form of `cpucaps.toml` if that
    /// is its extension, else of Linux's `arch/arm64/tools/cpucaps`.
    ///
    /// # Errors
    /// A file cannot be read or is not what it should be.
    pub fn open(
        path: &Path,
        format: Option<Format>,
        cpucaps: Option<&Path>,
    ) -> Result<Self, LoadError> {
        let data = fs::read(path).map_err(io_error(path))?;
        let image = Image::parse(data).map_err(|source| LoadError::Image {
            path: path.into(),
            source,
        })?;
        let records = Records::find(&image, format).map_err(|source| LoadError::Records {
            path: path.into(),
            source,
        })?;
        let (names, caps) = match cpucaps {
            Some(path) => from_file(path)?,
            None => from_image(&image).map_err(|source| LoadError::Caps {
                path: path.into(),
                source,
            })?,
        };
        Ok(Self {
            image,
            records,
            names,
            caps,
        })
    }
}

type Cpucaps = (CapNames, Vec<Caps>);

fn from_image(image: &Image) -> Result<Cpucaps, CapsError> {
    let Some(section) = image.section(Caps::SECTION) else {
        return Ok(Cpucaps::default());
    };
    let caps = Caps::from_section(image.contents(section))?;
    let names = caps.first().map(CapNames::from).unwrap_or_default();
    Ok((names, caps))
}

fn from_file(path: &Path) -> Result<Cpucaps, LoadError> {
    let text = fs::read_to_string(path).map_err(io_error(path))?;
    if path.extension().is_some_and(|end| end == "toml") {
        let caps = Caps::from_toml(&path.display().to_string(), &text);
        let caps = caps.map_err(|source| LoadError::Caps {
            path: path.into(),
            source,
        })?;
        return Ok((CapNames::from(&caps), vec![caps]));
    }
    Ok((CapNames::from_linux(&text), Vec::new()))
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> LoadError {
    move |source| LoadError::Io {
        path: path.into(),
        source,
    }
}
