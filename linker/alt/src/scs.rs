//! The command `alt scs`.

use std::io::{self, Write};
use std::ops::Range;
use std::path::PathBuf;

use alt_image::image::Image;
use alt_image::listing::{self, Line};
use alt_image::shadow_call_stack::{Left, ShadowCallStack, ShadowSite};
use alt_image::{disasm, style};
use alt_verify::Namespaces;
use clap::Args;
use serde::Serialize;

use crate::input::read;
use crate::output::{self, Outcome};

/// Shows the instructions that a shadow call stack rewrites, or writes the image with it.
///
/// On a CPU without pointer authentication, PACIASP and AUTIASP are NOPs. A kernel with alt-runtime
/// can replace them at boot with pushes to and pops from a stack on x18. The unwind tables
/// (.eh_frame) list them; this command runs the code of the kernel over these tables. The image
/// needs no alternatives. The number of sites is the room that the plan of the kernel requires.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Scs {
    /// A linked arm64 image: an ELF file with its sections
    #[arg(value_name = "IMAGE")]
    image: PathBuf,
    /// Write the image with its shadow call stack to this file; it may be IMAGE
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// A section whose functions are left unchanged, such as the text of a hypervisor; may be given
    /// several times. Sections of namespaces (`alt hyp-link`) are always excluded
    #[arg(long, value_name = "SECTION")]
    exclude: Vec<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  alt scs kernel
  alt scs kernel --exclude .hyp.text --json
  alt scs kernel --exclude .hyp.text -o kernel-scs

Exit status: 0 every function that signs is changed, 1 some stay as they are, 2 the unwind tables
are refused, and no file is written.";

/// The output of `--json`.
#[derive(Serialize)]
struct Document<'a> {
    /// Incremented when a field is removed or changes its meaning.
    version: u32,
    functions: u32,
    excluded: u32,
    already: u32,
    sites: &'a [ShadowSite],
    /// Functions that sign and are not changed.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    left: &'a [Left],
}

impl Scs {
    pub fn run(&self) -> Outcome {
        let name = self.image.display();
        let image = Image::parse(read(&self.image)?).map_err(|error| format!("{name}: {error}"))?;
        let namespaces = namespaces(&image).map_err(|why| format!("{name}: {why}"))?;
        let stack = ShadowCallStack::new(&image, &self.exclude, &namespaces)
            .map_err(|error| format!("{name}: {error}"))?;
        if let Some(path) = &self.output {
            let data = stack
                .write(&image)
                .map_err(|error| format!("{name}: {error}"))?;
            output::file(path, &data, Some(&self.image))?;
        }
        output::page(stack.left.is_empty(), |mut out| {
            if self.json {
                let document = Document {
                    version: 1,
                    functions: stack.report.functions,
                    excluded: stack.report.excluded,
                    already: stack.report.already,
                    sites: &stack.sites,
                    left: &stack.left,
                };
                return output::json(&mut out, &document);
            }
            for sites in stack.sites.chunk_by(|a, b| a.function == b.function) {
                function(out, sites)?;
            }
            for left in &stack.left {
                writeln!(
                    out,
                    "{} {:#x} {}: it signs, and no unwind table marks the instruction",
                    style::doubtful("left"),
                    left.address,
                    left.function
                )?;
            }
            let report = &stack.report;
            writeln!(
                out,
                "{}, and {} that push or pop already; {} functions, {} of them excluded",
                style::strong(output::count(stack.sites.len(), "site")),
                report.already,
                report.functions,
                report.excluded
            )?;
            match stack.left.len() {
                0 => Ok(()),
                left => writeln!(
                    out,
                    "{left} functions sign and stay unprotected: compile them with unwind tables of every \
                     instruction, or exclude them"
                ),
            }
        })
    }
}

/// The addresses of code for another exception level, whose x18 is not the kernel's.
fn namespaces(image: &Image) -> Result<Vec<Range<u64>>, String> {
    let namespaces = Namespaces::of(image);
    if let Some(problem) = namespaces.problems.into_iter().next() {
        return Err(problem);
    }
    let places = namespaces.list.iter().map(|one| &one.region.places);
    Ok(places
        .flat_map(|places| places.ranges().iter().cloned())
        .collect())
}

/// The sites of one function.
fn function(out: &mut dyn Write, sites: &[ShadowSite]) -> io::Result<()> {
    let Some(first) = sites.first() else {
        return Ok(());
    };
    writeln!(
        out,
        "{} {:#x}",
        style::strong(&first.function),
        first.address - first.offset
    )?;
    for site in sites {
        let text = |word| disasm::instruction(word, site.address);
        let (before, after) = (text(site.before), text(site.after));
        let line = |word, text| Line { word, text };
        let label = format!("{:#x}", site.address);
        let row = listing::row(&label, line(site.before, &before), line(site.after, &after));
        writeln!(out, "{row}")?;
    }
    Ok(())
}
