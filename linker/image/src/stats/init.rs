//! What is given back after boot.

use std::ops::Range;

use crate::image::Image;

/// The init region.
pub(super) struct Init(Vec<Range<u64>>);

impl Init {
    pub fn new(image: &Image) -> Self {
        // What alternatives-init.x bounds is all there is in a kernel without an init region.
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
