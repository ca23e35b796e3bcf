//! The command `alt livepatch diff`.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use alt_image::style;
use alt_livepatch::archive::Build;
use alt_livepatch::diff::report::{Outcome, Report};
use alt_livepatch::diff::{self, What};
use alt_livepatch::model::Model;
use clap::Args;

use crate::{finding, output};

/// Shows which functions and statics changed from one build to another, and why.
///
/// Functions and statics are compared by name, and constants by their contents. Lines and columns
/// in panic messages do not count; functions in which nothing else differs are listed as moved.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Diff {
    /// The build that runs: an image that alt-ld has linked with --alt-keep, or IMAGE.livepatch
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The build with the changes
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// A static that the optimiser had removed from OLD, and that may begin with its initial value
    #[arg(long, value_name = "STATIC")]
    allow_static: Vec<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  alt livepatch diff old/kernel new/kernel
  alt livepatch diff old/kernel.livepatch new/kernel.livepatch --json

Exit status: 0 nothing that has an effect differs, 1 all that differs can be patched, 3 something
cannot be patched, 2 the builds cannot be compared.";

impl Diff {
    pub fn run(&self) -> Result<ExitCode, Box<dyn Error>> {
        let (old, new) = (Build::open(&self.old)?, Build::open(&self.new)?);
        let other = diff::other_build(&old, &new);
        let report = if other.is_empty() {
            let (old_model, new_model) = (Model::of(&old)?, Model::of(&new)?);
            let options = diff::Options {
                allowed_statics: self.allow_static.clone(),
            };
            super::report(&old, &diff::diff(&old_model, &new_model, &options))
        } else {
            Report::refused(&other)
        };
        output::page(true, |mut out| match self.json {
            true => output::json(&mut out, &report),
            false => write(out, &report),
        })?;
        Ok(ExitCode::from(match report.result {
            Outcome::None => 0,
            Outcome::Patchable => 1,
            Outcome::Refused => 3,
        }))
    }
}

fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    for entry in &report.changes {
        let line = entry.to_string();
        match entry.what {
            What::Moved => writeln!(out, "{}", style::dim(line))?,
            _ => writeln!(out, "{line}")?,
        }
    }
    for refusal in &report.refusals {
        finding::show(out, refusal)?;
    }
    writeln!(out, "{}", report.summary())
}
