//! The image that a command reads.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fs, io};

use alt_image::image::Image;
use alt_image::load::Loaded;
use alt_image::records::Format;
use alt_image::style;
use alt_verify::config::Config;
use clap::{Args, ValueEnum};

/// The arguments that select an image.
#[derive(Args)]
pub struct Input {
    /// An arm64 image: a linked ELF file with its sections, or a relocatable object such as a module
    /// (.ko), whose sections get addresses
    #[arg(value_name = "IMAGE")]
    pub path: PathBuf,
    /// The format of its records: alt-runtime's, or Linux's .altinstructions. Required only if the
    /// image has both
    #[arg(long, value_enum)]
    format: Option<FormatName>,
    /// Its cpucaps: a file in the format of cpucaps.toml if its name is *.toml, else a list of
    /// names in the format of Linux's arch/arm64/tools/cpucaps or asm/cpucaps.h. An image that was built with
    /// `cpucaps!` contains its cpucaps. If one file of each format is given, the list defines the
    /// numbers
    #[arg(long, value_name = "FILE")]
    cpucaps: Vec<PathBuf>,
    /// Read the vDSO in the image instead of the image: the ELF file between the symbols vdso_start
    /// and vdso_end of a vmlinux
    #[arg(long)]
    vdso: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum FormatName {
    Alt,
    Linux,
}

impl Input {
    /// Reads the image, its records and its cpucaps.
    pub fn open(&self) -> Result<Loaded, Box<dyn Error>> {
        let open = if self.vdso {
            Loaded::open_vdso
        } else {
            Loaded::open
        };
        let loaded = open(&self.path, self.format(), &self.cpucaps)?;
        Ok(noted(loaded))
    }

    /// Reads an image that need not have records.
    pub fn open_any(&self) -> Result<Loaded, Box<dyn Error>> {
        let open = if self.vdso {
            Loaded::open_vdso
        } else {
            Loaded::open_any
        };
        let loaded = open(&self.path, self.format(), &self.cpucaps)?;
        Ok(noted(loaded))
    }

    fn format(&self) -> Option<Format> {
        self.format.map(|format| match format {
            FormatName::Alt => Format::Alt,
            FormatName::Linux => Format::Linux,
        })
    }
}

/// Prints the assumptions about the image as notes.
fn noted(loaded: Loaded) -> Loaded {
    if loaded.image.relocatable().is_some() {
        anstream::eprintln!(
            "{}: a relocatable object has no addresses; those shown are of a layout for this output",
            style::doubtful("note")
        );
    }
    if let Some(inferred) = &loaded.records.inferred_nops {
        anstream::eprintln!("{}: {inferred}", style::doubtful("note"));
    }
    loaded
}

/// Reads the rules file of an image; without a path, there are no rules.
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

/// Adds the path of a file to its error.
pub fn named(path: &Path, error: io::Error) -> Box<dyn Error> {
    format!("{}: {error}", path.display()).into()
}
