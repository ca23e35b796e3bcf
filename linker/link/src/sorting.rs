//! The savings and costs of sorting the sections of an image by alignment.
//!
//! An input section begins at a multiple of its alignment, so there is padding between sections of
//! different alignment. `SORT_BY_ALIGNMENT` in a linker script avoids most of it, and moves functions
//! away from those that they call: with them in one page, they share an entry of the TLB and lines
//! of the cache.
//!
//! This is an estimate: it sorts all input sections of an output section, whichever pattern of the linker
//! script placed them.

use crate::map::Placed;

/// The page that calls stay in, in bytes.
pub const PAGE: u64 = 4096;

/// An output section, as linked and sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// The number of its input sections.
    pub inputs: usize,
    /// As it is.
    pub now: Measure,
    /// All input sections sorted by alignment, the largest first.
    pub overall: Measure,
    /// The input sections of each file sorted by alignment; files stay in their order.
    pub within_files: Measure,
}

/// The padding and the calls of one order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measure {
    /// Bytes between input sections.
    pub padding: u64,
    /// Calls inside the output section.
    pub calls: u64,
    /// Calls that stay in a page of [`PAGE`] bytes.
    pub in_page: u64,
    /// The sum of the distances of all calls, in bytes.
    pub distance: u64,
}

impl Measure {
    /// The average distance of a call, in bytes.
    pub fn average(&self) -> u64 {
        self.distance.checked_div(self.calls).unwrap_or_default()
    }
}

/// Measures each output section of a map. `calls` are the addresses of calls and of their targets.
pub fn measure(map: &[Placed], calls: &[(u64, u64)]) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut rest = map;
    while let Some(first) = rest.first() {
        let same = rest
            .iter()
            .take_while(|placed| placed.output == first.output);
        let (own, after) = rest.split_at(same.count());
        rest = after;
        // Symbols and empty sections have no place to lose.
        let mut own: Vec<_> = own.iter().filter(|placed| placed.size != 0).collect();
        own.sort_by_key(|placed| placed.address);
        if !own.is_empty() {
            sections.push(section(&own, calls));
        }
    }
    sections
}

fn section(own: &[&Placed], calls: &[(u64, u64)]) -> Section {
    let mut overall = own.to_vec();
    overall.sort_by_key(|placed| std::cmp::Reverse(placed.align));
    let mut files: Vec<&str> = Vec::new();
    for placed in own {
        if !files.contains(&placed.file.as_str()) {
            files.push(&placed.file);
        }
    }
    let mut within_files = own.to_vec();
    within_files.sort_by_key(|placed| {
        let file = files.iter().position(|file| *file == placed.file);
        (file, std::cmp::Reverse(placed.align))
    });
    let now = own.iter().map(|placed| placed.address).collect::<Vec<_>>();
    Section {
        name: own[0].output.clone(),
        inputs: own.len(),
        now: of(own, own, &now, calls),
        overall: of(own, &overall, &placed(&overall), calls),
        within_files: of(own, &within_files, &placed(&within_files), calls),
    }
}

/// The addresses of sections in a given order.
fn placed(order: &[&Placed]) -> Vec<u64> {
    let mut at = order
        .iter()
        .map(|placed| placed.address)
        .min()
        .unwrap_or_default();
    let place = |placed: &&Placed| {
        let start = at.next_multiple_of(placed.align);
        at = start.saturating_add(placed.size);
        start
    };
    order.iter().map(place).collect()
}

/// Measures sections, which are now as in `own`, at other addresses.
fn of(own: &[&Placed], order: &[&Placed], starts: &[u64], calls: &[(u64, u64)]) -> Measure {
    let mut measure = Measure::default();
    let mut end = starts.first().copied().unwrap_or_default();
    let mut moved: Vec<(u64, u64)> = Vec::new();
    for (placed, start) in order.iter().zip(starts) {
        measure.padding = measure.padding.saturating_add(start.saturating_sub(end));
        end = start.saturating_add(placed.size);
        moved.push((placed.address, *start));
    }
    moved.sort_unstable();
    let new = |address: u64| {
        let after = own.partition_point(|placed| placed.address <= address);
        let placed = own.get(after.checked_sub(1)?)?;
        let inside = address - placed.address < placed.size;
        let index = moved.partition_point(|(old, _)| *old < placed.address);
        let (old, start) = moved.get(index).filter(|_| inside)?;
        Some(start + (address - old))
    };
    for (from, to) in calls {
        let (Some(from), Some(to)) = (new(*from), new(*to)) else {
            continue;
        };
        measure.calls += 1;
        measure.in_page += u64::from(from / PAGE == to / PAGE);
        measure.distance = measure.distance.saturating_add(from.abs_diff(to));
    }
    measure
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: u64, size: u64, align: u64, file: &str) -> Placed {
        Placed {
            output: ".text".into(),
            address,
            size,
            align,
            file: file.into(),
            section: String::new(),
        }
    }

    /// Two files, each with a short function between functions of alignment 64.
    #[test]
    fn padding_and_calls_are_those_of_the_order() {
        let map = [
            at(0, 4, 4, "a"),
            at(64, 4, 64, "a"),
            at(68, 4, 4, "b"),
            at(128, 64, 64, "b"),
        ];
        // From a's first function to its second one, and to b's first one.
        let calls = [(0, 64), (0, 68), (0, 0x9000)];
        let [section] = &measure(&map, &calls)[..] else {
            panic!();
        };
        assert_eq!((section.name.as_str(), section.inputs), (".text", 4));
        let expected = |padding, distance| Measure {
            padding,
            calls: 2,
            in_page: 2,
            distance,
        };
        assert_eq!(section.now, expected(60 + 56, 64 + 68));
        // 64s first: 0..4, 64..128, and then 128 and 132. The calls go from 128 to 0 and to 132.
        assert_eq!(section.overall, expected(60, 128 + 4));
        // a: 0..4, 4..8; b: 64..128, 128..132. The calls go from 4 to 0 and to 128.
        assert_eq!(section.within_files, expected(56, 4 + 124));
        assert_eq!(section.overall.average(), 66);
        assert_eq!(Measure::default().average(), 0);
    }

    #[test]
    fn calls_that_leave_their_page_are_counted() {
        let map = [
            at(0, 16, 4, "a"),
            at(16, 16, 4, "a"),
            at(4096, 8192, 4096, "a"),
            at(12288, 16, 4, "b"),
        ];
        let calls = [(0, 16), (16, 12288)];
        let section = measure(&map, &calls).remove(0);
        assert_eq!((section.now.in_page, section.now.padding), (1, 4064));
        // 8192 bytes first; the small ones follow in one page.
        assert_eq!((section.overall.in_page, section.overall.padding), (2, 0));
        assert_eq!(section.overall.distance, 16 + 16);
    }

    #[test]
    fn output_sections_are_apart() {
        let mut map = vec![at(0, 4, 4, "a"), at(16, 0, 16, "a"), at(32, 4, 16, "a")];
        map[2].output = ".data".into();
        let sections = measure(&map, &[(0, 32)]);
        let names: Vec<_> = sections
            .iter()
            .map(|s| (s.name.as_str(), s.inputs))
            .collect();
        assert_eq!(names, [(".text", 1), (".data", 1)]);
        assert_eq!(sections[0].now.calls, 0);
    }
}
