//! The number of sites by cpucap, function and section. `docs/alt.md` describes its JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Serialize;

use super::{Dump, SiteDump};
use crate::style;

/// The sites that have one thing in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The cpucap, function or section.
    pub name: String,
    /// The number of sites.
    pub sites: usize,
    /// The number of arms.
    pub arms: usize,
}

/// The sites of a dump in groups, the largest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Groups {
    /// The version of the format; incremented when a field is removed or changes its meaning.
    pub version: u32,
    /// The sites of each cpucap; a site counts for each cpucap of its conditions.
    pub caps: Vec<Group>,
    /// The sites of each function.
    pub functions: Vec<Group>,
    /// The sites of each section.
    pub sections: Vec<Group>,
}

impl Groups {
    /// Counts the sites of a dump.
    pub fn new(dump: &Dump) -> Self {
        Self {
            version: 1,
            caps: grouped(dump, |site| {
                let terms = site.arms.iter().flat_map(|arm| arm.terms.iter().flatten());
                terms
                    .map(|term| match (&term.name, term.always) {
                        (_, true) => "always".into(),
                        (Some(name), _) => name.clone(),
                        (None, _) => format!("cap {}", term.cap),
                    })
                    .collect()
            }),
            functions: grouped(dump, |site| {
                let place = site.place.as_deref().unwrap_or("outside the image");
                let name = place.rsplit_once("+0x").map_or(place, |(name, _)| name);
                BTreeSet::from([name.to_owned()])
            }),
            sections: grouped(dump, |site| {
                BTreeSet::from([site.section.clone().unwrap_or_else(|| "no section".into())])
            }),
        }
    }

    /// Writes three tables of at most `limit` rows each; 0 for all.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn write_text(&self, out: &mut impl io::Write, limit: usize) -> io::Result<()> {
        for (what, groups) in [
            ("cpucap", &self.caps),
            ("function", &self.functions),
            ("section", &self.sections),
        ] {
            let shown = if limit == 0 { groups.len() } else { limit };
            writeln!(out, "{:>7} {:>7}  {}", "sites", "arms", style::strong(what))?;
            for group in groups.iter().take(shown) {
                writeln!(out, "{:>7} {:>7}  {}", group.sites, group.arms, group.name)?;
            }
            if groups.len() > shown {
                writeln!(
                    out,
                    "{:>7} {:>7}  … and {} more",
                    "",
                    "",
                    groups.len() - shown
                )?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

fn grouped(dump: &Dump, names: impl Fn(&SiteDump) -> BTreeSet<String>) -> Vec<Group> {
    let mut groups = BTreeMap::<String, Group>::new();
    for site in &dump.sites {
        for name in names(site) {
            let group = groups.entry(name.clone()).or_insert(Group {
                name,
                sites: 0,
                arms: 0,
            });
            group.sites += 1;
            group.arms += site.arms.len();
        }
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.sites));
    groups
}
