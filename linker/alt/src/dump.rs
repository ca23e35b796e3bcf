//! The command `alt dump`.

use alt_image::dump::Filter;
use clap::Args;

use crate::input::Input;
use crate::output::{self, Outcome};

/// Shows every site with its default and its arms.
#[derive(Args)]
pub struct Dump {
    #[command(flatten)]
    input: Input,
    /// Only sites that depend on this cpucap
    #[arg(long, value_name = "NAME|NUMBER")]
    cap: Option<String>,
    /// Only the site at this address or at symbol+0x10, or the sites of this function
    #[arg(long, value_name = "ADDRESS|SYMBOL")]
    site: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Dump {
    pub fn run(&self) -> Outcome {
        let opened = self.input.open()?;
        let filter = Filter {
            cap: self.cap.clone(),
            site: self.site.clone(),
        };
        let dump =
            alt_image::dump::Dump::new(&opened.image, &opened.records, &opened.names, &filter)?;
        output::show(true, |mut out| match self.json {
            true => output::json(&mut out, &dump),
            false => dump.write_text(&mut out),
        })
    }
}
