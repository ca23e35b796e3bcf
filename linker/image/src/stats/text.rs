//! Statistics as text.

use std::io;

use super::{Group, Layout, Stats};
use crate::style;

/// The minimum width of the column of names.
const NAME: usize = 14;

impl Stats {
    /// Writes tables: bytes per site by kind, bytes by cpucap, and the sums. The text has colours,
    /// which a writer of `anstream` removes if the output is not a terminal.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn write_text(&self, out: &mut impl io::Write) -> io::Result<()> {
        self.write_kinds(out)?;
        writeln!(out)?;
        self.write_caps(out)?;
        writeln!(out)?;
        self.write_totals(out)
    }

    /// The bytes per site, by kind.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn write_kinds(&self, out: &mut impl io::Write) -> io::Result<()> {
        self.heading(out, "bytes per site", "kind", NAME)?;
        for group in &self.kinds {
            let sites = group.sites.max(1) as f64;
            row(out, NAME, group, |bytes| {
                format!("{:.1}", bytes as f64 / sites)
            })?;
        }
        Ok(())
    }

    /// The bytes by cpucap.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn write_caps(&self, out: &mut impl io::Write) -> io::Result<()> {
        let names = self.caps.iter().map(|group| group.name.len());
        let width = names.max().unwrap_or_default().max(NAME);
        self.heading(out, "bytes", "cpucap", width)?;
        for group in &self.caps {
            row(out, width, group, |bytes| bytes.to_string())?;
        }
        Ok(())
    }

    /// The sums in both layouts.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn write_totals(&self, out: &mut impl io::Write) -> io::Result<()> {
        write_layout(out, "this image", &self.here)?;
        writeln!(out)?;
        write_layout(out, self.other(), &self.there)
    }

    fn other(&self) -> &'static str {
        match self.there.format.as_str() {
            "linux" => "Linux's layout",
            _ => "our layout",
        }
    }

    fn heading(
        &self,
        out: &mut impl io::Write,
        what: &str,
        names: &str,
        width: usize,
    ) -> io::Result<()> {
        let here = format!("{:>16}", "this image");
        let there = format!("{:>18}", self.other());
        let line = format!("{what:<width$}{:>22}{here}{there}", "");
        writeln!(out, "{}", style::strong(line))?;
        writeln!(
            out,
            "{names:<width$}{:>6}{:>8}{:>8}{:>8}{:>8}{:>10}{:>8}",
            "sites", "records", "text", "table", "arms", "table", "arms"
        )
    }
}

fn row(
    out: &mut impl io::Write,
    width: usize,
    group: &Group,
    number: impl Fn(u64) -> String,
) -> io::Result<()> {
    let number = |split: super::Split| number(split.total());
    writeln!(
        out,
        "{:<width$}{:>6}{:>8}{:>8}{:>8}{:>8}{:>10}{:>8}",
        group.name,
        group.sites,
        group.records,
        number(group.text),
        number(group.here.table),
        number(group.here.replacements),
        number(group.there.table),
        number(group.there.replacements),
    )
}

fn write_layout(out: &mut impl io::Write, what: &str, layout: &Layout) -> io::Result<()> {
    let heading = format!("{what:<22}{:>12}{:>12}", "freed", "resident");
    writeln!(out, "{}", style::strong(heading))?;
    for part in &layout.parts {
        let note = match part.in_file {
            true => "",
            false => "   not in the file",
        };
        let (init, resident) = (part.bytes.init, part.bytes.resident);
        writeln!(out, "{:<22}{init:>12}{resident:>12}{note}", part.name)?;
    }
    let total = layout.total;
    writeln!(
        out,
        "{:<22}{:>12}{:>12}",
        "in all", total.init, total.resident
    )
}
