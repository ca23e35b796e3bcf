//! Keep-together groups: sections that the linker places contiguously.

use std::collections::BTreeMap;

use super::object::is_linked;
use super::resolve::Link;
use super::short::Short;

/// The prefix of the names of such sections.
pub const PREFIX: &str = ".text.together.";

/// The group of a section: `.text.together.NAME`, `.text.together.NAME.anything`.
///
/// A name consists of letters, digits and `_`. All of these sort after the dot, so the sections of
/// a group are contiguous if a script sorts all sections by name.
pub(super) fn of(section: &[u8]) -> Option<&str> {
    let rest = section.strip_prefix(PREFIX.as_bytes())?;
    let name = rest.split(|byte| *byte == b'.').next()?;
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    match !name.is_empty() && name.iter().all(fits) {
        true => std::str::from_utf8(name).ok(),
        false => None,
    }
}

/// A group, over all inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The number of its sections.
    pub sections: usize,
    /// Its largest possible size in the image, in bytes, including padding.
    pub size: u64,
}

/// The groups of a link.
///
/// The linker may drop sections, and may place the first one at any multiple of its alignment.
/// Dropping a section never moves later ones up, so the size of all is an upper bound; the largest
/// alignment is added for the position of the first.
pub(super) fn all(link: &Link<'_>) -> Vec<Group> {
    // By section name, then in the order of the inputs, as SORT_BY_NAME does.
    let mut sections = BTreeMap::<(&str, &[u8]), Vec<(u64, u64)>>::new();
    for object in 0..link.objects.len() {
        for (index, section) in link.objects[object].file.sections.iter().enumerate() {
            if let Some(group) = of(section.name)
                && is_linked(section)
                && !link.is_dropped(object, index)
            {
                let same = sections.entry((group, section.name)).or_default();
                same.push((section.size, section.align));
            }
        }
    }
    let mut groups = BTreeMap::<&str, Vec<(u64, u64)>>::new();
    for ((group, _), list) in sections {
        groups.entry(group).or_default().extend(list);
    }
    groups
        .into_iter()
        .map(|(name, sections)| Group {
            name: name.into(),
            sections: sections.len(),
            size: size(&sections),
        })
        .collect()
}

/// The largest size of consecutive sections of these sizes and alignments.
fn size(sections: &[(u64, u64)]) -> u64 {
    let mut end = 0u64;
    for (size, align) in sections {
        end = end
            .checked_next_multiple_of(*align)
            .unwrap_or(u64::MAX)
            .saturating_add(*size);
    }
    let largest = sections.iter().map(|(_, align)| *align).max();
    let first = sections.first().map(|(_, align)| *align);
    let slack = largest.unwrap_or(1).saturating_sub(first.unwrap_or(1));
    end.saturating_add(slack)
}

/// Whether two places in a group of this size may be out of range for a form.
pub(super) fn is_too_large(size: u64, form: Short) -> bool {
    size > form.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_of_groups() {
        assert_eq!(of(b".text.together.entry"), Some("entry"));
        assert_eq!(of(b".text.together.entry.rodata"), Some("entry"));
        assert_eq!(of(b".text.together.entry_2"), Some("entry_2"));
        assert_eq!(of(b".text.together."), None);
        assert_eq!(of(b".text.together"), None);
        // Sorts before the dot: `a`, `a-b`, `a.c`.
        assert_eq!(of(b".text.together.a-b"), None);
        assert_eq!(of(b".text.entry"), None);
    }

    #[test]
    fn alignment_counts() {
        assert_eq!(size(&[(4, 4), (8, 4)]), 12);
        // 4, padding to 64, 4.
        assert_eq!(size(&[(4, 64), (4, 64)]), 68);
        // If it begins 8 bytes after a multiple of 64: 60 bytes end at 68, the next section is at
        // 128 to 132, so the size is 124. The bound is 64 + 4 + 60.
        assert_eq!(size(&[(60, 4), (4, 64)]), 128);
        assert_eq!(size(&[(u64::MAX, 1), (8, 8)]), u64::MAX);
    }
}
