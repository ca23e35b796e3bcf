//! The table `[init]` of a rules file.

use alt_cpucaps::document::Entry;
use alt_image::image::Image;

use super::{Places, allowed, between, sections, strings, text};

/// The init region, which is freed after boot.
#[derive(Clone, Debug, Default)]
pub struct Init {
    /// Its addresses, if the file states them.
    pub places: Places,
    /// Code and data outside of it that may refer to it.
    pub may_refer: Places,
    /// Symbols that bound it or parts of it, in addition to the known ones.
    pub bounds: Vec<String>,
}

pub(super) fn read(mut entry: Entry<'_, '_>, image: &Image) -> Init {
    let mut ranges = sections(&mut entry, "sections", image);
    ranges.extend(between(&mut entry, image));
    let ends = ["start", "end"].map(|key| text(&mut entry, key));
    let bounds = strings(&mut entry, "bounds").unwrap_or_default();
    let bounds = bounds.iter().chain(ends.iter().flatten());
    let init = Init {
        places: Places::new(ranges),
        may_refer: allowed(&mut entry, "may-refer", image).unwrap_or_default(),
        bounds: bounds.map(|(name, _)| String::from(*name)).collect(),
    };
    entry.finish();
    init
}
