//! Whether the demo succeeded: compares the kernel's report with its memory.

use super::{Demo, hypervisor};
use qemu_tests::{LogLine, Outcome, Result, Run, Status, compare, facts::Fact, sites::Record};
use std::collections::BTreeSet;

/// The first reason for a failure; `None` if the demo succeeded.
pub(crate) fn reason(demo: &Demo, records: &[Record]) -> Result<Option<String>> {
    let Run { log, outcome, .. } = demo.run;
    let said = said(&demo.facts, log, outcome.status);
    let of_hypervisor = || hypervisor::reason(&demo.facts, demo.el2);
    let counted = || counted(&demo.facts, demo.sites.len(), *outcome);
    match said.or_else(of_hypervisor).or_else(counted) {
        Some(reason) => Ok(Some(reason)),
        None => seen(demo, records),
    }
}

/// The kernel's own report.
fn said(facts: &[Fact], log: &[LogLine], status: Status) -> Option<String> {
    let from_facts = facts.iter().find_map(|fact| match fact {
        Fact::PatchError(text) => Some(format!("the patcher refused the table: {text}")),
        Fact::Check(check) => check
            .failure
            .map(|why| format!("check {} {}: {why}", check.phase, check.name)),
        Fact::Wxorx { ok: false, text } => Some(format!("write protection: {text}")),
        _ => None,
    });
    let from_errors = || {
        let error = log.iter().find(|line| line.is_error());
        error.map(|line| line.message.clone())
    };
    let from_status = || match status {
        Status::Ok => None,
        Status::Unfinished => Some("the kernel switched off before its end".into()),
        Status::Failed => Some("the kernel reports a failure without a reason".into()),
        Status::Unknown(status) => Some(format!("the kernel ended with unknown status {status}")),
    };
    from_facts.or_else(from_errors).or_else(from_status)
}

/// Whether the counts in log, result and image are equal, and no line is missing in the log.
fn counted(facts: &[Fact], sites: usize, outcome: Outcome) -> Option<String> {
    let patched = facts.iter().map(|fact| match fact {
        Fact::Count { patched, .. } => *patched as usize,
        _ => 0,
    });
    for (what, counted, result) in [
        ("cpucaps detected", present(facts).len(), outcome.caps),
        ("sites in the image", sites, outcome.sites),
        ("sites patched", patched.sum(), outcome.patched),
    ] {
        if counted != result as usize {
            return Some(format!(
                "{what}: {counted}, but the kernel's result is {result}"
            ));
        }
    }
    let has = |wanted: fn(&Fact) -> bool| facts.iter().any(wanted);
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

/// Whether memory fits the cpucaps, and nothing else has changed.
fn seen(demo: &Demo, records: &[Record]) -> Result<Option<String>> {
    let (before, after) = (&demo.run.before, &demo.run.after);
    let place = |address| match demo.image.place(address) {
        Some(place) => format!("{address:#x} {place}"),
        None => format!("{address:#x}"),
    };
    let gone = &demo.freed;
    if let Some(address) = gone.left(after)? {
        return Ok(Some(format!(
            "{} was freed but has its old contents",
            place(address)
        )));
    }
    let mut outside = compare::outside_sites(demo.image, before, after, records)?;
    outside.retain(|change| !gone.holds(change.address));
    if let Some(change) = outside.first() {
        return Ok(Some(format!(
            "{} words of the text outside of sites changed, the first at {}",
            outside.len(),
            place(change.address)
        )));
    }
    let present = present(&demo.facts);
    let mut wrong = compare::wrong_sites(demo.sites, &present, before, after)?;
    wrong.retain(|site| !gone.holds(site.address));
    if let Some(site) = wrong.first() {
        return Ok(Some(format!(
            "{} sites do not fit their condition, the first at {}",
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

/// The numbers of the cpucaps that are present.
pub(crate) fn present(facts: &[Fact]) -> BTreeSet<u16> {
    let caps = facts.iter().filter_map(|fact| match fact {
        Fact::Cap(cap) if cap.present => Some(cap.number),
        _ => None,
    });
    caps.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use qemu_tests::{Level, facts};

    /// A log without fault, and the result that goes with it.
    const LOG: [&str; 7] = [
        "cpu midr=0x414fd0b1",
        "cap 0 LSE system yes ID_AA64ISAR0_EL1.Atomic=2",
        "cap 1 SB system no ID_AA64ISAR1_EL1.SB=0",
        "count LSE sites=3 patched=2",
        "check after atomic ok",
        "wxorx ok the store faulted",
        "report patched=2",
    ];
    const OUTCOME: Outcome = Outcome {
        status: Status::Ok,
        caps: 1,
        sites: 3,
        patched: 2,
    };

    fn judge(log: &[LogLine], sites: usize, outcome: Outcome) -> Option<String> {
        let facts: Vec<_> = facts::read(log).collect();
        said(&facts, log, outcome.status).or_else(|| counted(&facts, sites, outcome))
    }

    fn log() -> Vec<LogLine> {
        LOG.iter()
            .map(|message| line(Level::Info, message))
            .collect()
    }

    fn line(level: Level, message: &str) -> LogLine {
        LogLine {
            level: Some(level),
            message: message.into(),
        }
    }

    #[test]
    fn log_without_fault_is_accepted() {
        assert_eq!(judge(&log(), 3, OUTCOME), None);
    }

    #[test]
    fn reasons_are_found_in_the_log() {
        for (level, message, reason) in [
            (
                Level::Info,
                "check after crc32 FAILED 1, not 2",
                "check after crc32: 1, not 2",
            ),
            (
                Level::Info,
                "wxorx FAILED no fault",
                "write protection: no fault",
            ),
            (
                Level::Info,
                "patch-error overlap",
                "the patcher refused the table: overlap",
            ),
            (Level::Error, "CPU 1 is missing", "CPU 1 is missing"),
        ] {
            let mut log = log();
            log.push(line(level, message));
            assert_eq!(judge(&log, 3, OUTCOME).as_deref(), Some(reason));
        }
    }

    #[test]
    fn status_counts_without_a_word() {
        for status in [Status::Unfinished, Status::Failed, Status::Unknown(9)] {
            assert!(
                judge(&log(), 3, Outcome { status, ..OUTCOME }).is_some(),
                "{status:?}"
            );
        }
    }

    #[test]
    fn counts_must_agree() {
        for (sites, outcome) in [
            (4, OUTCOME),
            (3, Outcome { caps: 2, ..OUTCOME }),
            (
                3,
                Outcome {
                    sites: 2,
                    ..OUTCOME
                },
            ),
            (
                3,
                Outcome {
                    patched: 3,
                    ..OUTCOME
                },
            ),
        ] {
            assert!(
                judge(&log(), sites, outcome).is_some(),
                "{sites} {outcome:?}"
            );
        }
    }

    #[test]
    fn missing_lines_are_missed() {
        for (index, line) in LOG.iter().enumerate() {
            let mut log = log();
            // An absent cpucap is the one line that nothing else depends on.
            let counts = !log.remove(index).message.contains(" no ");
            assert_eq!(judge(&log, 3, OUTCOME).is_some(), counts, "{line}");
        }
    }
}
