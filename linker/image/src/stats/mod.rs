//! Sizes of sites and records in bytes, with an estimate for the same sites in the other layout.

mod layout;
mod model;
mod tally;
mod text;

use std::collections::BTreeMap;

use tally::{Init, Tally};

use crate::atomics;
use crate::image::Image;
use crate::names::CapNames;
use crate::records::{Format, Kind, Records};

pub use model::{Bytes, Group, Layout, Part, Split, Stats};

/// See [`Stats::version`].
const VERSION: u32 = 1;

impl Stats {
    /// Counts the bytes of an image.
    pub fn new(image: &Image, records: &Records, names: &CapNames) -> Self {
        let init = Init::new(image);
        let other = match records.format {
            Format::Alt => Format::Linux,
            Format::Linux => Format::Alt,
        };
        let mut here = Tally::new(image, records, &init, records.format);
        let mut there = Tally::new(image, records, &init, other);
        // The order of the rows.
        let mut kinds = ["branch", "code", "callback", "NOPs", "atomic"].map(Group::named);
        let mut caps: BTreeMap<u16, Group> = BTreeMap::new();
        let is_atomic = |site| atomics::called_at(image, site).is_some();
        for site in records.sites() {
            let mut text = Split::default();
            text.add(init.holds(site.address()), site.len().into());
            let kind = match site.first().kind {
                _ if layout::is_branch(image, &site) => &mut kinds[0],
                Kind::Branch { .. } => &mut kinds[0],
                Kind::Code { .. } if site.len() == 4 && is_atomic(site.address()) => &mut kinds[4],
                Kind::Code { .. } => &mut kinds[1],
                Kind::Callback { .. } => &mut kinds[2],
                Kind::Nops => &mut kinds[3],
            };
            kind.sites += 1;
            kind.text += text;
            here.site(&site);
            there.site(&site);
            let mut seen = Vec::new();
            for arm in site.arms() {
                let term = arm.record().term;
                let number = term.cap;
                let cap = caps.entry(number).or_insert_with(|| Group {
                    cap: (!term.always).then_some(number),
                    ..Group::named(&term.label(names))
                });
                if !seen.contains(&number) {
                    seen.push(number);
                    cap.sites += 1;
                    cap.text += text;
                }
                let (here, there) = (here.arm(&site, &arm), there.arm(&site, &arm));
                for group in [&mut *kind, cap] {
                    group.records += arm.records().len();
                    group.here += here;
                    group.there += there;
                }
            }
        }
        here.measure();
        let kinds = kinds.into_iter().filter(|group| group.sites > 0);
        Self {
            version: VERSION,
            kinds: kinds.collect(),
            caps: caps.into_values().collect(),
            here: here.layout(),
            there: there.layout(),
        }
    }
}
