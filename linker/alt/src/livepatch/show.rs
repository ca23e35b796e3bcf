//! The command `alt livepatch show`.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use alt_image::image::Image;
use alt_image::{disasm, style};
use alt_livepatch::archive::BuildId;
use alt_livepatch::payload::Summary;
use alt_runtime::livepatch::Payload;
use clap::Args;

use crate::input::read;
use crate::output;

/// Shows the contents and requirements of a payload.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Show {
    /// A payload, as `alt livepatch build` writes it
    #[arg(value_name = "PAYLOAD")]
    payload: PathBuf,
    /// The image that it is for, for addresses and places
    #[arg(long, value_name = "IMAGE")]
    image: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  alt livepatch show fix.alp
  alt livepatch show fix.alp --image kernel --json

Exit status: 0 shown, 2 not a payload, or a payload for another image.";

impl Show {
    pub fn run(&self) -> Result<ExitCode, Box<dyn Error>> {
        let named =
            |path: &PathBuf, why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
        let file = read(&self.payload)?;
        let payload = Payload::parse(&file)
            .map_err(|why| named(&self.payload, &format!("not a payload: {why}")))?;
        let image = match &self.image {
            None => None,
            Some(path) => {
                let image = Image::parse(read(path)?).map_err(|why| named(path, &why))?;
                match BuildId::of(&image) {
                    Some(id) if id.id == payload.image() => Some((image, id)),
                    id => {
                        let id = id.map_or_else(|| "none".to_owned(), |id| id.to_string());
                        let why = format!("the payload is for another image: the build id is {id}");
                        return Err(named(path, &why).into());
                    }
                }
            }
        };
        let image = image.as_ref().map(|(image, id)| (image, *id));
        let summary = Summary::new(&file, &payload, image);
        output::page(true, |mut out| match self.json {
            true => output::json(&mut out, &summary),
            false => write(out, &summary),
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The page size of most kernels.
const PAGE: u64 = 4096;

fn write(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    let name = |name: &str| style::strong(name.escape_debug().to_string()).to_string();
    writeln!(
        out,
        "payload {}, {} bytes",
        name(&summary.name),
        summary.file_size
    )?;
    writeln!(out, "  id      {}", summary.id)?;
    writeln!(out, "  image   {}", summary.image)?;
    match &summary.parent {
        None => writeln!(out, "  parent  none: it is applied to the image itself")?,
        Some(parent) => writeln!(out, "  parent  {parent}")?,
    }
    let segments = summary.segments.iter();
    let segments: Vec<_> = segments
        .map(|one| format!("{} {}", one.access, one.size))
        .collect();
    writeln!(
        out,
        "  memory  {}: {} bytes in pages of 4 KiB",
        segments.join(", "),
        summary.resident(PAGE)
    )?;
    if summary.has_state {
        writeln!(
            out,
            "  data    is written: to apply it again, load it again"
        )?;
    }
    for function in &summary.functions {
        let place = match function.address {
            Some(address) => format!("{address:#x}"),
            None => format!("build id {:+}", function.old),
        };
        writeln!(
            out,
            "replaces {}: {} bytes at {place}, by {} at +{:#x}",
            name(&function.name),
            function.old_size,
            function.new_size,
            function.new
        )?;
        let at = u64::from(function.landing_pad) * 4;
        let address = function.address.unwrap_or_default() + at;
        for word in &function.words {
            let text = disasm::instruction(*word, address);
            writeln!(out, "  expects {word:08x}  {text}")?;
        }
        if function.landing_pad {
            writeln!(out, "  after its landing pad")?;
        }
        if function.may_be_running {
            writeln!(
                out,
                "  may be running: calls in progress finish in the old function"
            )?;
        }
    }
    for function in &summary.new_functions {
        writeln!(
            out,
            "adds {}: {} bytes at +{:#x}",
            name(&function.name),
            function.size,
            function.start
        )?;
    }
    for hook in &summary.hooks {
        let function = hook.name.as_deref().unwrap_or_default();
        writeln!(
            out,
            "hook {}: {} at +{:#x}",
            hook.kind,
            name(function),
            hook.start
        )?;
    }
    for expectation in &summary.expectations {
        let place = match &expectation.label {
            Some(label) => label.clone(),
            None => format!("build id {:+}", expectation.place),
        };
        writeln!(out, "expects {:08x} at {place}", expectation.word)?;
    }
    for string in &summary.log_strings {
        writeln!(
            out,
            "logs {}: {}",
            string.index,
            string.symbol.escape_debug()
        )?;
    }
    let relocations = summary.image_relocations + summary.payload_relocations;
    writeln!(
        out,
        "{} replaced, {} added, {}, {}, {} ({} against the image)",
        output::count(summary.functions.len(), "function"),
        summary.new_functions.len(),
        output::count(summary.branches as usize, "branch site"),
        output::count(summary.alternatives as usize, "alternative record"),
        output::count(relocations, "relocation"),
        summary.image_relocations,
    )
}
