//! Selection of sites.

use std::collections::BTreeSet;

use super::{ArmKind, DumpError};
use crate::image::{Image, Symbol, demangle};
use crate::names::{CapNames, offered};
use crate::records::{Records, Site};

/// The sites to dump; all by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Sites that depend on one of these cpucaps, given by name or number; all sites if it is empty.
    pub caps: Vec<String>,
    /// The site at an address (`0x…`, any of its instructions, or `symbol+0x10`), or all sites of a
    /// function: its full name, mangled or not, or the last parts of its path.
    pub site: Option<String>,
    /// Sites with an arm of one of these kinds; all sites if it is empty.
    pub kinds: Vec<ArmKind>,
    /// Sites in sections of these names; all sites if it is empty.
    pub sections: Vec<String>,
}

impl Filter {
    /// The sites that match.
    ///
    /// # Errors
    /// No site matches, or a name is unknown.
    pub(super) fn select<'r>(
        &self,
        image: &Image,
        records: &'r Records,
        names: &CapNames,
    ) -> Result<Vec<Site<'r>>, DumpError> {
        let all: Vec<_> = records.sites().collect();
        let here = match &self.site {
            Some(place) => at_place(image, &all, place)?,
            None => all.clone(),
        };
        let of_caps = self.of_caps(records, names, here)?;
        self.of_kinds(image, of_caps)
    }

    fn of_caps<'r>(
        &self,
        records: &'r Records,
        names: &CapNames,
        here: Vec<Site<'r>>,
    ) -> Result<Vec<Site<'r>>, DumpError> {
        let mut numbers = Vec::new();
        for asked in &self.caps {
            let number = names.number(asked).ok_or_else(|| DumpError::UnknownCap {
                asked: asked.clone(),
                there: match names.is_empty() {
                    true => "no names are known, so give its number, or a file with names".into(),
                    false => names.offered(asked),
                },
            })?;
            numbers.push(number);
        }
        let asks = |site: &Site<'_>| {
            site.records()
                .iter()
                .any(|record| numbers.contains(&record.term.cap) && !record.term.always)
        };
        let chosen: Vec<_> = here.iter().copied().filter(asks).collect();
        let all: Vec<_> = records.sites().collect();
        if self.caps.is_empty() {
            return Ok(here);
        }
        if !chosen.is_empty() || all.is_empty() {
            return Ok(chosen);
        }
        let labels = numbers.iter().map(|number| names.label(*number));
        let label = labels.collect::<Vec<_>>().join(" or ");
        let there = |sites: &[Site<'_>]| offered(&label, "cpucaps", caps(sites, names));
        Err(match &self.site {
            Some(site) if all.iter().any(asks) => DumpError::NotBoth {
                site: site.clone(),
                cap: label.clone(),
                there: there(&here),
            },
            _ => DumpError::CapWithoutSite {
                asked: label.clone(),
                there: there(&all),
            },
        })
    }

    fn of_kinds<'r>(&self, image: &Image, here: Vec<Site<'r>>) -> Result<Vec<Site<'r>>, DumpError> {
        let kinds = |site: &Site<'_>| -> Vec<ArmKind> {
            let records = site.records().iter();
            records.map(|record| ArmKind::of(record.kind)).collect()
        };
        let section = |site: &Site<'_>| image.section_at(site.address()).map(|s| s.name.clone());
        let is_of_kind = |site: &&Site<'_>| {
            self.kinds.is_empty() || kinds(site).iter().any(|kind| self.kinds.contains(kind))
        };
        let is_in_section = |site: &&Site<'_>| {
            self.sections.is_empty()
                || section(site).is_some_and(|name| self.sections.contains(&name))
        };
        let chosen: Vec<_> = here
            .iter()
            .filter(is_of_kind)
            .filter(is_in_section)
            .copied()
            .collect();
        if !chosen.is_empty() || here.is_empty() {
            return Ok(chosen);
        }
        let there_kinds: BTreeSet<_> = here.iter().flat_map(kinds).map(ArmKind::name).collect();
        let there_sections: BTreeSet<_> = here.iter().filter_map(section).collect();
        Err(DumpError::NothingLeft {
            kinds: there_kinds.into_iter().collect::<Vec<_>>().join(", "),
            sections: there_sections.into_iter().collect::<Vec<_>>().join(", "),
        })
    }
}

fn at_place<'r>(image: &Image, all: &[Site<'r>], asked: &str) -> Result<Vec<Site<'r>>, DumpError> {
    if let Some(address) = number(asked) {
        return at_address(image, all, address);
    }
    let symbols: Vec<_> = image.symbols().find(asked).collect();
    if !symbols.is_empty() {
        let inside = |site: &&Site<'_>| symbols.iter().any(|symbol| is_in(image, site, symbol));
        let chosen: Vec<_> = all.iter().filter(inside).copied().collect();
        return match chosen.is_empty() {
            false => Ok(chosen),
            true => Err(DumpError::SymbolWithoutSite {
                asked: asked.into(),
                there: offered(asked, "functions with sites", functions(image, all)),
            }),
        };
    }
    // The form of a place: `memcpy+0x10`.
    let parts = asked.rsplit_once('+');
    let parts = parts.and_then(|(symbol, offset)| Some((symbol, number(offset)?)));
    let starts = parts.into_iter().flat_map(|(symbol, offset)| {
        let found: Vec<_> = image.symbols().find(symbol).collect();
        let is_whole = |found: &&&Symbol| found.name == symbol || demangle(&found.name) == symbol;
        let whole: Vec<_> = found.iter().filter(is_whole).copied().collect();
        let symbols = if whole.is_empty() { found } else { whole };
        symbols
            .into_iter()
            .filter_map(move |symbol| symbol.range.start.checked_add(offset))
    });
    let starts: BTreeSet<u64> = starts.collect();
    let holds = |site: &&Site<'_>| starts.iter().any(|start| site.range().contains(start));
    let chosen: Vec<_> = all.iter().filter(holds).copied().collect();
    match (&chosen[..], starts.first()) {
        ([_], _) => Ok(chosen),
        ([], Some(start)) => at_address(image, all, *start),
        ([], None) => Err(DumpError::UnknownSymbol {
            asked: asked.into(),
            there: offered(asked, "functions with sites", functions(image, all)),
        }),
        (several, _) => Err(DumpError::Ambiguous {
            asked: asked.into(),
            there: several
                .iter()
                .map(|site| format!("{:#x} ({})", site.address(), image.label(site.address())))
                .collect::<Vec<_>>()
                .join(", "),
        }),
    }
}

fn at_address<'r>(
    image: &Image,
    all: &[Site<'r>],
    address: u64,
) -> Result<Vec<Site<'r>>, DumpError> {
    let holds = |site: &&Site<'_>| site.range().contains(&address);
    let chosen: Vec<_> = all.iter().filter(holds).copied().collect();
    match chosen.is_empty() {
        false => Ok(chosen),
        true => Err(DumpError::NoSiteAt {
            address,
            there: around(image, all, address),
        }),
    }
}

/// A number in hexadecimal with 0x, or in decimal.
fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Whether a site is in a function, or after a label and before the next symbol.
fn is_in(image: &Image, site: &Site<'_>, symbol: &Symbol) -> bool {
    let address = site.address();
    if symbol.absolute {
        return false;
    }
    if !symbol.range.is_empty() {
        return symbol.range.contains(&address);
    }
    let nearest = image.symbol_at(address);
    site.range().contains(&symbol.range.start)
        || nearest.is_some_and(|nearest| nearest.range.start == symbol.range.start)
}

/// The functions with sites.
fn functions(image: &Image, sites: &[Site<'_>]) -> BTreeSet<String> {
    sites
        .iter()
        .filter_map(|site| {
            let symbol = image.symbol_at(site.address())?;
            Some(demangle(&symbol.name))
        })
        .collect()
}

/// The cpucaps on which sites depend.
fn caps(sites: &[Site<'_>], names: &CapNames) -> BTreeSet<String> {
    let records = sites.iter().flat_map(|site| site.records());
    records
        .filter(|record| !record.term.always)
        .map(|record| names.label(record.term.cap))
        .collect()
}

/// The sites before and after an address.
fn around(image: &Image, sites: &[Site<'_>], address: u64) -> String {
    let after = sites.partition_point(|site| site.address() <= address);
    let near = &sites[after.saturating_sub(1)..sites.len().min(after + 1)];
    let near: Vec<_> = near
        .iter()
        .map(|site| match image.place(site.address()) {
            Some(place) => format!("{:#x} ({place})", site.address()),
            None => format!("{:#x}", site.address()),
        })
        .collect();
    format!("the nearest are {}", near.join(" and "))
}
