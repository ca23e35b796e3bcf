//! Loads an image with its records and cpucaps from files.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::caps::{Caps, CapsError};
use crate::image::{Image, ImageError};
use crate::names::{CapNames, NamesError};
use crate::packed::{self, PackedError};
use crate::records::{Format, Records, RecordsError};
use crate::vdso;

/// An image, its records and its cpucaps.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The image.
    pub image: Image,
    /// Its records.
    pub records: Records,
    /// The names of its cpucaps, as far as they are known.
    pub names: CapNames,
    /// Its tables of cpucaps: one, unless it is unknown or crates of the image disagree.
    pub caps: Vec<Caps>,
}

/// Errors of loading, with the name of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// It cannot be unpacked, or contains no image.
    #[error("{}: {source}", path.display())]
    Packed {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: PackedError,
    },
    /// It is not an image.
    #[error("{}: {source}", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: ImageError,
    },
    /// The image has no vDSO, or no symbols that bound it.
    #[error(
        "{}: no vDSO: there is no ELF file between the symbols vdso_start and vdso_end",
        path.display()
    )]
    NoVdso {
        /// The file.
        path: PathBuf,
    },
    /// The vDSO of the image has no sites.
    #[error("{}: its vDSO has no table of sites: no .altinstructions", path.display())]
    VdsoWithoutSites {
        /// The file.
        path: PathBuf,
    },
    /// The image has no valid records.
    #[error("{}: {source}", path.display())]
    Records {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: RecordsError,
    },
    /// The cpucaps are invalid.
    #[error("{}: {source}", path.display())]
    Caps {
        /// The image, or the file of cpucaps.
        path: PathBuf,
        /// The reason.
        source: CapsError,
    },
    /// The TOML file of cpucaps has mistakes.
    #[error(transparent)]
    CapsFile(CapsError),
    /// The file is not a list of cpucaps.
    #[error("{}: {source}", path.display())]
    Names {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: NamesError,
    },
    /// More files of cpucaps than can be combined.
    #[error(
        "{0} files of cpucaps were given; give one, or two: a list of names, which defines the numbers, \
         and a TOML file with the conditions"
    )]
    CpucapsFiles(usize),
}

impl Loaded {
    /// Loads the image at `path`, which is [unpacked](packed::unpack), and its cpucaps. A relocatable
    /// object is laid out, see [`Image::parse_any`]. The cpucaps are from the files `cpucaps`, or else from the image,
    /// if it was built with `cpucaps!`. A file with the extension `toml` has the format of
    /// `cpucaps.toml`, any other that of Linux's `arch/arm64/tools/cpucaps`. If one of each is
    /// given, the latter defines the numbers.
    ///
    /// # Errors
    /// A file cannot be read or is invalid.
    pub fn open(
        path: &Path,
        format: Option<Format>,
        cpucaps: &[PathBuf],
    ) -> Result<Self, LoadError> {
        let image = read(path)?;
        Self::with_records(image, path, cpucaps, |image| Records::find(image, format))
    }

    /// As [`open`](Self::open), but the image need not have records: references between its parts
    /// can be checked in any image.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn open_any(
        path: &Path,
        format: Option<Format>,
        cpucaps: &[PathBuf],
    ) -> Result<Self, LoadError> {
        let image = read(path)?;
        Self::with_records(image, path, cpucaps, |image| {
            Records::find_any(image, format)
        })
    }

    /// As [`open`](Self::open), but takes the [vDSO](vdso) inside of the image instead of it.
    ///
    /// # Errors
    /// As for [`open`](Self::open); or there is no vDSO.
    pub fn open_vdso(
        path: &Path,
        format: Option<Format>,
        cpucaps: &[PathBuf],
    ) -> Result<Self, LoadError> {
        let outer = read(path)?;
        let image = vdso::of(&outer).ok_or_else(|| LoadError::NoVdso { path: path.into() })?;
        let image = image.map_err(|source| LoadError::Image {
            path: path.into(),
            source,
        })?;
        let loaded = Self::with_records(image, path, cpucaps, |image| Records::find(image, format));
        loaded.map_err(|error| match error {
            LoadError::Records {
                source: RecordsError::None(_),
                path,
            } => LoadError::VdsoWithoutSites { path },
            other => other,
        })
    }

    /// Refuses an image without a table of sites.
    ///
    /// # Errors
    /// The image has no table of sites.
    pub fn require_records(&self, path: &Path) -> Result<(), LoadError> {
        // An empty table is one, too.
        if !self.records.list().is_empty() {
            return Ok(());
        }
        let found = Records::find(&self.image, None).map(|_| ());
        found.map_err(|source| LoadError::Records {
            path: path.into(),
            source,
        })
    }

    fn with_records(
        image: Image,
        path: &Path,
        cpucaps: &[PathBuf],
        find: impl FnOnce(&Image) -> Result<Records, RecordsError>,
    ) -> Result<Self, LoadError> {
        let records = find(&image).map_err(|source| LoadError::Records {
            path: path.into(),
            source,
        })?;
        let (names, caps) = match cpucaps {
            [] => from_image(&image).map_err(|source| LoadError::Caps {
                path: path.into(),
                source,
            })?,
            files => from_files(files)?,
        };
        Ok(Self {
            image,
            records,
            names,
            caps,
        })
    }
}

fn read(path: &Path) -> Result<Image, LoadError> {
    let data = fs::read(path).map_err(io_error(path))?;
    let data = packed::unpack(data).map_err(|source| LoadError::Packed {
        path: path.into(),
        source,
    })?;
    Image::parse_any(data).map_err(|source| LoadError::Image {
        path: path.into(),
        source,
    })
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

fn from_files(paths: &[PathBuf]) -> Result<Cpucaps, LoadError> {
    let (rules, lists): (Vec<_>, Vec<_>) = paths
        .iter()
        .partition(|path| path.extension().is_some_and(|end| end == "toml"));
    match (&lists[..], &rules[..]) {
        ([], [rules]) => {
            let caps = rules_in(rules)?;
            Ok((CapNames::from(&caps), vec![caps]))
        }
        ([list], []) => Ok((names_in(list)?, Vec::new())),
        ([list], [rules]) => {
            let names = names_in(list)?;
            let caps = rules_in(rules)?.numbered_by(&names);
            Ok((names, vec![caps.map_err(caps_error(rules))?]))
        }
        _ => Err(LoadError::CpucapsFiles(paths.len())),
    }
}

fn names_in(path: &Path) -> Result<CapNames, LoadError> {
    let text = fs::read_to_string(path).map_err(io_error(path))?;
    CapNames::from_linux(&text).map_err(|source| LoadError::Names {
        path: path.into(),
        source,
    })
}

fn rules_in(path: &Path) -> Result<Caps, LoadError> {
    let text = fs::read_to_string(path).map_err(io_error(path))?;
    Caps::from_toml(&path.display().to_string(), &text).map_err(caps_error(path))
}

fn caps_error(path: &Path) -> impl Fn(CapsError) -> LoadError {
    move |source| match source {
        // The texts begin with the name of the file.
        CapsError::File(_) => LoadError::CapsFile(source),
        _ => LoadError::Caps {
            path: path.into(),
            source,
        },
    }
}

/// Wraps the error of reading or writing the file at `path`.
pub fn io_error(path: &Path) -> impl Fn(io::Error) -> LoadError {
    move |source| LoadError::Io {
        path: path.into(),
        source,
    }
}
