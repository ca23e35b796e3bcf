//! The keys `requires` and `conflicts`, by which cpucaps refer to each other.

use std::ops::Range;

use alt_cpu::Scope;

use crate::{
    document::{Entry, Problem, Problems, array, string},
    model::Cpucaps,
};

/// The caps to which one cap refers.
pub struct Links {
    number: usize,
    pub requires: Vec<Link>,
    pub conflicts: Vec<Link>,
}

pub struct Link {
    /// The number of the other cap.
    pub to: usize,
    span: Range<usize>,
}

impl Links {
    /// Takes the keys `requires` and `conflicts` of the cap with this number.
    pub fn new(entry: &mut Entry<'_, '_>, number: usize, names: &[&str]) -> Self {
        Self {
            number,
            requires: references(entry, "requires", number, names),
            conflicts: references(entry, "conflicts", number, names),
        }
    }
}

fn references(
    entry: &mut Entry<'_, '_>,
    key: &'static str,
    number: usize,
    names: &[&str],
) -> Vec<Link> {
    let Some(value) = entry.optional(key) else {
        return Vec::new();
    };
    let problems = &mut *entry.problems;
    let elements = array(value, problems).unwrap_or_default();
    let mut links = Vec::new();
    for element in elements {
        let Some(name) = string(element, problems) else {
            continue;
        };
        let span = element.span();
        match names.iter().position(|other| *other == name) {
            None => problems.add(
                Problem::new(span, format!("`{key}` names an unknown cpucap `{name}`"))
                    .suggest(name, names.iter().copied()),
            ),
            Some(to) if to == number => {
                let verb = if key == "requires" {
                    "requires"
                } else {
                    "conflicts with"
                };
                problems.add(Problem::new(span, format!("`{name}` {verb} itself")));
            }
            Some(to) => links.push(Link { to, span }),
        }
    }
    links
}

/// Reports requirements that cannot be met.
pub fn check_requirements(links: &[Links], names: &[&str], problems: &mut Problems) {
    for Links {
        number,
        requires,
        conflicts,
    } in links
    {
        let name = names[*number];
        let mut needed = Vec::new();
        for link in requires {
            let reached = reachable(link.to, links);
            if reached.contains(number) {
                let to = names[link.to];
                problems.add(Problem::new(
                    link.span.clone(),
                    format!("`{name}` requires `{to}`, which requires `{name}`"),
                ));
            }
            needed.extend(reached);
        }
        for conflict in conflicts {
            if needed.contains(&conflict.to) {
                let other = names[conflict.to];
                problems.add(Problem::new(
                    conflict.span.clone(),
                    format!("`{name}` can never be present: it also requires `{other}`"),
                ));
            }
        }
        // A conflict applies to both caps and is stated at one of them.
        for other in links.iter().filter(|other| needed.contains(&other.number)) {
            for conflict in other.conflicts.iter().filter(|link| link.to == *number) {
                let other = names[other.number];
                problems.add(Problem::new(
                    conflict.span.clone(),
                    format!("`{name}` can never be present: it requires `{other}`"),
                ));
            }
        }
    }
}

/// A cap and all caps that it requires, directly or indirectly.
fn reachable(from: usize, links: &[Links]) -> Vec<usize> {
    let mut reached = vec![from];
    let mut next = 0;
    while let Some(&number) = reached.get(next) {
        for link in links
            .iter()
            .filter(|links| links.number == number)
            .flat_map(|l| &l.requires)
        {
            if !reached.contains(&link.to) {
                reached.push(link.to);
            }
        }
        next += 1;
    }
    reached
}

/// Reports caps that are decided before a cap that they require.
pub fn check_scopes(links: &[Links], found: &Cpucaps, problems: &mut Problems) {
    for Links {
        number, requires, ..
    } in links
    {
        if found.caps[*number].scope != Scope::Boot {
            continue;
        }
        for link in requires {
            let other = &found.caps[link.to];
            if other.scope != Scope::Boot {
                problems.add(Problem::new(
                    link.span.clone(),
                    format!(
                        "a cpucap of scope `boot` is decided before `{}` of scope `{}`",
                        other.name, other.scope
                    ),
                ));
            }
        }
    }
}
