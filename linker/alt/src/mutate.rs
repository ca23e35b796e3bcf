//! The command `alt mutate`.

use std::path::PathBuf;

use alt_image::caps::Caps;
use alt_image::style;
use alt_verify::mutate::mutate;
use clap::Args;

use crate::input::{Input, config};
use crate::output::{self, Outcome};

/// Changes an image at random, many times, and counts the changes that are detected.
#[derive(Args)]
pub struct Mutate {
    #[command(flatten)]
    input: Input,
    /// The rules file of the image, as for `alt verify`
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// The number of changed images
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    count: usize,
    /// The seed of the random numbers; runs with the same seed make the same changes
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Mutate {
    pub fn run(&self) -> Outcome {
        let opened = self.input.open()?;
        let caps = opened.caps.first();
        let table = caps.map_or_else(|| opened.names.table(), Caps::table);
        let config = config(self.rules.as_deref(), &opened.image)?;
        let data = opened.image.into_data();
        let figures = mutate(data, &opened.names, table, &config, (self.count, self.seed))?;
        output::show(figures.missed.is_empty(), |mut out| {
            if self.json {
                return output::json(&mut out, &figures);
            }
            for offset in &figures.missed {
                let missed = style::bad("missed");
                writeln!(out, "{missed} a change at {offset:#x} of the file")?;
            }
            writeln!(
                out,
                "{} mutations: {} reported by rules, {} by the seal alone, {} harmless, {} missed",
                self.count,
                figures.by_rules,
                figures.by_seal,
                figures.harmless,
                figures.missed.len()
            )
        })
    }
}
