//! `alt seal`

use std::path::PathBuf;

use clap::Args;

use crate::Outcome;
use crate::input::{Input, write};

/// Takes the seal of an image.
#[derive(Args)]
pub struct Seal {
    #[command(flatten)]
    input: Input,
    /// The file to write; standard output without it
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
}

impl Seal {
    pub fn run(&self) -> Outcome {
        let opened = self.input.open()?;
        let seal = alt_linker::seal::Seal::of(&opened.image, &opened.records);
        let text = serde_json::to_string_pretty(&seal)? + "\n";
        match &self.output {
            Some(path) => write(path, text.as_bytes())?,
            None => anstream::print!("{text}"),
        }
        Ok(true)
    }
}
