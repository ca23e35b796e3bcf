//! The commands `alt livepatch …`.

mod build;
mod diff;
mod flags;
mod show;

use std::error::Error;
use std::process::ExitCode;

use alt_livepatch::archive::Build as Kept;
use alt_livepatch::diff::Diff as Difference;
use alt_livepatch::diff::report::{Outcome, Report};
use alt_livepatch::payload::{self, PayloadBuildError};
use clap::{Args, Subcommand};

/// Changes a running kernel: compares two builds, and makes payloads from the differences.
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
    /// Builds the payload that changes a running kernel from one build to another
    Build(build::Build),
    /// Shows the contents and requirements of a payload
    Show(show::Show),
    /// Prints the flags of a build that can be patched
    Flags(flags::Flags),
}

impl Livepatch {
    pub fn run(&self) -> Result<ExitCode, Box<dyn Error>> {
        match &self.command {
            Command::Diff(arguments) => arguments.run(),
            Command::Build(arguments) => arguments.run(),
            Command::Show(arguments) => arguments.run(),
            Command::Flags(arguments) => arguments.run(),
        }
    }
}

/// The report of a difference. If it refuses nothing, it includes the reasons for which a payload of the
/// difference would be refused. `old` is the build of the running image.
fn report(old: &Kept, diff: &Difference<'_>) -> Report {
    let mut report = Report::new(diff);
    let options = payload::Options {
        name: "payload".to_owned(),
        ..payload::Options::default()
    };
    if report.result == Outcome::Patchable {
        match payload::build(old, diff, &options) {
            // A hook can be all that a payload has.
            Ok(_) | Err(PayloadBuildError::Nothing) => {}
            Err(error) => report.refuse(&error),
        }
    }
    report
}
