//! Whether the demo succeeded: what the kernel says of itself, against what its memory says.

use super::Demo;
use qemu_tests::{
    LogLine, Result, Status, compare,
    facts::{Cap, Fact},
    sites::Record,
};
use std::collections::BTreeSet;

/// Why it failed, the first reason found; `None` when nothing contradicts.
pub(crate) fn reason(demo: &Demo, records: &[Record]) -> Result<Option<String>> {
    if let Some(reason) = said(demo).or_else(|| counted(demo)) {
        return Ok(Some(reason));
    }
    seen(demo, records)
}

/// What the kernel itself reports.
fn said(demo: &Demo) -> Option<String> {
    let from_facts = demo.facts.iter().find_map(|fact| match fact {
        Fact::PatchError(text) => Some(format!("the patcher refused the table: {text}")),
        Fact::Check(check) => check
            .failure
            .map(|why| format!("check {} {}: {why}", check.phase, check.name)),
        Fact::Wxorx { ok: false, text } => Some(format!("write protection: {text}")),
        _ => None,
    });
    let from_errors = || {
        let error = demo.run.log.iter().find(|line| line.is_error());
        error.map(|LogLine { message, .. }| message.clone())
    };
    let from_status = || match demo.run.outcome.status {
        Status::Ok => None,
        Status::Unfinished => Some("the kernel switched off before its end".into()),
        Status::Failed => Some("the kernel says so, but not why".into()),
        Status::Unknown(status) => Some(format!("the kernel ended with unknown status {status}")),
    };
    from_facts.or_else(from_errors).or_else(from_status)
}

/// Whether log, result and image count the same, and everything promised is in the log.
fn counted(demo: &Demo) -> Option<String> {
    let outcome = demo.run.outcome;
    let present = caps(demo).filter(|cap| cap.present).count();
    let patched = demo.facts.iter().map(|fact| match fact {
        Fact::Count { patched, .. } => *patched as usize,
        _ => 0,
    });
    for (what, logged, result) in [
        ("cpucaps detected", present, outcome.caps),
        ("sites in the image", demo.sites.len(), outcome.sites),
        ("sites patched", patched.sum(), outcome.patched),
    ] {
        if logged != result as usize {
            return Some(format!(
                "{what}: {logged}, but the kernel's result is {result}"
            ));
        }
    }
    let has = |wanted: fn(&Fact) -> bool| demo.facts.iter().any(wanted);
    for (what, there) in [
        ("cpu", has(|fact| matches!(fact, Fact::Cpu { .. }))),
        ("check", has(|fact| matches!(fact, Fact::Check(_)))),
        ("wxorx", has(|fact| matches!(fact, Fact::Wxorx { .. }))),
        ("report", has(|fact| matches!(fact, Fact::Report(_)))),
    ] {
        if !there {
            return Some(format!("the kernel logged no `{what}` line"));
        }
    }
    None
}

/// Whether memory holds what the cpucaps ask for, and nothing else has changed.
fn seen(demo: &Demo, records: &[Record]) -> Result<Option<String>> {
    let (before, after) = (&demo.run.before, &demo.run.after);
    let place = |address| match demo.image.place(address) {
        Some(place) => format!("{address:#x} {place}"),
        None => format!("{address:#x}"),
    };
    let outside = compare::outside_sites(demo.image, before, after, records)?;
    if let Some(change) = outside.first() {
        return Ok(Some(format!(
            "{} words of the text changed that are no site, the first at {}",
            outside.len(),
            place(change.address)
        )));
    }
    let present: BTreeSet<u16> = caps(demo)
        .filter(|cap| cap.present)
        .map(|cap| cap.number)
        .collect();
    let wrong = compare::wrong_sites(demo.sites, &present, before, after)?;
    if let Some(site) = wrong.first() {
        return Ok(Some(format!(
            "{} sites do not hold what their condition asks for, the first at {}",
            wrong.len(),
            place(site.address)
        )));
    }
    let winners = demo
        .sites
        .iter()
        .filter(|site| site.winner(&present).is_some());
    let (winners, patched) = (winners.count(), demo.run.outcome.patched as usize);
    Ok((winners != patched).then(|| {
        format!("{winners} sites have an arm that holds, but the kernel patched {patched}")
    }))
}

fn caps<'a>(demo: &'a Demo) -> impl Iterator<Item = &'a Cap<'a>> {
    demo.facts.iter().filter_map(|fact| match fact {
        Fact::Cap(cap) => Some(cap),
        _ => None,
    })
}
