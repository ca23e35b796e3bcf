//! The command `alt stats`.

use clap::Args;

use crate::input::Input;
use crate::output::{self, Outcome};

/// Counts the bytes of sites and records, with an estimate for the other layout.
#[derive(Args)]
pub struct Stats {
    #[command(flatten)]
    input: Input,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Stats {
    pub fn run(&self) -> Outcome {
        let opened = self.input.open()?;
        let stats = alt_image::stats::Stats::new(&opened.image, &opened.records, &opened.names);
        output::show(true, |mut out| match self.json {
            true => output::json(&mut out, &stats),
            false => stats.write_text(&mut out),
        })
    }
}
