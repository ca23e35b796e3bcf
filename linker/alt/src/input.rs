//! The image that a command is about.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fs, io};

use alt_image::image::Image;
use alt_image::load::Loaded;
use alt_image::records::Format;
use alt_verify::config::Config;
use clap::{Args, ValueEnum};

/// The arguments that name an image.
#[derive(Args)]
pub struct Input {
    /// A linked arm64 image: an ELF file with its sections
    #[arg(value_name = "IMAGE")]
    pub path: PathBuf,
    /// The format of its records: alt-runtime's, or Linux's .altinstructions. Needed only where
    /// the image has both
    #[arg(long, value_enum)]
    format: Option<FormatName>,
    /// Its cpucaps: a file in the form of cpucaps.toml if it is called *.toml, else a list of
    /// names in the form of Linux's arch/arm64/tools/cpucaps. An image made with `cpucaps!` has
    /// them in itself. Of one file of each form, the list gives the numbers
    #[arg(long, value_name = "FILE")]
    cpucaps: Vec<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum FormatName {
    Alt,
    Linux,
}

impl Input {
    /// Reads the image, its records and what its cpucaps are.
    pub fn open(&self) -> Result<Loaded, Box<dyn Error>> {
        Ok(Loaded::open(&self.path, self.format(), &self.cpucaps)?)
    }

    /// The same of an image that need not have records.
    pub fn open_any(&self) -> Result<Loaded, Box<dyn Error>> {
        Ok(Loaded::open_any(&self.path, self.format(), &self.cpucaps)?)
    }

    fn format(&self) -> Option<Format> {
        self.format.map(|format| match format {
            FormatName::Alt => Format::Alt,
            FormatName::Linux => Format::Linux,
        })
    }
}

/// What a rules file demands of an image; nothing without one.
pub fn config(path: Option<&Path>, image: &Image) -> Result<Config, Box<dyn Error>> {
    let Some(path) = path else {
        return Ok(Config::default());
    };
    let name = path.display().to_string();
    Ok(Config::from_toml(&name, &read_text(path)?, image)?)
}

/// The bytes of a file.
pub fn read(path: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    fs::read(path).map_err(|error| named(path, error))
}

/// The text of a file.
pub fn read_text(path: &Path) -> Result<String, Box<dyn Error>> {
    fs::read_to_string(path).map_err(|error| named(path, error))
}

/// What went wrong with a file, and which.
pub fn named(path: &Path, error: io::Error) -> Box<dyn Error> {
    format!("{}: {error}", path.display()).into()
}
