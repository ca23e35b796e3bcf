//! `[init]`

use alt_cpucaps::document::Entry;
use alt_image::image::Image;

use super::{Places, allowed, between, sections, strings, text};

/// The part of an image that is given back after boot.
#[derive(Clone, Debug, Default)]
pub struct Init {
    /// Where it is, if the file says so.
    pub places: Places,
    /// What stays and may refer to it all the same.
    pub may_refer: Places,
    /// Symbols that say where it, or a part of it, begins or ends, beside those that are known.
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
