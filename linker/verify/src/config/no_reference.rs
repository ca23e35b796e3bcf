//! The tables `[[no-reference]]` of a rules file.

use alt_cpucaps::document::{Entry, Problem, array, string};
use alt_image::image::Image;

use super::Places;
use super::pattern::Pattern;

/// Forbidden references, like those of modpost in Linux.
#[derive(Clone, Debug)]
pub struct NoReference {
    /// The addresses that must not refer.
    pub from: Places,
    /// The addresses that they must not refer to.
    pub to: Places,
    /// The reason, for messages.
    pub why: String,
}

pub(super) fn read(mut entry: Entry<'_, '_>, image: &Image) -> Option<NoReference> {
    let from = places(&mut entry, "from", image);
    let to = places(&mut entry, "to", image);
    let why = entry
        .required("why", "add `why = \"…\"`, for messages")
        .and_then(|value| string(value, entry.problems));
    entry.finish();
    Some(NoReference {
        from: from?,
        to: to?,
        why: why?.to_owned(),
    })
}

/// Sections and symbols. Each must be in the image, because a rule without a target would have no effect.
fn places(entry: &mut Entry<'_, '_>, key: &'static str, image: &Image) -> Option<Places> {
    let value = entry.required(key, "name sections or symbols")?;
    let mut ranges = Vec::new();
    let names = array(value, entry.problems)?;
    if names.is_empty() {
        let problem = Problem::new(value.span(), "the list is empty");
        entry.problems.add(problem.help("name sections or symbols"));
    }
    for value in names {
        let Some(name) = string(value, entry.problems) else {
            continue;
        };
        let before = ranges.len();
        let pattern = Pattern::new(name);
        ranges.extend(pattern.sections(image).map(|section| section.range.clone()));
        ranges.extend(pattern.symbols(image));
        if ranges.len() == before {
            let text = format!("the image has no section and no symbol `{name}`");
            let names = image.loaded().map(|section| section.name.as_str());
            let problem = Problem::new(value.span(), text);
            entry.problems.add(problem.suggest(name, names));
        }
    }
    Some(Places::new(ranges))
}
