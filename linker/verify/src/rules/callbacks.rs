//! Callbacks are functions of the kernel.

use alt_diagnostic::Severity;
use alt_image::image::ELSEWHERE;
use alt_image::records::alt::{CALLBACK, function_of};
use alt_image::records::{Format, Kind};

use crate::context::Context;
use crate::rule::{ANY, Reporter, Rule};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "callback-not-text",
    severity: Severity::Error,
    formats: ANY,
    summary: "The function of a callback is in executable text.",
    advice: "Define the static by `callback!`, or name a function in `ALTERNATIVE_CB`, and check \
             that the linker script places the section of the function in the text.",
    check: not_text,
}];

fn not_text(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    match context.records.format {
        Format::Alt => {
            for callback in all(context) {
                match function(context, callback) {
                    Some(function) if is_text(context, function) => {}
                    Some(function) => {
                        let text = format!(
                            "the callback {} is at {}, which is not text",
                            context.place(callback),
                            context.place(function)
                        );
                        reporter.report(callback, text);
                    }
                    None => {
                        let text =
                            format!("the callback {} has no function", context.place(callback));
                        reporter.report(callback, text);
                    }
                }
            }
        }
        Format::Linux => {
            for record in context.records.list() {
                let Kind::Callback { address, .. } = record.kind else {
                    continue;
                };
                if !is_text(context, address) {
                    let text = format!(
                        "the callback of the site {} is at {}, which is not text",
                        context.place(record.site),
                        context.place(address)
                    );
                    reporter.report_cap(record.site, record.term.cap, text);
                }
            }
        }
    }
}

fn is_text(context: &Context<'_>, address: u64) -> bool {
    let image = context.image;
    // Functions of other objects have an address in the layout, but no instructions.
    let elsewhere = |name: &str| image.relocatable().is_some() && name == ELSEWHERE;
    let section = image.section_at(address);
    address.is_multiple_of(4)
        && (image.word(address).is_some() || section.is_some_and(|it| elsewhere(&it.name)))
}

/// The addresses of the callbacks in our table.
pub(super) fn all(context: &Context<'_>) -> impl Iterator<Item = u64> + use<> {
    let callbacks = context.records.callbacks.range.clone();
    callbacks.step_by(CALLBACK as usize)
}

/// Whether a callback of our table is at an address.
pub(super) fn is_one(context: &Context<'_>, address: u64) -> bool {
    let table = &context.records.callbacks.range;
    table.contains(&address) && (address - table.start).is_multiple_of(CALLBACK)
}

/// The function of the callback at an address; `None` when it has none.
pub(super) fn function(context: &Context<'_>, callback: u64) -> Option<u64> {
    let registered = context.records.callbacks.range.contains(&callback);
    function_of(context.image, callback).filter(|_| registered)
}
