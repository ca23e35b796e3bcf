//! The tables as a whole.

use std::ops::Range;

use alt_diagnostic::Severity;
use alt_image::image::Section;
use alt_image::records::alt::WRITE;
use alt_image::records::{Format, Kind, Record, Site, Table};

use alt_linker::atomics::ROOM_SYMBOL;

use crate::context::Context;
use crate::ours::{self, Room};
use crate::rule::{ALT, ANY, Reporter, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "unsorted-table",
        severity: Severity::Error,
        formats: ALT,
        summary: "A table is sorted by site.",
        advice: "Let the linker sort the sections (SHF_LINK_ORDER): use neither KEEP nor SORT.",
        check: unsorted,
    },
    Rule {
        id: "overlapping-sites",
        severity: Severity::Error,
        formats: ANY,
        summary: "No instruction belongs to two sites.",
        advice: "Write each site with one macro; sites do not nest.",
        check: overlapping,
    },
    Rule {
        id: "table-bounds",
        severity: Severity::Error,
        formats: ANY,
        summary: "The bounds of a table are those of its section: no record is outside.",
        advice: "Use the bounds of the linker script of alt-linker, and define none by hand.",
        check: bounds,
    },
    Rule {
        id: "table-twice",
        severity: Severity::Error,
        formats: ALT,
        summary: "The image has each table once.",
        advice: "Place the tables with one script: drop `-Talternatives.x` from the link line, or \
                 `INCLUDE alternatives-init.x` from the linker script.",
        check: twice,
    },
    Rule {
        id: "plan-room",
        severity: Severity::Error,
        formats: ALT,
        summary: "The room for the plan has an entry for each instruction of each site.",
        advice: "INCLUDE alternatives-init.x, which computes its size from the sites; if the kernel \
                 provides the room, raise the N of its `Room<N>`.",
        check: plan_room,
    },
];

/// The size of a record of an alternative in bytes.
const RECORD: u64 = alt_runtime::record::Section::Alternatives.element_size();

/// Checks the order of the records. Those of one site are adjacent.
fn unsorted(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let is_branch = |kind| matches!(kind, Kind::Branch { .. });
    for of_branches in [true, false] {
        let list = context.records.list().iter();
        let mut table: Vec<_> = list
            .filter(|record| is_branch(record.kind) == of_branches)
            .collect();
        table.sort_by_key(|record| record.at);
        for pair in table.windows(2) {
            if pair[1].site < pair[0].site {
                let before = context.place(pair[0].site);
                let text = format!("its record comes after that of the site at {before}");
                reporter.report_cap(pair[1].site, pair[1].term.cap, text);
            }
        }
    }
}

fn overlapping(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let is_branch = |record: &&Record| matches!(record.kind, Kind::Branch { .. });
    let mut previous: Option<Site<'_>> = None;
    for site in context.records.sites() {
        let branches = site.records().iter().filter(is_branch).count();
        if branches != 0 && branches != site.records().len() {
            reporter.report(
                site.address(),
                "it has a branch record and a record of an alternative",
            );
        }
        if let Some(before) = previous.filter(|before| before.range().end > site.address()) {
            let (len, at) = (before.len() / 4, context.place(before.address()));
            let text = format!("it begins inside the site of {len} instructions at {at}");
            reporter.report(site.address(), text);
        }
        previous = Some(site);
    }
}

fn bounds(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let records = context.records;
    let tables: &[_] = match records.format {
        Format::Alt => &[
            &records.branches,
            &records.alternatives,
            &records.replacements,
            &records.callbacks,
            &records.plan,
        ],
        Format::Linux => &[&records.alternatives],
    };
    for table in tables {
        // A kernel's own script may put the table into a section of another name.
        let mut sections = sections(context, table.name);
        let (Some(section), None) = (sections.next(), sections.next()) else {
            continue;
        };
        let (range, all) = (&table.range, &section.range);
        // The same where a script of alt-linker has left an empty one.
        if all.is_empty() {
            continue;
        }
        let tail = tail(context, table);
        let ends = range.end <= all.end && all.end - range.end <= tail;
        if range.start != all.start || !ends {
            let text = format!(
                "{} is at {}, its bounds say {}",
                table.name,
                hex(all),
                hex(range)
            );
            reporter.report(all.start, text);
        }
    }
}

/// The largest number of bytes between the end of a table and the end of its section.
pub(super) fn tail(context: &Context<'_>, table: &Table) -> u64 {
    let records = context.records;
    match table.name {
        // The room for the plan ends with its page.
        name if name == records.plan.name => 4096,
        // Room for records that `alt finish` adds.
        name if name == records.alternatives.name => {
            let room = context.image.symbol(ROOM_SYMBOL).unwrap_or(0);
            room.saturating_mul(RECORD)
        }
        _ => 0,
    }
}

/// The sections of this name, in the order of the file.
pub(super) fn sections<'a>(
    context: &'a Context<'_>,
    name: &'static str,
) -> impl Iterator<Item = &'a Section> {
    let all = context.image.sections().iter();
    all.filter(move |section| section.loaded && section.name == name)
}

fn twice(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let records = context.records;
    for table in [
        &records.branches,
        &records.alternatives,
        &records.replacements,
        &records.callbacks,
        &records.plan,
    ] {
        let all: Vec<_> = sections(context, table.name).collect();
        // Two scripts create each section twice. If all of them are empty, no record is lost.
        if all.len() < 2 || all.iter().all(|section| section.range.is_empty()) {
            continue;
        }
        let sizes = all.iter().map(|section| {
            let (start, size) = (section.range.start, section.range.end - section.range.start);
            format!("{size} bytes at {start:#x}")
        });
        let text = format!(
            "the image has the table {} {} times, with {}; the patcher reads {}",
            table.name,
            all.len(),
            sizes.collect::<Vec<_>>().join(" and "),
            hex(&table.range),
        );
        reporter.report(all[0].range.start, text);
    }
}

fn hex(range: &Range<u64>) -> String {
    format!("{:#x} to {:#x}", range.start, range.end)
}

fn plan_room(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let words: u64 = context
        .records
        .sites()
        .map(|site| u64::from(site.len() / 4))
        .sum();
    let writes = |room: &Room| (room.part.range.end - room.part.range.start) / WRITE;
    let rooms = ours::rooms(context);
    // If there is no room, `not_checked` reports it.
    let Some(room) = rooms.iter().max_by_key(|room| writes(room)) else {
        return;
    };
    if writes(room) < words {
        let (named, writes) = (
            room.handed_in.as_deref().unwrap_or("the plan"),
            writes(room),
        );
        let text = format!("the sites have {words} instructions, {named} has room for {writes}");
        reporter.report(room.part.range.start, text);
    }
}
