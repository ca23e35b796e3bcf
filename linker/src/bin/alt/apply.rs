//! `alt apply`

use std::path::PathBuf;

use anstream::println;
use clap::Args;

use crate::Outcome;
use crate::input::{Input, write};
use crate::system::System;

/// Writes the image as it will be after patching.
#[derive(Args)]
pub struct Apply {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    system: System,
    /// The file to write
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
}

impl Apply {
    pub fn run(&self) -> Outcome {
        let opened = self.input.open()?;
        let expectation = self.system.expect(&opened)?;
        write(&self.output, &expectation.write(&opened.image)?)?;
        for left in &expectation.left {
            let place = opened.image.place(left.site);
            let place = place.map_or_else(String::new, |place| format!(" {place}"));
            println!("left {:#x}{place}: callback {}", left.site, left.callback);
        }
        println!(
            "applied {} of {} records, {} callbacks left",
            expectation.applied,
            expectation.records,
            expectation.left.len()
        );
        Ok(true)
    }
}
