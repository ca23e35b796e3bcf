//! The command `alt stats`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::input::Input;
use crate::output::{self, Outcome};
use crate::sorting::Sorting;

/// The output of `--json`.
#[derive(Serialize)]
struct Document {
    #[serde(flatten)]
    stats: alt_image::stats::Stats,
    /// Absent without a map.
    #[serde(skip_serializing_if = "Option::is_none")]
    sorting: Option<Sorting>,
}

/// Counts the bytes of sites and records, with an estimate for the other layout.
///
/// With the linker's map, also the effect of sorting input sections by alignment (SORT_BY_ALIGNMENT):
/// padding saved and locality lost, for all of an output section, or within each
/// input file. The map that alt-ld keeps with --alt-keep is found by itself.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Stats {
    #[command(flatten)]
    input: Input,
    /// The map that lld wrote (-Map)
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  alt stats kernel
  alt stats kernel --map kernel.map

Exit status: 0 success, 2 the image cannot be read.";

impl Stats {
    pub fn run(&self) -> Outcome {
        // With a map, the statistics of an image without sites are not empty.
        let opened = match &self.map {
            None => self.input.open(),
            Some(_) => self.input.open_any(),
        }?;
        let stats = alt_image::stats::Stats::new(&opened.image, &opened.records, &opened.names);
        let sorting = Sorting::new(&self.input.path, &opened.image, self.map.as_ref())?;
        output::page(true, |mut out| {
            if self.json {
                return output::json(&mut out, &Document { stats, sorting });
            }
            stats.write_text(&mut out)?;
            match sorting {
                Some(sorting) => sorting.write_text(out),
                None => Ok(()),
            }
        })
    }
}
