//! The table is as the linker left it.

use alt_diagnostic::Severity;
use alt_image::image::Relocation;
use alt_image::records::{Kind, Record};

use crate::context::Context;
use crate::rule::{ANY, Reporter, Rule};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "record-relocation",
    severity: Severity::Error,
    formats: ANY,
    summary: "Records agree with their relocations, if the linker kept these.",
    advice: "Link again; a tool that changes the table after the link must also change or remove \
             its relocations.",
    check,
}];

fn check(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let records = context.records;
    let kept =
        |range: &std::ops::Range<u64>| !context.image.relocations_in(range.clone()).is_empty();
    let (branches, alternatives) = (
        kept(&records.branches.range),
        kept(&records.alternatives.range),
    );
    for record in records.list() {
        let in_branches = records.branches.range.contains(&record.at);
        if !(if in_branches { branches } else { alternatives }) {
            continue;
        }
        let wrong = field(context, record.at, true, "site").or_else(|| {
            let branch = matches!(record.kind, Kind::Branch { .. });
            (!branch)
                .then(|| field(context, record.at + 4, false, "replacement"))
                .flatten()
        });
        if let Some(wrong) = wrong {
            report(reporter, record, wrong);
        }
    }
}

fn report(reporter: &mut Reporter<'_>, record: &Record, wrong: String) {
    let text = format!("the record at {:#x}: {wrong}", record.at);
    reporter.report_cap(record.at, record.term.cap, text);
}

/// What is wrong with the self-relative field of 32 bits at an address.
fn field(context: &Context<'_>, at: u64, required: bool, what: &str) -> Option<String> {
    let bytes = context.records.bytes(context.image, at, 4)?;
    let offset = i32::from_le_bytes(bytes.try_into().ok()?);
    let says = at.wrapping_add_signed(offset.into());
    let relocations = context.image.relocations_in(at..at + 1);
    match relocations.iter().find(is_prel32) {
        Some(kept) if kept.target == says => None,
        Some(kept) => Some(format!(
            "its {what} is {}, but the linker made it {}",
            context.place(says),
            context.place(kept.target)
        )),
        None if required => Some(format!(
            "its {what} is {}, but the linker has made no such record",
            context.place(says)
        )),
        None => None,
    }
}

/// `R_AARCH64_PREL32`
fn is_prel32(relocation: &&Relocation) -> bool {
    relocation.kind == 261
}
