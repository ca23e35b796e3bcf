//! The cpucaps of the kernel in the dump.

use std::error::Error;

use alt_image::evidence::{Evidence, Votes};
use alt_image::load::Loaded;
use alt_image::memory::{Memory, caps};
use alt_runtime::cap::{CapSet, CapTable};
use serde::Serialize;

use crate::system::System;

/// The source of the cpucaps.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The user.
    Given,
    /// A variable of the kernel.
    Memory,
    /// The words of sites.
    Words,
}

/// The cpucaps, and the evidence of the sites in memory.
pub struct Cpucaps {
    pub table: &'static CapTable,
    pub present: CapSet,
    pub source: Source,
    pub evidence: Evidence,
    /// The cpucaps that are present, by number.
    pub names: Vec<String>,
    /// The variable.
    pub symbol: Option<&'static str>,
}

impl Cpucaps {
    pub fn find(
        system: &System,
        opened: &Loaded,
        dump: &[Memory<'_>],
    ) -> Result<Self, Box<dyn Error>> {
        let (image, records) = (&opened.image, &opened.records);
        let word = |address| dump.iter().find_map(|piece| piece.word(address));
        let evidence = Evidence::new(image, records, word)?;
        let in_memory = caps::read(image, dump);
        let symbol = in_memory.as_ref().map(|found| found.symbol);
        let (table, present, source) = match (system.is_given(), in_memory) {
            (true, _) => {
                let (table, present) = system.present(opened)?;
                (table, present, Source::Given)
            }
            (false, Some(found)) => (System::table(opened)?, found.present, Source::Memory),
            (false, None) => (System::table(opened)?, evidence.present(), Source::Words),
        };
        let names = present.iter().map(|cap| opened.names.label(cap.number()));
        Ok(Self {
            table,
            names: names.collect(),
            present,
            source,
            evidence,
            symbol,
        })
    }

    /// The cpucaps that the sites contradict.
    pub fn against(&self) -> Vec<(u16, Votes)> {
        self.evidence.against(&self.present).collect()
    }
}
