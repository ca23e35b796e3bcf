//! The system that an image is patched for.

mod decide;
mod list;
mod machine;

use std::error::Error;
use std::path::PathBuf;

use alt_image::load::Loaded;
use alt_image::patching::{Answers, Expectation};
use clap::Args;

use crate::input::read_text;

/// The arguments that say what the CPUs can do.
#[derive(Args)]
pub struct System {
    #[command(flatten)]
    cpus: Cpus,
    /// The kernel's command line, for overrides: "arm64.nolse id_aa64pfr0.sve=0"
    #[arg(long, value_name = "LINE", conflicts_with = "caps")]
    cmdline: Option<String>,
    /// What a cpucap comes to that only the kernel or its build can tell: NAME if it is present,
    /// !NAME if not, !* for all others. May be given several times
    #[arg(long, value_name = "NAME", conflicts_with = "caps")]
    assume: Vec<String>,
    /// What callbacks leave: a TOML file with lists of words, by callback or by symbol+offset
    #[arg(long, value_name = "FILE")]
    callbacks: Option<PathBuf>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Cpus {
    /// A CPU model of QEMU: cortex-a76, max,pauth=off, max@7.2. An unknown one lists all
    #[arg(long, value_name = "MODEL")]
    cpu: Option<String>,
    /// ID registers: a TOML file, lines NAME=0x…, or a saved log of kernel-demo. Of several
    /// machines, name one: FILE#cortex-a76
    #[arg(long, value_name = "FILE")]
    ids: Option<String>,
    /// The cpucaps that are present, by names or numbers, separated by commas: LSE,PAN,17; "" for
    /// none
    #[arg(long, value_name = "LIST")]
    caps: Option<String>,
}

impl System {
    /// What the image will be on this system.
    pub fn expect(&self, opened: &Loaded) -> Result<Expectation, Box<dyn Error>> {
        let (table, present) = match &self.cpus.caps {
            Some(list) => list::present(list, opened)?,
            None => self.detected(opened)?,
        };
        let answers = match &self.callbacks {
            None => Answers::none(),
            Some(path) => Answers::from_toml(&read_text(path)?)
                .map_err(|error| format!("{}: {error}", path.display()))?,
        };
        let Loaded { image, records, .. } = opened;
        Ok(Expectation::new(image, records, table, &present, &answers)?)
    }
}
