//! The kernel maps everything that the patcher uses, with the necessary permissions.
//!
//! Many kernels map their pages by symbols of the linker script, and use the memory after the last one as
//! heap. Only these symbols show this in an image.

use std::ops::Range;

use alt_diagnostic::Severity;
use alt_image::image::Segment;

use crate::bounds::{Bounds, KernelBounds};
use crate::config::Places;
use crate::context::Context;
use crate::ours::{self, Fragment, Part, Room};
use crate::rule::{ALT, Reporter, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "outside-image",
        severity: Severity::Error,
        formats: ALT,
        summary: "Tables, the room for the plan and the code of the patcher are before the end symbol of the kernel, and in a loaded segment.",
        advice: PLACE_TABLES,
        check: outside,
    },
    Rule {
        id: "room-not-writable",
        severity: Severity::Error,
        formats: ALT,
        summary: "The room for the plan is outside of the bounds of text and read-only data, and in a writable segment.",
        advice: PASS_ROOM,
        check: not_writable,
    },
    Rule {
        id: "tables-outside-bounds",
        severity: Severity::Warning,
        formats: ALT,
        summary: "If the kernel has bounds of its read-only data, the tables are between them, or between those of another part.",
        advice: PLACE_TABLES,
        check: tables,
    },
    Rule {
        id: "code-outside-bounds",
        severity: Severity::Error,
        formats: ALT,
        summary: "The code of the patcher is between the bounds of the kernel's text, and in an executable segment.",
        advice: "Place its sections in the output section of the text: `*(.text .text.*)`. If the \
                 kernel maps other text too, state that in the rules file: [[bounds]] of = \
                 \"text\".",
        check: code,
    },
    Rule {
        id: "site-outside-bounds",
        severity: Severity::Warning,
        formats: ALT,
        summary: "A site is between the bounds of the kernel's text, and in an executable segment.",
        advice: "Place its section between the bounds, or pass its range to the patcher \
                 (`Image::of_text`) and state it in the rules file: [[bounds]] of = \"text\".",
        check: sites,
    },
];

/// The advice if the image uses no script of alt-linker.
const PLACE_TABLES: &str = "Place the tables in the linker script, before the kernel's end \
                            symbol: INCLUDE alternatives-init.x, or link with -Talternatives.x, \
                            which puts them behind .rodata.";
const PASS_ROOM: &str = "Pass the room to `Image::with_room`: `static ROOM: Room<N> = Room::new();`, \
                         which is in .bss. Or INCLUDE alternatives-init.x in the linker script where \
                         the kernel maps memory writable.";
/// The advice if the script includes alternatives-init.x.
const MOVE_FRAGMENT: &str = "Move `INCLUDE alternatives-init.x` to a place that the kernel maps, \
                             before its end symbol; the room is its last section, and must be \
                             writable. Or remove it, link with -Talternatives.x, and pass the room to \
                             `Image::with_room`: `static ROOM: Room<N>`.";
/// The advice if the tables are after .rodata.
const MOVE_RODATA: &str = "-Talternatives.x places the tables after .rodata: move the symbol that \
                           ends the read-only data after them, or remove -Talternatives.x and INCLUDE \
                           alternatives-init.x.";
/// The advice for a static of the kernel.
const MOVE_STATIC: &str = "Leave the static in .bss, and place `*(.bss .bss.*)` in an output section \
                           that the kernel maps writable.";
const MOVE_CODE: &str = "Place the section in the output section of the text: `*(.text .text.*)`.";

/// A permission of a segment.
type Right = fn(&Segment) -> bool;

/// The addresses of the segments that have a permission.
fn with_right(context: &Context<'_>, right: Right) -> Places {
    let segments = context.image.segments().iter();
    Places::new(
        segments
            .filter(|segment| right(segment))
            .map(|segment| segment.range.clone()),
    )
}

/// The advice for tables, by the script that placed them.
fn of_tables(context: &Context<'_>) -> &'static str {
    match ours::fragment(context) {
        Fragment::Init => MOVE_FRAGMENT,
        Fragment::Rodata => MOVE_RODATA,
        Fragment::Absent => PLACE_TABLES,
    }
}

/// The advice for a room, by its origin.
fn of_room(context: &Context<'_>, room: &Room) -> &'static str {
    match (&room.handed_in, ours::fragment(context)) {
        (Some(_), _) => MOVE_STATIC,
        (None, Fragment::Init) => MOVE_FRAGMENT,
        (None, Fragment::Rodata | Fragment::Absent) => PASS_ROOM,
    }
}

fn outside(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let bounds = context.kernel_bounds();
    let loaded = with_right(context, |_| true);
    let wrong = |range: &Range<u64>| {
        if let Some(end) = bounds.end.as_ref().filter(|end| range.end > end.address) {
            let (symbol, at) = (&end.symbol, end.address);
            return Some(format!(
                "is not before `{symbol}` ({at:#x}), where the kernel ends: the memory after it is \
                 not mapped, or has another use"
            ));
        }
        let is_loaded = loaded.is_empty() || loaded.covers(range);
        (!is_loaded).then(|| "is in no segment that is loaded".into())
    };
    let mut report = |part: &Part, advice| {
        if let Some(wrong) = wrong(&part.range) {
            let text = format!("{} {wrong}", located(part));
            reporter.report_advice(part.range.start, text, advice);
        }
    };
    for part in ours::tables(context) {
        report(&part, of_tables(context));
    }
    for room in ours::rooms(context) {
        report(&room.part, of_room(context, &room));
    }
    let is_outside = |part: &Part| wrong(&part.range).is_some();
    for part in by_section(context, ours::functions(context).filter(is_outside)) {
        report(&part, MOVE_CODE);
    }
}

fn not_writable(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let bounds = context.kernel_bounds();
    let writable = with_right(context, |segment| segment.writable);
    // If the image has no patcher, the room that the script reserves need not be writable.
    let patcher = ours::functions(context).next().is_some();
    let protected: Vec<_> = bounds.read_only.iter().chain(&bounds.text).collect();
    for room in ours::rooms(context) {
        let range = &room.part.range;
        let overlaps =
            |bounds: &&&Bounds| bounds.range.start < range.end && range.start < bounds.range.end;
        let wrong = match protected.iter().find(overlaps) {
            Some(bounds) => format!("is {}, which a kernel maps read-only", bounds.said_by),
            None if context.image.segments().is_empty() || writable.covers(range) => continue,
            None if room.handed_in.is_none() && !patcher => continue,
            None => "is in no writable segment".into(),
        };
        let text = format!("{} {wrong}", located(&room.part));
        reporter.report_advice(range.start, text, of_room(context, &room));
    }
}

fn tables(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let bounds = context.kernel_bounds();
    if bounds.read_only.is_empty() {
        return;
    }
    let parts = [&bounds.text, &bounds.read_only, &bounds.data, &bounds.init];
    let mapped = pages(parts.into_iter().flatten());
    let end = bounds.end.as_ref().map_or(u64::MAX, |end| end.address);
    let advice = of_tables(context);
    for part in ours::tables(context) {
        // `outside-image` reports tables after the end of the kernel.
        if mapped.covers(&part.range) || part.range.end > end {
            continue;
        }
        let text = format!(
            "{} is not {}, nor between the bounds of another part of the kernel: a kernel that maps \
             its pages by these symbols does not map it",
            located(&part),
            said_by(&bounds.read_only),
        );
        reporter.report_advice(part.range.start, text, advice);
    }
}

/// The pages, of the smallest granule, that contain some parts.
fn pages<'a>(parts: impl Iterator<Item = &'a Bounds>) -> Places {
    const PAGE: u64 = 4096;
    Places::new(parts.map(|part| {
        let start = part.range.start - part.range.start % PAGE;
        start
            ..part
                .range
                .end
                .checked_next_multiple_of(PAGE)
                .unwrap_or(part.range.end)
    }))
}

fn code(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let bounds = context.kernel_bounds();
    // Init text is mapped like other text until it is freed.
    let text = pages(bounds.text.iter().chain(&bounds.init));
    let executable = with_right(context, |segment| segment.executable);
    let end = bounds.end.as_ref().map_or(u64::MAX, |end| end.address);
    let wrong = |range: &Range<u64>| {
        // `outside-image` reports this.
        if range.end > end {
            return None;
        }
        outside_text(context, bounds, &text, &executable, range)
    };
    let functions = ours::functions(context).filter(|part| wrong(&part.range).is_some());
    for part in by_section(context, functions) {
        if let Some(wrong) = wrong(&part.range) {
            reporter.report(part.range.start, format!("{} {wrong}", located(&part)));
        }
    }
}

fn sites(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let bounds = context.kernel_bounds();
    // Not whole pages: the kernel passes the symbols themselves to the patcher.
    let text = bounds.text.iter().chain(&bounds.init);
    let text = Places::new(text.map(|part| part.range.clone()));
    let executable = with_right(context, |segment| segment.executable);
    for site in context.records.sites() {
        let range = site.range();
        // `site-outside-text` reports a site that is not text.
        if !context.image.is_text_for(range.start, site.len().into()) {
            continue;
        }
        if let Some(wrong) = outside_text(context, bounds, &text, &executable, &range) {
            let place = context.place(range.start);
            let text = format!("the site at {place} {wrong}");
            reporter.report_cap(range.start, site.first().term.cap, text);
        }
    }
}

/// Why a range cannot be executed at its address.
fn outside_text(
    context: &Context<'_>,
    bounds: &KernelBounds,
    text: &Places,
    executable: &Places,
    range: &Range<u64>,
) -> Option<String> {
    if !bounds.text.is_empty() && !text.covers(range) {
        return Some(format!("is not {}", said_by(&bounds.text)));
    }
    let has_right = context.image.segments().is_empty() || executable.covers(range);
    (!has_right).then(|| "is in no executable segment".into())
}

/// The descriptions of the first three bounds.
fn said_by(bounds: &[Bounds]) -> String {
    let words: Vec<_> = bounds.iter().take(3).map(|b| b.said_by.as_str()).collect();
    words.join(", nor ")
}

fn located(part: &Part) -> String {
    let (start, end) = (part.range.start, part.range.end);
    format!("{} {start:#x} to {end:#x}", part.what)
}

/// One part for all functions of a section, so that each section is reported once.
fn by_section(context: &Context<'_>, functions: impl Iterator<Item = Part>) -> Vec<Part> {
    let mut parts: Vec<(String, Part, usize)> = Vec::new();
    for function in functions {
        let section = context.image.section_at(function.range.start);
        let section = section.map_or_else(String::new, |section| section.name.clone());
        match parts.iter_mut().find(|(name, ..)| *name == section) {
            Some((_, _, more)) => *more += 1,
            None => parts.push((section, function, 0)),
        }
    }
    let words = parts.into_iter().map(|(section, function, more)| {
        let others = match more {
            0 => String::new(),
            more => format!(" and {more} more functions"),
        };
        Part {
            what: format!("{}{others} in {section},", function.what),
            range: function.range,
        }
    });
    words.collect()
}
