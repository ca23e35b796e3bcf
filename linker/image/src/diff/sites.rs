//! The words of sites, and those that belong to them.

use std::collections::{HashMap, HashSet};

use super::error::{DiffError, ranges};
use crate::image::{Image, Section};
use crate::memory::Memory;
use crate::records::{Kind, Records};

/// The number of words before and after the site of a callback that are compared with it.
const NEIGHBOURS: u64 = 4;

/// Maps each word of a site to the site. The dump must have all sites of the sections that it has a
/// part of.
pub(super) fn by_word(
    image: &Image,
    records: &Records,
    dump: &[Memory<'_>],
    held: &[&Section],
) -> Result<HashMap<u64, u64>, DiffError> {
    let mut site_of = HashMap::new();
    for site in records.sites() {
        let mut words = site.range().step_by(4);
        if let Some(section) = image.section_at(site.address())
            && held.iter().any(|held| held.range == section.range)
            && !words.all(|word| dump.iter().any(|piece| piece.word(word).is_some()))
        {
            return Err(DiffError::Partial {
                dump: ranges(dump.iter().map(|piece| piece.base..piece.end())),
                site: site.address(),
                place: image.label(site.address()),
                section: section.name.clone(),
            });
        }
        site_of.extend(site.range().step_by(4).map(|word| (word, site.address())));
    }
    Ok(site_of)
}

/// The words that patching must not change, although it has to do with them: replacements in the
/// text, and those beside the site of a callback, which writes as many words as it likes.
pub(super) fn beside(image: &Image, records: &Records) -> HashSet<u64> {
    let mut words = HashSet::new();
    for record in records.list() {
        let (start, len) = match record.kind {
            Kind::Code { address, len } => (address, u64::from(len)),
            Kind::Callback { .. } => {
                let start = record.site.saturating_sub(4 * NEIGHBOURS);
                (start, u64::from(record.site_len) + 8 * NEIGHBOURS)
            }
            Kind::Branch { .. } | Kind::Nops => continue,
        };
        let all = (start..start.saturating_add(len)).step_by(4);
        words.extend(all.filter(|address| image.is_text(*address)));
    }
    words
}
