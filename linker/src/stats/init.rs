//! What is given back after boot.

use std::ops::Range;

use crate::image::Image;

/// The symbols around it: a kernel's own, Linux's, and those of alternatives-init.x, which is
/// all there is in a kernel without an init region.
const BOUNDS: [(&str, &str); 3] = [
    ("__init_start", "__init_end"),
    ("__init_begin", "__init_end"),
    ("__alt_tables_start", "__alt_tables_end"),
];

/// The init region.
pub(super) struct Init(Vec<Range<u64>>);

impl Init {
    pub fn new(image: &Image) -> Self {
        let ranges = BOUNDS
            .iter()
            .filter_map(|(start, end)| image.between(start, end));
        Self(ranges.collect())
    }

    pub fn holds(&self, address: u64) -> bool {
        self.0.iter().any(|range| range.contains(&address))
    }
}
