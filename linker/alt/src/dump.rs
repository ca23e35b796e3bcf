//! The command `alt dump`.

use alt_image::dump::{ArmKind, Filter, Groups};
use clap::{Args, ValueEnum};

use crate::input::Input;
use crate::output::{self, Outcome};

/// Shows every site with its default and its arms.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Dump {
    #[command(flatten)]
    input: Input,
    /// Only sites that depend on this cpucap; may be given several times, for any of them
    #[arg(long, value_name = "NAME|NUMBER")]
    cap: Vec<String>,
    /// Only the site at this address or at symbol+0x10, or the sites of this function
    #[arg(long, value_name = "ADDRESS|SYMBOL")]
    site: Option<String>,
    /// Only sites with an arm of this kind; may be given several times
    #[arg(long, value_enum)]
    kind: Vec<KindName>,
    /// Only sites of this section; may be given several times
    #[arg(long, value_name = "SECTION")]
    section: Vec<String>,
    /// The number of sites that are shown, or of rows of each table of --summary; 0 for all
    #[arg(long, value_name = "N", default_value_t = 0)]
    limit: usize,
    /// Instead of the sites, their number by cpucap, function and section
    #[arg(long)]
    summary: bool,
    /// As JSON
    #[arg(long, conflicts_with = "limit")]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  alt dump kernel --cap LSE
  alt dump kernel --site callbacks::run
  alt dump vmlinux --cpucaps arch/arm64/tools/cpucaps --summary --limit 10
  alt dump ext4.ko --kind callback

Exit status: 0 success, 2 the image cannot be read, or no site is selected.";

#[derive(Clone, Copy, ValueEnum)]
enum KindName {
    /// NOP or B
    Branch,
    /// Instructions in the image
    Code,
    /// Instructions that a callback computes
    Callback,
    /// NOPs
    Nops,
}

impl From<KindName> for ArmKind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::Branch => Self::Branch,
            KindName::Code => Self::Code,
            KindName::Callback => Self::Callback,
            KindName::Nops => Self::Nops,
        }
    }
}

impl Dump {
    pub fn run(&self) -> Outcome {
        let opened = self.input.open()?;
        let filter = Filter {
            caps: self.cap.clone(),
            site: self.site.clone(),
            kinds: self.kind.iter().map(|kind| (*kind).into()).collect(),
            sections: self.section.clone(),
        };
        let dump =
            alt_image::dump::Dump::new(&opened.image, &opened.records, &opened.names, &filter)?;
        output::page(true, |mut out| match (self.summary, self.json) {
            (false, true) => output::json(&mut out, &dump),
            (false, false) => dump.write_text(&mut out, self.limit),
            (true, true) => output::json(&mut out, &Groups::new(&dump)),
            (true, false) => Groups::new(&dump).write_text(&mut out, self.limit),
        })
    }
}
