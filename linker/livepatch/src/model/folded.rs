//! Functions that the linker folded into equal ones (`--icf`): the map does not have them.

use std::collections::{HashMap, HashSet};

use alt_image::image::Image;
use alt_linker::map::Placed;
use alt_object::display;
use alt_object::object::{Object, Place};
use object::elf::STT_FUNC;

/// For each object, the sections that were folded, with the place of the function that is left.
///
/// Such a function has a symbol in the image, at the address of another one. A section that was
/// dropped has none.
pub(super) fn find<'a>(
    image: &Image,
    objects: &[(&Object<'_>, &[Option<&'a Placed>])],
) -> Vec<Vec<(usize, &'a Placed)>> {
    let mut there: HashMap<u64, (&Placed, HashSet<String>)> = HashMap::new();
    for (object, placed) in objects {
        for (section, name) in functions(object) {
            if let Some(placed) = placed[section] {
                let entry = there
                    .entry(placed.address)
                    .or_insert((placed, HashSet::new()));
                entry.1.insert(name);
            }
        }
    }
    let mut addresses: HashMap<&str, HashSet<u64>> = HashMap::new();
    for symbol in image.symbols().iter().filter(|symbol| symbol.function) {
        addresses
            .entry(&symbol.name)
            .or_default()
            .insert(symbol.range.start);
    }
    let mut folded = Vec::new();
    for (object, placed) in objects {
        let mut found = Vec::new();
        for (section, name) in functions(object) {
            let Some(addresses) = addresses.get(&*name).filter(|_| placed[section].is_none())
            else {
                continue;
            };
            let mut addresses = addresses.iter();
            let (Some(address), None) = (addresses.next(), addresses.next()) else {
                continue;
            };
            if let Some((placed, names)) = there.get(address)
                && placed.size == object.sections[section].size
                && !names.contains(&name)
            {
                found.push((section, *placed));
            }
        }
        folded.push(found);
    }
    folded
}

/// The functions that begin a section of code.
fn functions(object: &Object<'_>) -> impl Iterator<Item = (usize, String)> {
    object
        .symbols
        .iter()
        .filter_map(|symbol| match symbol.place {
            Place::In(section, 0)
                if symbol.kind == STT_FUNC && object.sections[section].is_code() =>
            {
                Some((section, display::name(symbol.name)))
            }
            _ => None,
        })
}
