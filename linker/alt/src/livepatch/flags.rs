//! The command `alt livepatch flags`.

use std::error::Error;
use std::process::ExitCode;

use alt_livepatch::archive::flags;
use clap::Args;

use crate::output;

/// Prints the flags of a build that can be patched, as parts of Cargo.toml and .cargo/config.toml.
#[derive(Args)]
pub struct Flags {}

impl Flags {
    pub fn run(&self) -> Result<ExitCode, Box<dyn Error>> {
        output::show(true, |out| out.write_all(flags::text().as_bytes()))?;
        Ok(ExitCode::SUCCESS)
    }
}
