//! The command `alt seal`.

use std::path::PathBuf;

use clap::Args;

use crate::input::Input;
use crate::output::{self, Outcome};

/// Writes the seal of an image: digests of its sections and of each site.
///
/// Create it directly after the link and keep it with the image. `alt verify --seal` then reports
/// each site that has changed since.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Seal {
    #[command(flatten)]
    input: Input,
    /// The file to write; by default standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  alt seal kernel -o kernel.seal
  alt verify kernel --seal kernel.seal

Exit status: 0 the seal is written, 2 it is not.";

impl Seal {
    pub fn run(&self) -> Outcome {
        let opened = self.input.open()?;
        let seal = alt_verify::seal::Seal::of(&opened.image, &opened.records);
        let Some(path) = &self.output else {
            return output::show(true, |mut out| output::json(&mut out, &seal));
        };
        let mut text = Vec::new();
        output::json(&mut text, &seal)?;
        output::file(path, &text, None)?;
        Ok(true)
    }
}
