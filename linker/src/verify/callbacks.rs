//! Callbacks are functions of the kernel.

use super::{ANY, Reporter, Rule, Severity, Subject};
use crate::records::alt::{CALLBACK, function_of};
use crate::records::{Format, Kind};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "callback-not-text",
    severity: Severity::Error,
    formats: ANY,
    summary: "The function of a callback is in executable text.",
    advice: "Let `callback!` make the static, or `ALTERNATIVE_CB` name a function, and look \
             whether the linker script puts the function's section where text is.",
    check: not_text,
}];

fn not_text(subject: &Subject<'_>, reporter: &mut Reporter<'_>) {
    match subject.records.format {
        Format::Alt => {
            for callback in all(subject) {
                match function(subject, callback) {
                    Some(function) if is_text(subject, function) => {}
                    Some(function) => {
                        let text = format!(
                            "the callback {} is at {}, which is no text",
                            subject.place(callback),
                            subject.place(function)
                        );
                        reporter.report(callback, text);
                    }
                    None => {
                        let text =
                            format!("the callback {} has no function", subject.place(callback));
                        reporter.report(callback, text);
                    }
                }
            }
        }
        Format::Linux => {
            for record in subject.records.list() {
                let Kind::Callback { address, .. } = record.kind else {
                    continue;
                };
                if !is_text(subject, address) {
                    let text = format!(
                        "the callback of the site {} is at {}, which is no text",
                        subject.place(record.site),
                        subject.place(address)
                    );
                    reporter.report_cap(record.site, record.term.cap, text);
                }
            }
        }
    }
}

fn is_text(subject: &Subject<'_>, address: u64) -> bool {
    address.is_multiple_of(4) && subject.image.word(address).is_some()
}

/// The addresses of the callbacks in our table.
pub(super) fn all(subject: &Subject<'_>) -> impl Iterator<Item = u64> + use<> {
    let callbacks = subject.records.callbacks.range.clone();
    callbacks.step_by(CALLBACK as usize)
}

/// Whether a callback of our table is at an address.
pub(super) fn is_one(subject: &Subject<'_>, address: u64) -> bool {
    let table = &subject.records.callbacks.range;
    table.contains(&address) && (address - table.start).is_multiple_of(CALLBACK)
}

/// The function of the callback at an address; `None` when it has none.
pub(super) fn function(subject: &Subject<'_>, callback: u64) -> Option<u64> {
    let registered = subject.records.callbacks.range.contains(&callback);
    function_of(subject.image, callback).filter(|_| registered)
}
