//! The savings and costs of sorting by alignment, for `alt stats`.

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use alt_image::image::Image;
use alt_image::style;
use alt_linker::map;
use alt_linker::sorting::{self, Measure};
use alt_livepatch::archive::folder_of;
use serde::Serialize;

use crate::input::read;

/// Sections of an image, by the linker's map.
#[derive(Serialize)]
pub struct Sorting {
    sections: Vec<Section>,
}

#[derive(Serialize)]
struct Section {
    name: String,
    /// The number of input sections.
    inputs: usize,
    now: Order,
    overall: Order,
    within_files: Order,
}

#[derive(Serialize)]
struct Order {
    /// Bytes.
    padding: u64,
    calls: u64,
    /// Calls that stay in a page of 4 KiB.
    in_page: u64,
    /// Bytes.
    average_distance: u64,
}

impl From<Measure> for Order {
    fn from(measure: Measure) -> Self {
        Self {
            padding: measure.padding,
            calls: measure.calls,
            in_page: measure.in_page,
            average_distance: measure.average(),
        }
    }
}

/// `R_AARCH64_JUMP26`, `R_AARCH64_CALL26` (AAELF64, 5.7.9).
const CALLS: [u32; 2] = [282, 283];

impl Sorting {
    /// Measures an image by a map, or by the one that alt-ld has kept beside it; `None` if there is
    /// neither.
    pub fn new(
        path: &Path,
        image: &Image,
        map: Option<&PathBuf>,
    ) -> Result<Option<Self>, Box<dyn Error>> {
        let kept = folder_of(path).join("link.map");
        let file = match map {
            Some(map) => map,
            None if kept.is_file() => &kept,
            None => return Ok(None),
        };
        let text = read(file)?;
        let mut placed = map::parse(&String::from_utf8_lossy(&text));
        // A map names sections that are not loaded, too; and another image's are elsewhere.
        placed.retain(|one| {
            let section = image.section(&one.output);
            section.is_some_and(|section| section.loaded && section.range.contains(&one.address))
        });
        if placed.is_empty() {
            let file = file.display();
            return Err(format!("{file}: no map in lld's format (-Map) of this image").into());
        }
        let relocations = image.relocations().iter();
        let calls = relocations.filter(|relocation| CALLS.contains(&relocation.kind));
        let calls: Vec<_> = calls
            .map(|relocation| (relocation.at, relocation.target))
            .collect();
        let sections = sorting::measure(&placed, &calls).into_iter();
        Ok(Some(Self {
            sections: sections
                .map(|section| Section {
                    name: section.name,
                    inputs: section.inputs,
                    now: section.now.into(),
                    overall: section.overall.into(),
                    within_files: section.within_files.into(),
                })
                .collect(),
        }))
    }

    /// Writes a table: padding and calls, as linked and in both orders.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let heading = format!(
            "{:<22}{:>8}{:>24}{:>26}{:>26}",
            "sorted by alignment",
            "inputs",
            "bytes of padding",
            "calls in a page of 4 KiB",
            "average call in bytes"
        );
        writeln!(out, "\n{}", style::strong(heading))?;
        writeln!(
            out,
            "{:<30}{:>8}{:>8}{:>8}{:>10}{:>8}{:>8}{:>10}{:>8}{:>8}",
            "", "now", "overall", "files", "now", "overall", "files", "now", "overall", "files"
        )?;
        for section in &self.sections {
            let Section {
                now,
                overall,
                within_files,
                ..
            } = section;
            write!(
                out,
                "{:<22}{:>8}{:>8}{:>8}{:>8}",
                section.name, section.inputs, now.padding, overall.padding, within_files.padding
            )?;
            if now.calls == 0 {
                writeln!(out)?;
                continue;
            }
            writeln!(
                out,
                "{:>10}{:>8}{:>8}{:>10}{:>8}{:>8}",
                now.in_page,
                overall.in_page,
                within_files.in_page,
                now.average_distance,
                overall.average_distance,
                within_files.average_distance
            )?;
        }
        Ok(())
    }
}
