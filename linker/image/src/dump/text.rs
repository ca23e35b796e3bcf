//! A dump as text.

use std::borrow::Cow;
use std::io;

use super::{Arm, Dump, Instruction, SiteDump, SiteKind};
use crate::code::Reference;
use crate::disasm;
use crate::listing::{self, Line};
use crate::style;

/// The width of the column of offsets.
const LABEL: usize = 4;

impl Dump {
    /// Writes the sites, at most `limit` of them (0 for all), original and replacement side by side,
    /// and a line with the counts. The text has colours, which a writer of `anstream` removes if the
    /// output is not a terminal.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn write_text(&self, out: &mut impl io::Write, limit: usize) -> io::Result<()> {
        let shown = if limit == 0 { self.sites.len() } else { limit };
        for site in self.sites.iter().take(shown) {
            write_site(out, site)?;
        }
        if self.sites.len() > shown {
            writeln!(out, "… and {} more sites", self.sites.len() - shown)?;
        }
        writeln!(out, "{}", self.summary_line())
    }

    fn summary_line(&self) -> String {
        let summary = &self.summary;
        let of = |here: usize, all: usize, what: &str| match here == all {
            true => format!("{all} {what}"),
            false => format!("{here} of {all} {what}"),
        };
        let mut line = format!(
            "{}, {}",
            of(summary.sites, summary.sites_in_image, "sites"),
            of(summary.records, summary.records_in_image, "records")
        );
        let kinds = [
            (summary.branches, "branches"),
            (summary.code, "with instructions"),
            (summary.callbacks, "with callbacks"),
            (summary.nops, "of NOPs"),
        ];
        let kinds = kinds.iter().filter(|(count, _)| *count > 0);
        let kinds: Vec<_> = kinds
            .map(|(count, kind)| format!("{count} {kind}"))
            .collect();
        if !kinds.is_empty() {
            line = format!("{line}: {}", kinds.join(", "));
        }
        if summary.refused > 0 {
            let refused = style::bad(format!("{} refused", summary.refused));
            line = format!("{line}; {refused}");
        }
        line
    }
}

fn write_site(out: &mut impl io::Write, site: &SiteDump) -> io::Result<()> {
    let address = format!("{:#x}", site.address);
    let place = site.place.as_deref().unwrap_or("outside the image");
    let section = site.section.as_deref().unwrap_or("no section");
    let kind = match site.kind {
        SiteKind::BranchLikely => "branch, likely",
        SiteKind::BranchUnlikely => "branch, unlikely",
        SiteKind::Atomic => "atomic",
        SiteKind::Alternative => "alternative",
    };
    let operation = site.operation.as_deref().map(|name| format!(" {name}"));
    let operation = operation.unwrap_or_default();
    let about = style::dim(format!("{section}, {kind}{operation}"));
    writeln!(out, "{}  {address}  {about}", style::strong(place))?;
    for arm in &site.arms {
        write_arm(out, site, arm)?;
    }
    writeln!(out)
}

fn write_arm(out: &mut impl io::Write, site: &SiteDump, arm: &Arm) -> io::Result<()> {
    writeln!(out, "{}", listing::heading(LABEL, &arm.condition))?;
    if let Some(callback) = &arm.callback {
        write!(out, "  {} {}", style::dim("callback"), callback.name)?;
        // In Linux's format they are one.
        match &callback.function {
            Some(function) if *function != callback.name => writeln!(out, " = {}", short(function)),
            _ => writeln!(out),
        }?;
    }
    for (index, before) in site.original.iter().enumerate() {
        let offset = 4 * index as u64;
        let label = format!("{:>LABEL$}", format!("+{offset:x}"));
        let text = text(before, site.address + offset);
        let before = line(before, &text);
        let after = arm.words.as_ref().and_then(|words| words.get(index));
        let row = match after {
            Some(after) => {
                let text = self::text(after, site.address + offset);
                listing::row(&label, before, line(after, &text))
            }
            None => listing::single(&label, before),
        };
        writeln!(out, "{row}")?;
    }
    match &arm.refused {
        Some(why) => writeln!(out, "  {} {why}", style::bad("refused:")),
        None => Ok(()),
    }
}

fn line<'a>(instruction: &Instruction, text: &'a str) -> Line<'a> {
    Line {
        word: instruction.word,
        text,
    }
}

/// The instruction with the name of its target, which is shorter than the address, if it has one.
fn text(instruction: &Instruction, address: u64) -> Cow<'_, str> {
    let named = || {
        let target = Reference::of(address, instruction.word)?.target;
        let text = disasm::strip_target(&instruction.text, target)?;
        Some(format!("{text}{}", short(instruction.target.as_deref()?)))
    };
    named().map_or(Cow::Borrowed(&instruction.text), Cow::Owned)
}

/// The last two parts of a path, which fit into a column.
fn short(place: &str) -> &str {
    let mut depth = 0_usize;
    let mut separators = 0;
    let bytes = place.as_bytes();
    for (index, byte) in bytes.iter().enumerate().rev() {
        match byte {
            // The `>` of `->` closes no bracket.
            b'>' if index.checked_sub(1).and_then(|i| bytes.get(i)) != Some(&b'-') => depth += 1,
            b'<' => depth = depth.saturating_sub(1),
            b':' if depth == 0 && bytes.get(index + 1) == Some(&b':') => {
                separators += 1;
                if separators == 2 {
                    return place.get(index + 2..).unwrap_or(place);
                }
            }
            _ => {}
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cut_between_parts() {
        for (place, expected) in [
            ("memcpy+0x10", "memcpy+0x10"),
            ("kernel::add", "kernel::add"),
            ("core::fmt::Formatter::pad+0x4", "Formatter::pad+0x4"),
            ("<a::T as b::U>::go", "<a::T as b::U>::go"),
            (
                "x::<a::T as b::U>::go::{closure#0}+0x8",
                "go::{closure#0}+0x8",
            ),
            ("a::b::<fn() -> c::D>::run", "<fn() -> c::D>::run"),
        ] {
            assert_eq!(short(place), expected);
        }
    }
}
