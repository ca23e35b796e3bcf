//! The system for which an image is patched.

mod decide;
mod list;
mod machine;

use std::error::Error;
use std::path::PathBuf;

use alt_image::caps::ids::El2;
use alt_image::load::Loaded;
use alt_image::patching::{Answers, Expectation};
use alt_runtime::cap::{CapSet, CapTable};
use clap::{Args, ValueEnum};

use crate::input::read_text;

/// The arguments that describe the CPUs.
#[derive(Args)]
pub struct System {
    #[command(flatten)]
    cpus: Cpus,
    /// The kernel is started at EL2. `vhe`, which is meant without a value: it runs there with
    /// HCR_EL2.E2H set if the CPU has FEAT_VHE, otherwise at EL1, as Linux; `no-vhe`: at EL2 with E2H
    /// clear, as Xen
    #[arg(
        long, value_enum, value_name = "MODE", requires = "cpu", require_equals = true,
        num_args = 0..=1, default_missing_value = "vhe"
    )]
    el2: Option<Mode>,
    /// The kernel's command line, for overrides: "arm64.nolse id_aa64pfr0.sve=0"
    #[arg(long, value_name = "LINE", conflicts_with = "caps")]
    cmdline: Option<String>,
    /// The value of a cpucap that depends on the kernel or its build: NAME if it is present, !NAME
    /// if not, !* for all others. Of Linux's cpucaps, the value replaces the condition. May be given
    /// several times
    #[arg(long, value_name = "NAME", conflicts_with = "caps")]
    assume: Vec<String>,
    /// Results of callbacks: a TOML file with lists of words, by callback or by symbol+offset
    #[arg(long, value_name = "FILE")]
    callbacks: Option<PathBuf>,
}

/// The values of --el2.
#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    Vhe,
    NoVhe,
}

impl From<Mode> for El2 {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Vhe => Self::Vhe,
            Mode::NoVhe => Self::NoVhe,
        }
    }
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Cpus {
    /// A CPU model of QEMU: cortex-a76, max,pauth=off, max@7.2. An unknown name lists all
    #[arg(long, value_name = "MODEL")]
    cpu: Option<String>,
    /// ID registers: a TOML file, lines NAME=0x…, or a saved log of kernel-demo. If the file has
    /// several machines, select one: FILE#cortex-a76
    #[arg(long, value_name = "FILE")]
    ids: Option<String>,
    /// The present cpucaps, by name or number, separated by commas: LSE,PAN,17; "" for no cpucap
    #[arg(long, value_name = "LIST")]
    caps: Option<String>,
}

impl System {
    /// The table of cpucaps of the image, and those that are present on this system.
    pub fn present(&self, opened: &Loaded) -> Result<(&'static CapTable, CapSet), Box<dyn Error>> {
        Ok(match &self.cpus.caps {
            Some(list) => list::present(list, opened)?,
            None => self.detected(opened)?,
        })
    }

    /// Whether the arguments describe a system.
    pub fn is_given(&self) -> bool {
        let Cpus { cpu, ids, caps } = &self.cpus;
        cpu.is_some() || ids.is_some() || caps.is_some()
    }

    /// The table of cpucaps of the image.
    pub fn table(opened: &Loaded) -> Result<&'static CapTable, Box<dyn Error>> {
        list::table(opened)
    }

    /// The expected image if these cpucaps are present.
    pub fn expect(
        &self,
        opened: &Loaded,
        table: &'static CapTable,
        present: &CapSet,
    ) -> Result<Expectation, Box<dyn Error>> {
        let answers = match &self.callbacks {
            None => Answers::none(),
            Some(path) => Answers::from_toml(&read_text(path)?)
                .map_err(|error| format!("{}: {error}", path.display()))?,
        };
        let Loaded { image, records, .. } = opened;
        Ok(Expectation::new(image, records, table, present, &answers)?)
    }
}
