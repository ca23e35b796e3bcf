//! The image that a command is about.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fs, io};

use alt_linker::caps::Caps;
use alt_linker::image::Image;
use alt_linker::names::CapNames;
use alt_linker::records::{Format, Records};
use clap::{Args, ValueEnum};

/// The arguments that name an image.
#[derive(Args)]
pub struct Input {
    /// A linked arm64 image: an ELF file with its sections
    #[arg(value_name = "IMAGE")]
    pub path: PathBuf,
    /// The format of its records, where the image does not tell
    #[arg(long, value_enum)]
    format: Option<FormatName>,
    /// Its cpucaps: a TOML file, or a list in the form of Linux's arch/arm64/tools/cpucaps. An
    /// image made with `cpucaps!` has them in itself
    #[arg(long, value_name = "FILE")]
    cpucaps: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum FormatName {
    Alt,
    Linux,
}

/// An image, read.
pub struct Opened {
    pub image: Image,
    pub records: Records,
    pub names: CapNames,
    /// The tables of cpucaps: one, unless none is known or the image has several.
    pub caps: Vec<Caps>,
}

impl Input {
    /// Reads the image, its records and what its cpucaps are.
    pub fn open(&self) -> Result<Opened, Box<dyn Error>> {
        let here = |error: &dyn Error| format!("{}: {error}", self.path.display());
        let data = read(&self.path)?;
        let image = Image::parse(data).map_err(|error| here(&error))?;
        let format = self.format.map(|format| match format {
            FormatName::Alt => Format::Alt,
            FormatName::Linux => Format::Linux,
        });
        let records = Records::find(&image, format).map_err(|error| here(&error))?;
        let (names, caps) = match &self.cpucaps {
            Some(path) => from_file(path)?,
            None => from_image(&image).map_err(|error| here(error.as_ref()))?,
        };
        Ok(Opened {
            image,
            records,
            names,
            caps,
        })
    }
}

type Cpucaps = (CapNames, Vec<Caps>);

fn from_image(image: &Image) -> Result<Cpucaps, Box<dyn Error>> {
    let Some(section) = image.section(Caps::SECTION) else {
        return Ok(Cpucaps::default());
    };
    let caps = Caps::from_section(image.contents(section))?;
    let names = caps.first().map(CapNames::from).unwrap_or_default();
    Ok((names, caps))
}

fn from_file(path: &Path) -> Result<Cpucaps, Box<dyn Error>> {
    let name = path.display().to_string();
    let text = String::from_utf8(read(path)?)
        .map_err(|error| format!("{name}: {}", error.utf8_error()))?;
    if path
        .extension()
        .is_some_and(|extension| extension == "toml")
    {
        let caps = Caps::from_toml(&name, &text)?;
        return Ok((CapNames::from(&caps), vec![caps]));
    }
    let names = CapNames::from_linux(&text);
    Ok((names, Vec::new()))
}

/// The bytes of a file.
pub fn read(path: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    fs::read(path).map_err(|error| named(path, error))
}

/// The text of a file.
pub fn read_text(path: &Path) -> Result<String, Box<dyn Error>> {
    fs::read_to_string(path).map_err(|error| named(path, error))
}

/// Writes a file.
pub fn write(path: &Path, data: &[u8]) -> Result<(), Box<dyn Error>> {
    fs::write(path, data).map_err(|error| named(path, error))
}

fn named(path: &Path, error: io::Error) -> Box<dyn Error> {
    format!("{}: {error}", path.display()).into()
}
