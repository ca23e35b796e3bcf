//! The command `alt hyp-link`.

use std::path::PathBuf;

use alt_image::style;
use alt_linker::partial_link::Link;
use clap::Args;

use crate::output::Outcome;

/// Links code for another exception level into one object for the link of the kernel.
///
/// The sections and symbols of the object are in a namespace. It refers only to kernel symbols that
/// the manifest allows, and lists the pointers that must be fixed for the address at which it
/// runs.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct HypLink {
    /// The manifest: allowed symbols, sections and rules (TOML)
    #[arg(long, value_name = "FILE")]
    manifest: PathBuf,
    /// The name of the namespace: words of a-z and 0-9, separated by dots
    #[arg(long, default_value = "hyp")]
    name: String,
    /// Another lld than that of the toolchain
    #[arg(long, value_name = "LLD")]
    linker: Option<PathBuf>,
    /// The object to write
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Objects, archives, rlibs, LLVM bitcode
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  alt hyp-link --manifest hyp.toml -o hyp.o libhyp.a
  alt hyp-link --manifest hyp.toml --name hyp.nvhe -o nvhe.o libhyp_nvhe.a entry.o

Exit status: 0 the object is written; 1 the code breaks a rule; 2 an input cannot be read, the
manifest has mistakes, or the linker fails. With 1 and 2 no object is written, and an
existing object is left unchanged.";

impl HypLink {
    pub fn run(&self) -> Outcome {
        let scratch = tempfile::tempdir()?;
        let mut link = Link::new(&self.manifest)
            .name(&self.name)
            .output(&self.output)
            .scratch(scratch.path());
        for input in &self.inputs {
            link = link.input(input);
        }
        if let Some(linker) = &self.linker {
            link = link.linker(linker);
        }
        match link.link() {
            Ok(_) => Ok(true),
            Err(error) if error.is_finding() => {
                anstream::eprintln!("{}: {error}", style::bad("error"));
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}
