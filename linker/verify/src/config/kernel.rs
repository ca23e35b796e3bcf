//! The table `[kernel]` of a rules file.

use std::ops::Range;

use alt_cpucaps::document::Entry;
use alt_image::image::Image;

use super::{Pattern, Places, no_symbol, sections, strings};

/// Properties of the kernel that its symbols do not show.
#[derive(Clone, Debug, Default)]
pub struct Kernel {
    /// The statics that provide room for the plan: name and addresses.
    pub room: Vec<(String, Range<u64>)>,
    /// Sections whose words are relative to their own address.
    pub self_relative: Places,
}

pub(super) fn read(mut entry: Entry<'_, '_>, image: &Image) -> Kernel {
    let mut room = Vec::new();
    for (name, value) in strings(&mut entry, "room").unwrap_or_default() {
        let found = room.len();
        let symbols = Pattern::new(name).symbols(image);
        room.extend(symbols.map(|range| (name.to_owned(), range)));
        if room.len() == found {
            entry.problems.add(no_symbol(name, value));
        }
    }
    let self_relative = Places::new(sections(&mut entry, "self-relative", image));
    entry.finish();
    Kernel {
        room,
        self_relative,
    }
}
