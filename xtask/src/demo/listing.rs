//! A few sites, before and after, side by side. The words are those read from guest memory, as
//! loaded and after the kernel has switched off.

use super::{Demo, heading};
use crate::style;
use alt_image::listing::{self, Line};
use anstream::println;
use qemu_tests::{
    Memory, Result, disasm,
    facts::Fact,
    sites::{Site, SiteKind},
};
use std::{collections::BTreeSet, mem};

/// Number of sites that are shown.
const SITES: usize = 8;

/// The longest sequence that is shown.
const LINES: usize = 12;

/// Shows some sites of different kinds and cpucaps.
pub(crate) fn show(demo: &Demo) -> Result<()> {
    let shown = choose(demo)?;
    heading(&format!(
        "{} of {} sites, as loaded | as left",
        shown.len(),
        demo.sites.len()
    ));
    for site in shown {
        show_site(demo, site)?;
    }
    Ok(())
}

/// Sites that changed before those that did not, each cpucap and kind once before any of them
/// twice, branches and alternatives in turn. If the hypervisor runs, one is a callback's in it: the
/// branch from its vectors to their handler.
fn choose<'a>(demo: &Demo<'a>) -> Result<Vec<&'a Site>> {
    let mut ranked = Vec::new();
    let mut seen = BTreeSet::new();
    let mut has_hypervisor = false;
    for changed in [true, false] {
        let mut turn = [0_usize; 2];
        let gone = |site: &&Site| demo.freed.holds(site.address);
        for site in demo.sites.iter().filter(|site| !gone(site)) {
            let before = words(&demo.run.before, site)?;
            if (before != words(&demo.run.after, site)?) == changed {
                let branch = matches!(site.records[0].kind, SiteKind::Branch { .. });
                let again = !seen.insert((branch, site.records[0].condition.cap));
                turn[usize::from(branch)] += 1;
                let is_first = matches!(site.records[0].kind, SiteKind::Callback { .. })
                    && changed
                    && is_hypervisor(demo, site)
                    && !mem::replace(&mut has_hypervisor, true);
                let rank = (!is_first, again, !changed, turn[usize::from(branch)]);
                ranked.push((rank, site));
            }
        }
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.truncate(SITES);
    let mut shown: Vec<_> = ranked.into_iter().map(|(_, site)| site).collect();
    shown.sort_by_key(|site| site.address);
    Ok(shown)
}

fn is_hypervisor(demo: &Demo, site: &Site) -> bool {
    let mut sections = demo.image.sections().iter();
    sections
        .any(|section| section.name.starts_with(".hyp.") && section.range.contains(&site.address))
}

fn show_site(demo: &Demo, site: &Site) -> Result<()> {
    let place = demo.image.place(site.address);
    let place = place.map_or_else(|| "?".into(), |place| place.to_string());
    println!(
        "\n{}  {}",
        style::heading(place),
        style::faint(describe(demo, site))
    );

    let (before, after) = (
        words(&demo.run.before, site)?,
        words(&demo.run.after, site)?,
    );
    for (index, (before, after)) in before.iter().zip(&after).enumerate().take(LINES) {
        let address = site.address + 4 * index as u64;
        let text = |word| disasm::instruction(word, address);
        let (old, new) = (text(*before), text(*after));
        let line = |word, text| Line { word, text };
        let (old, new) = (line(*before, &*old), line(*after, &*new));
        println!("{}", listing::row(&format!("{address:x}"), old, new));
    }
    if before.len() > LINES {
        println!("  ... {} more", before.len() - LINES);
    }
    Ok(())
}

/// Kind and conditions: `branch, unlikely LSE`, `alternative, A & !B, else C`.
fn describe(demo: &Demo, site: &Site) -> String {
    let kind = match site.records[0].kind {
        SiteKind::Branch { likely: true, .. } => "branch, likely ",
        SiteKind::Branch { likely: false, .. } => "branch, unlikely ",
        SiteKind::Alternative { .. } => "alternative, ",
        SiteKind::Callback { .. } => "callback, ",
        SiteKind::Nops { .. } => "nops, ",
    };
    let mut text = String::from(kind);
    for (index, record) in site.records.iter().enumerate() {
        let condition = record.condition;
        if condition.negated {
            text.push('!');
        }
        text.push_str(&cap_name(demo, condition.cap));
        if index + 1 < site.records.len() {
            text.push_str(if condition.and_next { " & " } else { ", else " });
        }
    }
    text
}

fn cap_name(demo: &Demo, number: u16) -> String {
    let name = demo.facts.iter().find_map(|fact| match fact {
        Fact::Cap(cap) if cap.number == number => Some(cap.name.to_owned()),
        _ => None,
    });
    name.unwrap_or_else(|| format!("cpucap {number}"))
}

fn words(memory: &Memory, site: &Site) -> Result<Vec<u32>> {
    let range = site.range();
    memory.words(range.start, ((range.end - range.start) / 4) as usize)
}
