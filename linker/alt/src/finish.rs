//! The command `alt finish`.

use std::path::PathBuf;

use alt_image::load::Loaded;
use clap::Args;

use crate::output::{self, Outcome};

/// Finishes a linked image in place: no text moves, and the image in memory
/// does not grow.
///
/// The finished table, which a boot pass reads faster, replaces the records if it is not larger than
/// they are.
///
/// Calls of outline atomics become sites, if the image was not linked by alt-ld, which does this before
/// the link. It must be linked with --emit-relocs, which lists the calls, and with
/// alternatives.x or alternatives-init.x and --defsym=ALT_ATOMICS_ROOM=N, which reserves room for N
/// records.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Finish {
    /// A linked arm64 image: an ELF file with its sections and symbols
    #[arg(value_name = "IMAGE")]
    path: PathBuf,
    /// The file to write; by default IMAGE itself
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  alt finish kernel
  alt finish kernel -o kernel.finished

Exit status: 0 the image is finished, 2 it is not, and no file is written.";

impl Finish {
    pub fn run(&self) -> Outcome {
        let opened = Loaded::open_any(&self.path, None, &[])?;
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        let name = name.to_string_lossy();
        let finished = alt_finish::finish(opened.image, &name)?;
        let output = self.output.as_ref().unwrap_or(&self.path);
        output::file(output, &finished.data, Some(&self.path))?;
        output::show(true, |out| {
            for line in finished.lines() {
                writeln!(out, "{line}")?;
            }
            Ok(())
        })
    }
}
