//! The code of `alt-runtime` that runs while text changes.
//!
//! It is found by its symbols, since linker scripts rarely keep its input section
//! (`.text.alt_patcher`) apart: the two naked routines of `alt-runtime`. Where an output section
//! has that name, or the symbols `__alt_patcher_start` and `__alt_patcher_end` enclose it, all of
//! that counts too. An image without any of them has no patcher.

use std::ops::Range;

use crate::image::{Image, demangle};

/// The section of the patcher in an object file.
const SECTION: &str = ".text.alt_patcher";

/// The names of the routines in it.
const ROUTINES: [&str; 2] = [
    "alt_runtime::arch::commit::commit",
    "alt_runtime::arch::wait::wait_if_requested",
];

/// The addresses of that code; ranges may overlap.
pub fn ranges(image: &Image) -> impl Iterator<Item = Range<u64>> {
    let section = image.section(SECTION).filter(|section| section.loaded);
    let bounds = image.between("__alt_patcher_start", "__alt_patcher_end");
    let routines = image
        .symbols()
        .iter()
        // Before demangling, which is slow.
        .filter(|symbol| symbol.name.contains("alt_runtime") && !symbol.absolute)
        .filter(|symbol| ROUTINES.contains(&demangle(&symbol.name).as_str()))
        .filter_map(|symbol| image.extent(symbol));
    let section = section.map(|section| section.range.clone());
    section.into_iter().chain(bounds).chain(routines)
}
