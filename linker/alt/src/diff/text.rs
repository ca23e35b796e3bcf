//! The differences for a person.

use std::collections::HashMap;
use std::io::{self, Write};

use alt_image::diff::{Comparison, Difference};
use alt_image::disasm;
use alt_image::load::Loaded;
use alt_image::style;

use super::cpucaps::{Cpucaps, Source};
use super::{Against, Diff, Report};
use crate::output::count;

/// The number of sites of one cpucap in the other state that are shown as one line.
const MANY: usize = 8;

/// The number of cpucaps that are listed in a note.
const LISTED: usize = 8;

impl Diff {
    pub(super) fn write(
        &self,
        out: &mut dyn Write,
        opened: &Loaded,
        cpucaps: &Cpucaps,
        report: &Report,
    ) -> io::Result<()> {
        let comparison = &report.comparison;
        let together = together(&report.cpucaps.against);
        let cap_of: HashMap<u64, u16> = opened
            .records
            .sites()
            .filter_map(|site| match site.records() {
                [record] if together.contains_key(&record.term.cap) => {
                    Some((record.site, record.term.cap))
                }
                _ => None,
            })
            .collect();
        for against in together.values() {
            one_cap(out, against)?;
        }
        let others = comparison
            .differences
            .iter()
            .filter(|difference| !difference.site || !cap_of.contains_key(&difference.address));
        let others: Vec<_> = others.collect();
        let limit = match self.limit {
            0 => others.len(),
            limit => limit,
        };
        for difference in others.iter().take(limit) {
            one(out, difference)?;
        }
        if others.len() > limit {
            let more = others.len() - limit;
            writeln!(out, "… and {more} more; --limit 0 shows all")?;
        }
        notes(out, report)?;
        system(out, opened, cpucaps)?;
        sections(out, comparison)?;
        writeln!(
            out,
            "{} of {} words of {} differ, in {} and {}; {} not judged",
            comparison.words,
            comparison.compared,
            if self.sites { "sites" } else { "text" },
            count(comparison.sites(), "site"),
            count(
                comparison.differences.len() - comparison.sites(),
                "other place"
            ),
            count(comparison.left, "callback"),
        )
    }
}

/// The cpucaps with many sites in the other state, by number.
fn together(against: &[Against]) -> HashMap<u16, &Against> {
    let many = against
        .iter()
        .filter(|it| it.present.max(it.absent) >= MANY);
    many.map(|it| (it.cap, it)).collect()
}

fn one_cap(out: &mut dyn Write, against: &Against) -> io::Result<()> {
    let Against {
        name,
        present,
        absent,
        ..
    } = against;
    let (state, sites) = match present > absent {
        true => ("present", present),
        false => ("absent", absent),
    };
    let of = present + absent;
    writeln!(
        out,
        "{} {}: {sites} of {of} sites are as if it were {state}",
        style::bad("cpucap"),
        style::strong(name)
    )
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

/// The place where the text was found, and the words that the kernel writes by other means.
fn notes(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let note = style::doubtful("note");
    for found in &report.found {
        let (file, base) = (&found.file, found.base);
        writeln!(
            out,
            "{note}: the text was found in {file}: --base {base:#x}"
        )?;
    }
    if report.slide != 0 {
        let slide = report.slide as i64;
        let sign = if slide < 0 { "-" } else { "" };
        writeln!(
            out,
            "{note}: by its relocated pointers, the kernel runs at {sign}{:#x} from its link address",
            slide.unsigned_abs()
        )?;
    }
    let accounted = report.comparison.accounted.iter();
    let accounted: Vec<_> = accounted
        .map(|it| format!("{} {} ({} written)", it.words, it.means, it.changed))
        .collect();
    if !accounted.is_empty() {
        writeln!(
            out,
            "{note}: words that may have several values: {}",
            accounted.join(", ")
        )?;
    }
    Ok(())
}

/// The cpucaps that were not given, with the evidence.
fn system(out: &mut dyn Write, opened: &Loaded, cpucaps: &Cpucaps) -> io::Result<()> {
    let note = style::doubtful("note");
    match cpucaps.source {
        Source::Given => Ok(()),
        Source::Memory => writeln!(
            out,
            "{note}: {} in the dump has {} cpucaps: {}",
            cpucaps.symbol.unwrap_or_default(),
            cpucaps.names.len(),
            cpucaps.names.join(", ")
        ),
        Source::Words => {
            let evidence = cpucaps.evidence.0.iter();
            let texts = evidence.map(|(cap, votes)| {
                let name = opened.names.label(*cap);
                let of = votes.present + votes.absent + votes.neither;
                match votes.is_present() {
                    Some(true) => format!("{name} present in {} of {of}", votes.present),
                    Some(false) => format!("{name} absent in {} of {of}", votes.absent),
                    None => format!("{name} unknown by {of}"),
                }
            });
            let texts: Vec<_> = texts.collect();
            let more = texts.len().saturating_sub(LISTED);
            let listed = texts[..texts.len().min(LISTED)].join(", ");
            let more = match more {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            writeln!(
                out,
                "{note}: the cpucaps are concluded from the words of sites: {listed}{more}"
            )
        }
    }
}

fn sections(out: &mut dyn Write, comparison: &Comparison) -> io::Result<()> {
    let note = style::doubtful("note");
    for section in &comparison.sections {
        let name = &section.name;
        if section.given_back {
            writeln!(
                out,
                "{note}: {name} was not compared: the kernel has given its memory back"
            )?;
        } else if section.seems_other() {
            writeln!(
                out,
                "{note}: {} of {} words of {name} differ; if the kernel has given it back, leave it out by --skip {name}",
                section.differ, section.compared,
            )?;
        } else if section.compared == 0 && !section.skipped {
            writeln!(out, "{note}: nothing of {name} is in the dump")?;
        }
    }
    Ok(())
}
