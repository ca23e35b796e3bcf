//! The sums over all sites, in one layout.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use super::layout::{self, Cost};
use super::model::{Bytes, Layout, Part, Split};
use crate::image::Image;
use crate::records::alt::{ALTERNATIVES, BRANCHES, CALLBACK, CALLBACKS, PLAN, REPLACEMENTS, WRITE};
use crate::records::linux::TABLE as LINUX;
use crate::records::{Arm, Format, Kind, Records, Site, Table};

const IN_TEXT: &str = "replacements in text";

/// The sums so far.
pub(super) struct Tally<'a> {
    image: &'a Image,
    records: &'a Records,
    init: &'a Init,
    /// The layout.
    format: Format,
    /// The replacements and callbacks that have been counted.
    seen: HashSet<u64>,
    parts: BTreeMap<&'static str, Split>,
}

impl<'a> Tally<'a> {
    pub fn new(image: &'a Image, records: &'a Records, init: &'a Init, format: Format) -> Self {
        let names: &[_] = match format {
            Format::Alt => &[
                BRANCHES,
                ALTERNATIVES,
                REPLACEMENTS,
                CALLBACKS,
                PLAN,
                IN_TEXT,
            ],
            Format::Linux => &[LINUX, IN_TEXT],
        };
        Self {
            image,
            records,
            init,
            format,
            seen: HashSet::new(),
            parts: names.iter().map(|name| (*name, Split::default())).collect(),
        }
    }

    /// The bytes of a site that do not depend on its arms: our room for the plan.
    pub fn site(&mut self, site: &Site<'_>) {
        if self.format == Format::Alt {
            self.add(PLAN, true, WRITE * u64::from(site.len() / 4));
        }
    }

    /// The bytes of an arm.
    pub fn arm(&mut self, site: &Site<'_>, arm: &Arm<'_>) -> Bytes {
        let record = arm.record();
        let cost = self.cost(site, arm);
        let mut bytes = Bytes::default();
        let table = match (self.format, cost.branch) {
            (Format::Linux, _) => LINUX,
            (Format::Alt, true) => BRANCHES,
            (Format::Alt, false) => ALTERNATIVES,
        };
        let estimated = self.format != self.records.format;
        // The estimate for the other layout assumes an init region.
        let init = estimated || self.init.holds(record.at);
        bytes.table = self.add(table, init, cost.table);
        match record.kind {
            Kind::Code { address, .. } if self.seen_before(address) => {}
            Kind::Callback { address, .. } => {
                if self.format == Format::Alt && !self.seen_before(address) {
                    self.add(CALLBACKS, true, CALLBACK);
                }
            }
            kind => {
                let name = if cost.in_text { IN_TEXT } else { REPLACEMENTS };
                let init = match kind {
                    Kind::Code { address, .. } if !estimated => self.init.holds(address),
                    // After the function of the site.
                    _ if cost.in_text => self.init.holds(record.site),
                    _ => true,
                };
                bytes.replacements = self.add(name, init, cost.replacement);
            }
        }
        bytes
    }

    fn cost(&self, site: &Site<'_>, arm: &Arm<'_>) -> Cost {
        match (self.records.format, self.format) {
            (Format::Alt, Format::Linux) => layout::linux(site, arm),
            (Format::Linux, Format::Alt) => layout::ours(self.image, site, arm),
            _ => self.as_it_is(arm),
        }
    }

    fn as_it_is(&self, arm: &Arm<'_>) -> Cost {
        let branch = matches!(arm.record().kind, Kind::Branch { .. });
        let records = arm.records().len() as u64;
        let (replacement, in_text) = match arm.record().kind {
            // Linux has no table of them.
            Kind::Code { address, len } => (
                len.into(),
                !self.records.replacements.range.contains(&address),
            ),
            _ => (0, self.format == Format::Linux),
        };
        Cost {
            branch,
            table: records * if branch { 8 } else { 12 },
            replacement,
            in_text,
        }
    }

    /// Whether a replacement or callback has been counted already. Linux has a replacement for
    /// each record.
    fn seen_before(&mut self, address: u64) -> bool {
        let each = self.format == Format::Linux && self.records.format != Format::Linux;
        !self.seen.insert(address) && !each
    }

    fn add(&mut self, name: &'static str, init: bool, bytes: u64) -> Split {
        let mut split = Split::default();
        split.add(init, bytes);
        *self.parts.entry(name).or_default() += split;
        split
    }

    /// Replaces the sums over the records with the sizes of the sections of the image.
    pub fn measure(&mut self) {
        let Records {
            branches,
            alternatives,
            replacements,
            callbacks,
            plan,
            ..
        } = self.records;
        let tables: &[&Table] = match self.format {
            Format::Alt => &[branches, alternatives, replacements, callbacks, plan],
            Format::Linux => &[alternatives],
        };
        for table in tables {
            let mut split = Split::default();
            split.add(self.init.holds(table.range.start), table.size());
            self.parts.insert(table.name, split);
        }
    }

    pub fn layout(self) -> Layout {
        let mut total = Split::default();
        for bytes in self.parts.values() {
            total += *bytes;
        }
        let parts = self.parts.into_iter().map(|(name, bytes)| Part {
            name,
            in_file: name != PLAN,
            bytes,
        });
        Layout {
            format: self.format.to_string(),
            parts: parts.collect(),
            total,
        }
    }
}

/// The init region, whose memory the kernel frees after boot.
pub(super) struct Init(Vec<Range<u64>>);

impl Init {
    pub fn new(image: &Image) -> Self {
        // In a kernel without an init region, only the tables in alternatives-init.x are freed.
        // lld gives `__alt_tables_start` the address 0 where .rodata has taken the bounds before.
        let start = ["__alt_fragment_start", "__alt_tables_start"];
        let tables = start
            .iter()
            .find_map(|start| image.between(start, "__alt_tables_end"));
        Self(image.init().chain(tables).collect())
    }

    pub fn holds(&self, address: u64) -> bool {
        self.0.iter().any(|range| range.contains(&address))
    }
}
