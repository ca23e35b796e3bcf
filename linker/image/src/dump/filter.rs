//! Selection of sites.

use std::collections::BTreeSet;

use super::DumpError;
use crate::image::{Image, Symbol, demangle};
use crate::names::CapNames;
use crate::records::{Records, Site};

/// The number of names that an error suggests.
const OFFERED: usize = 5;

/// The sites to dump; all by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those that depend on a cpucap, given by name or number.
    pub cap: Option<String>,
    /// The one at an address (`0x…`, any of its instructions, or `symbol+0x10`), or all sites of a
    /// function: its full name, mangled or not, or the last parts of its path.
    pub site: Option<String>,
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
        let Some(asked) = &self.cap else {
            return Ok(here);
        };
        let Some(number) = names.number(asked) else {
            return Err(DumpError::UnknownCap {
                asked: asked.clone(),
                there: match names.is_empty() {
                    true => "no names are known, so give its number, or a file with names".into(),
                    false => nearest(asked, (0..).map_while(|n| names.get(n).map(String::from))),
                },
            });
        };
        let asks = |site: &Site<'_>| {
            site.records()
                .iter()
                .any(|record| record.term.cap == number && !record.term.always)
        };
        let chosen: Vec<_> = here.iter().copied().filter(asks).collect();
        if !chosen.is_empty() || all.is_empty() {
            return Ok(chosen);
        }
        let label = names.label(number);
        let there = |sites: &[Site<'_>]| nearest(&label, caps(sites, names));
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
                there: nearest(asked, functions(image, all)),
            }),
        };
    }
    // The form of a place: `memcpy+0x10`.
    let parts = asked.rsplit_once('+');
    let parts = parts.and_then(|(symbol, offset)| Some((symbol, number(offset)?)));
    let address = parts.and_then(|(symbol, offset)| {
        let start = image.symbols().find(symbol).next()?.range.start;
        start.checked_add(offset)
    });
    match address {
        Some(address) => at_address(image, all, address),
        None => Err(DumpError::UnknownSymbol {
            asked: asked.into(),
            there: nearest(asked, functions(image, all)),
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

/// The names most similar to `asked`. Its last part is compared too, because paths are long.
fn nearest(asked: &str, names: impl IntoIterator<Item = String>) -> String {
    let likeness = |name: &str| {
        let last = name.rsplit("::").next().unwrap_or(name);
        let whole = strsim::jaro_winkler(asked, name);
        whole.max(strsim::jaro_winkler(asked, last))
    };
    let mut ranked: Vec<_> = names
        .into_iter()
        .map(|name| (likeness(&name), name))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let total = ranked.len();
    let offered = ranked.into_iter().take(OFFERED).map(|(_, name)| name);
    let offered: Vec<_> = offered.collect();
    match total {
        0 => "there are none".into(),
        total if total > OFFERED => format!("of {total}, the nearest are {}", offered.join(", ")),
        _ => format!("there are {}", offered.join(", ")),
    }
}
