//! A finished table is the one that the records give.

use alt_diagnostic::Severity;
use alt_image::finished::{Outcome, write};
use alt_image::patching::Host;

use crate::context::Context;
use crate::rule::{ALT, Reporter, Rule};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "finished-table",
    severity: Severity::Error,
    formats: ALT,
    summary: "A finished table is the one that the records of the image give.",
    advice: "Link the image again and finish it by the `alt` of this version; change neither text nor \
             tables after that.",
    check,
}];

fn check(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let (image, records) = (context.image, context.records);
    let Some(finished) = &records.finished else {
        return;
    };
    let start = finished.range.start;
    // The records are those of the context's image.
    let Ok(host) = Host::new(image, records) else {
        return;
    };
    let len = (finished.range.end - start) as usize;
    let table = match write(&host.raw_region(), start, len) {
        Ok(Outcome::Finished(table)) => table.bytes(),
        Ok(Outcome::Raw { finished, space }) => {
            let text = format!("the records give a table of {finished} bytes, {space} are there");
            return reporter.report(start, text);
        }
        Err(error) => {
            let text = format!("the records give no finished table: {error}");
            return reporter.report(start, text);
        }
    };
    // The rest of the space of the records is zero.
    for table_of in [&records.branches, &records.alternatives] {
        let range = table_of.range.clone();
        let expected: &[u8] = match table_of.name == finished.place {
            true => &table,
            false => &[],
        };
        let found = image.bytes(range.start, table_of.size() as usize);
        let expected = expected.iter().copied().chain(std::iter::repeat(0));
        let mut bytes = (range.start..).zip(found.unwrap_or_default().iter().zip(expected));
        if let Some((at, _)) = bytes.find(|(_, (found, expected))| *found != expected) {
            let text = format!(
                "the finished table in {} differs from that of the records, from {at:#x} on",
                finished.place
            );
            reporter.report(at, text);
        }
    }
}
