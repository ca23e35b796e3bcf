//! Where the linker put each section of each input.

use std::collections::HashMap;

use alt_linker::map::Placed;
use alt_object::object::Object;
use object::elf::SHF_LINK_ORDER;

/// The placements of a map, by input and name of the section.
pub(super) struct Places<'a>(HashMap<(&'a str, &'a str), Vec<&'a Placed>>);

impl<'a> Places<'a> {
    pub(super) fn new(map: &'a [Placed]) -> Self {
        let mut places: HashMap<_, Vec<&Placed>> = HashMap::new();
        for placement in map {
            let key = (&*placement.file, &*placement.section);
            places.entry(key).or_default().push(placement);
        }
        for list in places.values_mut() {
            list.sort_by_key(|placement| placement.address);
        }
        Self(places)
    }

    /// The placement of each section of an object; `None` for those that are not in the image.
    ///
    /// A map has only the name of a section. An object with inline assembly has several sections of
    /// one name: the linker sorts those that are linked to text by the address of the text, and
    /// leaves the others in their order.
    pub(super) fn of(&self, file: &str, object: &Object<'_>) -> Vec<Option<&'a Placed>> {
        let mut placed = vec![None; object.sections.len()];
        let mut names: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, section) in object.sections.iter().enumerate() {
            let Ok(name) = std::str::from_utf8(section.name) else {
                continue;
            };
            if section.is_loaded() {
                names.entry(name).or_default().push(index);
            }
        }
        // Sections that are linked to others come after those.
        let linked = |index: usize| object.sections[index].flags.contains(SHF_LINK_ORDER);
        let mut groups: Vec<_> = names.into_iter().collect();
        groups.sort_by_key(|(_, indices)| (linked(indices[0]), indices[0]));
        for (name, mut indices) in groups {
            let Some(places) = self.0.get(&(file, name)) else {
                continue;
            };
            indices
                .retain(|index| !linked(*index) || placed[object.sections[*index].link].is_some());
            indices.sort_by_key(|index| match linked(*index) {
                true => placed[object.sections[*index].link].map(|place: &Placed| place.address),
                false => None,
            });
            let mut places = places.iter().peekable();
            for index in indices {
                let size = object.sections[index].size;
                if places.peek().is_some_and(|place| place.size == size) {
                    placed[index] = places.next().copied();
                }
            }
        }
        placed
    }
}
