//! The tables `[[bounds]]` of a rules file.

use std::ops::Range;

use alt_cpucaps::document::{Entry, Problem, string};
use alt_image::image::Image;

use super::{Pattern, between, no_symbol, strings, text};

/// The part that bounds delimit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoundsOf {
    /// Code.
    Text,
    /// Data whose pages are mapped read-only.
    ReadOnly,
    /// Data that can be written.
    Data,
    /// The whole kernel: the memory after its end has other uses.
    Image,
}

const KINDS: [(&str, BoundsOf); 4] = [
    ("text", BoundsOf::Text),
    ("read-only", BoundsOf::ReadOnly),
    ("data", BoundsOf::Data),
    ("image", BoundsOf::Image),
];

/// The location of a part of the kernel.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// The part.
    pub of: BoundsOf,
    /// Its addresses, each with a description for messages.
    pub parts: Vec<(Range<u64>, String)>,
    /// Its end, and the symbol there.
    pub end: Option<(u64, String)>,
}

pub(super) fn read(mut entry: Entry<'_, '_>, image: &Image) -> Option<Bounds> {
    let kind = entry.required("of", "add `of = \"text\"`, `read-only`, `data` or `image`");
    let of = kind.and_then(|value| {
        let name = string(value, entry.problems)?;
        let of = KINDS.iter().find(|(known, _)| *known == name);
        if of.is_none() {
            let problem = Problem::new(value.span(), format!("`{name}` has no bounds"));
            let names = KINDS.map(|(name, _)| name);
            entry.problems.add(problem.suggest(name, names));
        }
        Some(of?.1)
    });
    let bounds = match of {
        Some(BoundsOf::Image) => whole(&mut entry, image),
        _ => part(&mut entry, image),
    };
    entry.finish();
    let (parts, end) = bounds;
    Some(Bounds {
        of: of?,
        parts,
        end,
    })
}

type Read = (Vec<(Range<u64>, String)>, Option<(u64, String)>);

/// For the whole kernel, only the end matters.
fn whole(entry: &mut Entry<'_, '_>, image: &Image) -> Read {
    let value = entry.required("end", "name the symbol at the end of the kernel");
    let end = value.and_then(|value| {
        let name = string(value, entry.problems)?;
        let address = image.symbol(name);
        if address.is_none() {
            entry.problems.add(no_symbol(name, value));
        }
        Some((address?, name.to_owned()))
    });
    (Vec::new(), end)
}

fn part(entry: &mut Entry<'_, '_>, image: &Image) -> Read {
    let before = entry.problems.0.len();
    let ends = ["start", "end"].map(|key| text(entry, key));
    let mut parts = Vec::new();
    if let (Some(range), [Some((start, _)), Some((end, _))]) = (between(entry, image), ends) {
        parts.push((range, format!("between `{start}` and `{end}`")));
    }
    for (name, value) in strings(entry, "sections").unwrap_or_default() {
        let found = parts.len();
        let pattern = Pattern::new(name);
        parts.extend(pattern.sections(image).map(|section| {
            let words = format!("in the section `{}`", section.name);
            (section.range.clone(), words)
        }));
        if parts.len() == found {
            let names = image.loaded().map(|section| section.name.as_str());
            let problem = Problem::new(value.span(), format!("the image has no section `{name}`"));
            entry.problems.add(problem.suggest(name, names));
        }
    }
    if parts.is_empty() && entry.problems.0.len() == before {
        let problem = Problem::new(entry.span.clone(), "these bounds have no addresses");
        let help = "say where they are: `start` and `end`, or `sections`";
        entry.problems.add(problem.help(help));
    }
    (parts, None)
}
