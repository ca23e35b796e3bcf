//! The command `alt apply`.

use std::path::PathBuf;

use alt_image::evidence::patched_before;
use alt_image::load::Loaded;
use alt_image::style;
use clap::Args;

use crate::input::Input;
use crate::output::{self, Outcome};
use crate::system::System;

/// Writes the image as it will be after patching.
///
/// Patches the sites with the code of the kernel's patcher; all other bytes are unchanged, including
/// the tables. Patching an image again for the same system changes nothing; one that was patched for
/// another system is refused, because its defaults are lost.
///
/// Callbacks are functions of the kernel, which cannot run here. Their sites are left unchanged,
/// listed and counted, unless --callbacks has their words.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Apply {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    system: System,
    /// The file to write; it may be IMAGE
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  alt apply kernel --cpu cortex-a76 -o kernel-a76
  alt apply kernel --cpu max,pauth=off@7.2 --cmdline arm64.nolse -o kernel-max
  alt apply kernel --ids boot.log --callbacks answers.toml -o kernel-here
  alt apply kernel --caps LSE,PAN,31 -o kernel-lse
  alt apply vmlinux --cpucaps arch/arm64/tools/cpucaps --caps HAS_PAN,1,0 -o vmlinux-pan

A file for --callbacks, with the words that a callback leaves, or a pair of a word and the bits
of the original that stay; by the name of the callback or by the place of one site:
  CONDUIT = [0xd4000002]               # hvc #0
  LOOP_COUNT = [[0xd2800300, 0x1f]]    # mov xN, #24, N as it was
  \"memcpy+0x10\" = [0xd503201f]         # nop

Exit status: 0 the file is written, 2 it is not.";

impl Apply {
    pub fn run(&self) -> Outcome {
        let opened = self.input.open()?;
        let (table, present) = self.system.present(&opened)?;
        let Loaded {
            image,
            records,
            names,
            ..
        } = &opened;
        if let Some(found) = patched_before(image, records, names, &present)? {
            return Err(format!(
                "the image is patched already, for other cpucaps: {found}, and {} does not hold \
                 here. Take the image that the linker wrote: the defaults are lost in this one",
                found.condition
            )
            .into());
        }
        let expectation = self.system.expect(&opened, table, &present)?;
        let data = expectation.write(&opened.image)?;
        output::file(&self.output, &data, Some(&self.input.path))?;
        output::show(true, |out| {
            for left in &expectation.left {
                let place = opened.image.place(left.site);
                let place = place.map_or_else(String::new, |place| format!(" {place}"));
                writeln!(
                    out,
                    "{} {:#x}{place}: callback {}",
                    style::doubtful("left"),
                    left.site,
                    left.callback
                )?;
            }
            writeln!(
                out,
                "applied {} of {} records, {} callbacks left",
                expectation.applied,
                expectation.records,
                expectation.left.len()
            )
        })
    }
}
