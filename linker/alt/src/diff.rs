//! The command `alt diff`.

use std::collections::HashSet;
use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;

use alt_image::diff::{Comparison, Difference, Memory, Selection, compare};
use alt_image::disasm;
use alt_image::image::Image;
use alt_image::load::Loaded;
use alt_image::patching::{Change, Expectation};
use alt_image::style;
use alt_livepatch::payload::{Applied, AppliedError, InMemory};
use alt_runtime::cap::CapSet;
use alt_runtime::patch::Decision;
use clap::Args;

use crate::input::{Input, read};
use crate::output::{self, Outcome};
use crate::system::System;

/// Compares a memory dump of a running kernel with the expected text.
///
/// All text in the dump is compared: sites with the result of the kernel's patcher on this system,
/// the rest with the image. Sites of callbacks are not compared, unless --callbacks has their
/// words. Sections that are not in the dump are skipped and counted.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Diff {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    system: System,
    /// The dump: the bytes of the memory with the text. For a dump in pieces, give --dump and --base
    /// for each
    #[arg(long, value_name = "FILE", required = true)]
    dump: Vec<PathBuf>,
    /// The link address of the first byte of the dump: 0x40200000
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address, required = true)]
    base: Vec<u64>,
    /// A section that is not compared, such as one that the kernel has freed: .init.text
    #[arg(long, value_name = "SECTION")]
    skip: Vec<String>,
    /// Compare sites only, for a kernel that modifies its text by other means too, as Linux does
    /// with ftrace, jump labels and kprobes
    #[arg(long)]
    sites: bool,
    /// A payload of livepatch that is applied; may be given several times, in the order in which they
    /// were applied. Its address is found by the branches in memory, or given as FILE@ADDRESS. Its
    /// text is compared, too, if it is in a dump
    #[arg(long, value_name = "FILE", value_parser = parse_payload)]
    payload: Vec<(PathBuf, Option<u64>)>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  alt diff kernel --cpu cortex-a76 --dump memory.bin --base 0x40200000
  alt diff kernel --ids boot.log --dump low.bin --base 0x40200000 --dump high.bin --base 0x40300000
  alt diff vmlinux --caps 0,1,5 --dump text.bin --base 0xffff800080000000 --sites --skip .init.text
  alt diff kernel --cpu max --dump memory.bin --base 0x40200000 --payload fix.alp

A dump, from the monitor of QEMU:
  pmemsave 0x40200000 0x100000 memory.bin

Exit status: 0 no differences, 1 differences, 2 they cannot be compared.";

/// An address in hexadecimal with 0x, or in decimal.
fn parse_address(text: &str) -> Result<u64, String> {
    let digits = text.replace('_', "");
    match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => digits.parse(),
    }
    .map_err(|error| format!("{error}; write it as 0x40200000"))
}

/// A file, or a file and an address.
fn parse_payload(text: &str) -> Result<(PathBuf, Option<u64>), String> {
    match text.rsplit_once("@0x") {
        Some((path, digits)) => {
            let address = parse_address(&format!("0x{digits}"))?;
            Ok((path.into(), Some(address)))
        }
        None => Ok((text.into(), None)),
    }
}

impl Diff {
    pub fn run(&self) -> Outcome {
        if self.dump.len() != self.base.len() {
            return Err(format!(
                "--dump is given {} times and --base {} times: each dump has its own base",
                self.dump.len(),
                self.base.len()
            )
            .into());
        }
        // With payloads, a kernel without sites is compared too.
        let opened = match self.payload.is_empty() {
            true => self.input.open(),
            false => self.input.open_any(),
        }?;
        let mut expectation = self.system.expect(&opened)?;
        let dumps: Vec<_> = self
            .dump
            .iter()
            .map(|path| read(path))
            .collect::<Result<_, _>>()?;
        let pieces = self.base.iter().zip(&dumps);
        let pieces: Vec<_> = pieces
            .map(|(base, bytes)| Memory { base: *base, bytes })
            .collect();
        let (image, records) = (&opened.image, &opened.records);
        let selection = Selection {
            skip: self.skip.clone(),
            sites: self.sites,
        };
        let files: Vec<_> = self
            .payload
            .iter()
            .map(|(path, _)| read(path))
            .collect::<Result<_, _>>()?;
        let applied = self.applied(image, &files, &pieces, &mut expectation)?;
        let mut report = compare(image, records, &expectation, &pieces, &selection)?;
        if !applied.is_empty() {
            self.compare_payloads(&opened, &files, &applied, &pieces, &mut report)?;
        }
        output::show(report.differences.is_empty(), |mut out| match self.json {
            true => output::json(&mut out, &report),
            false => self.write(out, &report),
        })
    }

    /// Finds the payloads in memory, and adds their branches to what is expected.
    fn applied<'a>(
        &self,
        image: &Image,
        files: &'a [Vec<u8>],
        dump: &[Memory<'_>],
        expectation: &mut Expectation,
    ) -> Result<Vec<Applied<'a>>, Box<dyn Error>> {
        let named = |index: usize, error: AppliedError| {
            let path = self
                .payload
                .get(index)
                .map(|(path, _)| path.display().to_string());
            format!("{}: {error}", path.unwrap_or_default())
        };
        let given = files
            .iter()
            .map(Vec::as_slice)
            .zip(self.payload.iter().map(|(_, base)| *base));
        let all = Applied::all(image, given);
        let mut all = all.map_err(|(index, error)| named(index, error))?;
        let word = |address| dump.iter().find_map(|piece| piece.word(address));
        let mut hidden = HashSet::new();
        for (index, payload) in all.iter_mut().enumerate().rev() {
            let found = payload.find(word, |place| hidden.contains(&place));
            found.map_err(|error| named(index, error))?;
            for (address, after) in payload.branches().map_err(|error| named(index, error))? {
                // The payload that was applied last has its branch there.
                if hidden.insert(address) {
                    let before = image.word(address).unwrap_or_default();
                    let change = Change {
                        address,
                        before,
                        after,
                    };
                    expectation
                        .changes
                        .retain(|change| change.address != address);
                    expectation.changes.push(change);
                }
            }
            hidden.extend(payload.places());
        }
        Ok(all)
    }

    /// Compares the text of the payloads.
    fn compare_payloads(
        &self,
        opened: &Loaded,
        files: &[Vec<u8>],
        applied: &[Applied<'_>],
        dump: &[Memory<'_>],
        report: &mut Comparison,
    ) -> Result<(), Box<dyn Error>> {
        let (table, present) = self.system.present(opened)?;
        let decision = Decision {
            table,
            present: &present,
            decided: &CapSet::ALL,
        };
        for (file, applied) in files.iter().zip(applied) {
            let name = format!("payload {}", applied.payload.name());
            let Some(base) = applied.base else {
                report.add_text(name, [], dump, |_| String::new());
                continue;
            };
            let loaded = InMemory::new(file, &applied.payload, base, applied.anchor)?;
            let words = loaded
                .patched(decision)
                .map_err(|error| format!("{name}: {error}"))?;
            report.add_text(name, words, dump, |address| applied.label(address));
        }
        Ok(())
    }

    fn write(&self, out: &mut dyn Write, report: &Comparison) -> io::Result<()> {
        for difference in &report.differences {
            one(out, difference)?;
        }
        for section in &report.sections {
            if section.seems_other() {
                writeln!(
                    out,
                    "{}: {} of {} words of {} differ; if the kernel has given it back, leave it out by --skip {}",
                    style::doubtful("note"),
                    section.differ,
                    section.compared,
                    section.name,
                    section.name,
                )?;
            }
            if section.compared == 0 && !section.skipped {
                writeln!(
                    out,
                    "{}: nothing of {} is in the dump",
                    style::doubtful("note"),
                    section.name
                )?;
            }
        }
        writeln!(
            out,
            "{} of {} words of {} differ, in {} sites and {} other places; {} callbacks not judged",
            report.words,
            report.compared,
            if self.sites { "sites" } else { "text" },
            report.sites(),
            report.differences.len() - report.sites(),
            report.left,
        )
    }
}

fn one(out: &mut dyn Write, difference: &Difference) -> io::Result<()> {
    let what = match difference.site {
        true => style::bad("site"),
        false => style::bad("text"),
    };
    let place = difference.place.as_deref().unwrap_or_default();
    writeln!(
        out,
        "{what} {:#x} {}",
        difference.address,
        style::strong(place)
    )?;
    for word in &difference.words {
        let text = |value| format!("{value:08x}  {}", disasm::instruction(value, word.address));
        writeln!(
            out,
            "  {:#x}  expected {:<42}  found {}",
            word.address,
            text(word.expected),
            text(word.found),
        )?;
    }
    Ok(())
}
