//! The commands `alt livepatch …`.

mod diff;

use std::error::Error;
use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Changes a running kernel: what differs between two builds, and payloads that carry it.
///
/// A build is an image that alt-ld has linked with --alt-keep, or the folder IMAGE.livepatch that
/// alt-ld has written beside it.
#[derive(Args)]
pub struct Livepatch {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Shows which functions and statics changed from one build to another, and why
    Diff(diff::Diff),
}

impl Livepatch {
    pub fn run(&self) -> Result<ExitCode, Box<dyn Error>> {
        match &self.command {
            Command::Diff(arguments) => arguments.run(),
        }
    }
}
