//! The command `alt diff`.

mod cpucaps;
mod dump;
mod text;

use std::collections::HashSet;
use std::error::Error;
use std::path::PathBuf;

use alt_image::diff::{Comparison, DiffError, Memory, Selection, compare};
use alt_image::hex;
use alt_image::image::Image;
use alt_image::patching::{Change, Expectation};
use alt_image::rewritten::Rewritten;
use alt_livepatch::payload::{Applied, AppliedError, InMemory};
use alt_runtime::cap::CapSet;
use alt_runtime::patch::Decision;
use clap::Args;
use serde::Serialize;

use cpucaps::{Cpucaps, Source};
use dump::{Dump, Found, Placed};

use crate::input::{Input, read};
use crate::output::{self, Outcome};
use crate::system::System;

/// Compares a memory dump of a running kernel with the expected text.
///
/// All text in the dump is compared: sites with the result of the kernel's patcher on this system,
/// the rest with the image. Places that Linux writes by ftrace, jump labels, relocation and runtime
/// constants may hold each of their legal words. Sites of callbacks are not compared, unless
/// --callbacks has their words. Sections that are not in the dump are skipped and counted.
///
/// Without --cpu, --ids and --caps, the cpucaps are read from the variables of Linux in the dump, or
/// concluded from the words of the sites.
#[derive(Args)]
#[command(after_help = EXAMPLES, mut_group("Cpus", |group| group.required(false)))]
pub struct Diff {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    system: System,
    /// The dump: memory with the text, raw or as an ELF core file. For a dump in pieces, give --dump
    /// for each
    #[arg(long, value_name = "FILE", required = true)]
    dump: Vec<PathBuf>,
    /// The link address of the first byte of the dump: 0x40200000. Without it, the text is searched
    /// for in the dump. Either for each dump or for no dump
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    base: Vec<u64>,
    /// A section that is not compared, such as one that the kernel has freed: .init.text
    #[arg(long, value_name = "SECTION")]
    skip: Vec<String>,
    /// Compare only sites, replacements in the text, and the words beside sites of callbacks
    #[arg(long)]
    sites: bool,
    /// A payload of livepatch that is applied; may be given several times, in the order in which they
    /// were applied. Its address is found by the branches in memory, or given as FILE@ADDRESS. Its
    /// text is compared, too, if it is in a dump
    #[arg(long, value_name = "FILE", value_parser = parse_payload)]
    payload: Vec<(PathBuf, Option<u64>)>,
    /// The number of differences that are shown; 0 for all. JSON has all of them
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// As JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  alt diff kernel --cpu cortex-a76 --dump memory.bin --base 0x40200000
  alt diff kernel --ids boot.log --dump low.bin --base 0x40200000 --dump high.bin --base 0x40300000
  alt diff vmlinux --dump guest.core
  alt diff kernel --cpu max --dump memory.bin --base 0x40200000 --payload fix.alp

A dump, from the monitor of QEMU:
  pmemsave 0x40200000 0x100000 memory.bin
  dump-guest-memory guest.core

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

/// The output of `--json`.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    comparison: Comparison,
    /// The files whose place was found by their contents.
    found: Vec<Found>,
    /// The distance of the running kernel from its link address in bytes.
    #[serde(serialize_with = "hex::address::serialize")]
    slide: u64,
    cpucaps: CpucapsReport,
}

#[derive(Serialize)]
struct CpucapsReport {
    source: Source,
    present: Vec<String>,
    against: Vec<Against>,
}

/// A cpucap that most of its sites contradict.
#[derive(Serialize)]
struct Against {
    cap: u16,
    name: String,
    /// Sites as if it were present.
    present: usize,
    /// Sites as if it were absent.
    absent: usize,
}

impl Diff {
    pub fn run(&self) -> Outcome {
        // With payloads, a kernel without sites is compared too.
        let opened = match self.payload.is_empty() {
            true => self.input.open(),
            false => self.input.open_any(),
        }?;
        if opened.image.relocatable().is_some() {
            return Err(format!(
                "{}: a relocatable object has no addresses to compare memory at; give a linked image",
                self.input.path.display()
            )
            .into());
        }
        let (image, records) = (&opened.image, &opened.records);
        let dump = Dump::read(&self.dump)?;
        let Placed {
            pieces,
            found,
            slide,
        } = dump.place(image, records, &self.base)?;
        let cpucaps = Cpucaps::find(&self.system, &opened, &pieces)?;
        let mut expectation = self
            .system
            .expect(&opened, cpucaps.table, &cpucaps.present)?;
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
        let doubleword = |at| pieces.iter().find_map(|piece| piece.doubleword(at));
        let rewritten = Rewritten::new(image, slide, doubleword);
        let comparison = compare(
            image,
            records,
            &expectation,
            &rewritten,
            &pieces,
            &selection,
        );
        let mut comparison = comparison.map_err(|error| match (&error, &found[..]) {
            (DiffError::OtherText { .. } | DiffError::Elsewhere { .. }, []) => {
                match dump.other_base(image, records, &self.base) {
                    Some(base) => format!("{error}; the text of this image is at --base {base:#x}"),
                    None => error.to_string(),
                }
            }
            _ => error.to_string(),
        })?;
        if !applied.is_empty() {
            let (table, present) = (cpucaps.table, &cpucaps.present);
            let decision = Decision {
                table,
                present,
                decided: &CapSet::ALL,
            };
            compare_payloads(decision, &files, &applied, &pieces, &mut comparison)?;
        }
        let against = cpucaps.against().into_iter().map(|(cap, votes)| Against {
            cap,
            name: opened.names.label(cap),
            present: votes.present,
            absent: votes.absent,
        });
        let against = against.collect();
        let report = Report {
            comparison,
            found,
            slide,
            cpucaps: CpucapsReport {
                source: cpucaps.source,
                present: cpucaps.names.clone(),
                against,
            },
        };
        let clean = report.comparison.differences.is_empty();
        output::page(clean, |mut out| match self.json {
            true => output::json(&mut out, &report),
            false => self.write(out, &opened, &cpucaps, &report),
        })
    }

    /// Finds the payloads in memory, and adds their branches to the expected words.
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
}

/// Compares the text of the payloads.
fn compare_payloads(
    decision: Decision<'_>,
    files: &[Vec<u8>],
    applied: &[Applied<'_>],
    dump: &[Memory<'_>],
    report: &mut Comparison,
) -> Result<(), Box<dyn Error>> {
    for (file, applied) in files.iter().zip(applied) {
        let name = format!("payload {}", applied.payload.name());
        let Some(base) = applied.base else {
            report.add_text(name, [], dump, |_| String::new());
            continue;
        };
        let loaded = InMemory::new(file, &applied.payload, base, applied.anchor)
            .map_err(|error| format!("{name}: {error}"))?;
        let words = loaded
            .patched(decision)
            .map_err(|error| format!("{name}: {error}"))?;
        report.add_text(name, words, dump, |address| applied.label(address));
    }
    Ok(())
}
