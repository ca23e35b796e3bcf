//! All crates of an image use the same table of cpucaps.

use alt_diagnostic::Severity;
use alt_image::caps::Caps;
use alt_runtime::cap::MAX_CAPS;

use crate::context::Context;
use crate::rule::{ALT, Reporter, Rule};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "cpucaps-differ",
    severity: Severity::Error,
    formats: ALT,
    summary: "All crates of the image have the same table of cpucaps.",
    advice: "Give one file to `cpucaps!`, in one crate that the others use, and rebuild all.",
    check,
}];

fn check(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let image = context.image;
    let Some(section) = image.section(Caps::SECTION).filter(|s| s.has_bytes()) else {
        return;
    };
    match Caps::from_section(image.contents(section)) {
        Ok(tables) if tables.len() <= 1 => {}
        Ok(tables) => {
            // The first number with two meanings.
            let (first, others) = tables.split_at(1);
            let first = first.first().map(Caps::table);
            let differing = (0..MAX_CAPS as u16).find_map(|number| {
                let name = first?.name(number);
                let other = others.iter().find(|other| other.name(number) != name)?;
                Some((number, name?, other.name(number)?))
            });
            let text = match differing {
                Some((number, one, other)) => format!(
                    "there are {} tables of cpucaps, and cpucap {number} is {one} in one and \
                     {other} in another",
                    tables.len()
                ),
                None => format!("there are {} tables of cpucaps that differ", tables.len()),
            };
            reporter.report(0, text);
        }
        Err(why) => reporter.report(0, format!("the table of cpucaps cannot be read: {why}")),
    }
}
