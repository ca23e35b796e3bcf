//! A table to patch: text, records and replacements as bytes, and the expected result.
//!
//! The records follow the description of the layout in docs/records.md, and the expected text
//! follows the architecture, so alt-runtime is not tested with its own code.

use super::{
    linux::{HAS_VIRT_HOST_EXTN, ON_A76, SAME_LINE, SiteKind},
    random::Random,
    shape::{self, Shape},
};
use std::{collections::BTreeSet, ops::Range};

/// The address at which the guest reads it; qemu-tests/bench/src/case.rs has the same two numbers.
pub(crate) const ADDRESS: u64 = 0x4400_0000;
const MAGIC: u64 = 0x616c_7462_656e_6368;

/// The cpucaps that are present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caps {
    /// Those of a cortex-a76, entered at EL1.
    Most,
    /// All others.
    Few,
    /// No cpucap: every record is skipped.
    None,
    /// Those of a cortex-a76, entered at EL2.
    Host,
    /// All: every record applies.
    All,
}

impl Caps {
    /// Those of the table of passes.
    pub(crate) const ALL: [Self; 3] = [Self::Most, Self::Few, Self::None];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Most => "most",
            Self::Few => "few",
            Self::None => "none",
            Self::Host => "host",
            Self::All => "all",
        }
    }

    fn has(self, cap: u16) -> bool {
        match self {
            Self::Most => ON_A76.contains(&cap),
            Self::Few => !ON_A76.contains(&cap),
            Self::None => false,
            Self::Host => ON_A76.contains(&cap) || cap == HAS_VIRT_HOST_EXTN,
            Self::All => true,
        }
    }
}

/// cpucaps.toml has some more.
const CAPS: u16 = 102;

const NOP: u32 = 0xd503_201f;

/// Words of a cache line.
const LINE_WORDS: u64 = 16;

/// Instructions that are not PC-relative, from GNU as: ldadd, mrs, dsb, stlr, and, ldr, msr,
/// add, stp.
const PLAIN: [u32; 9] = [
    0xf821_0002,
    0xd538_4100,
    0xd503_3b9f,
    0xc89f_fc01,
    0x9240_1c20,
    0xf940_0820,
    0xd500_409f,
    0x8b03_0041,
    0xa9bf_07e0,
];

/// mrs x0, tpidr_el1; the lowest five bits are the register. And the bit that makes it tpidr_el2, above those
/// that make it another system register.
const MRS: u32 = 0xd538_d080;
const MRS_EL2: u32 = 1 << 18;
const MRS_REGISTER: u32 = 5;

/// movz x0, #0; bits 5 to 20 are the number.
const MOVZ: u32 = 0xd280_0000;

/// The result of bench-guest's callback for x3 and x5, from GNU as. Shorter sites become NOPs.
const COMPUTED: [u32; 5] = [
    0x9240_98a3,
    0x93c3_9c63,
    0x9104_8c63,
    0x9151_5863,
    0x93c3_6463,
];
/// The site: `and x3, x5, #1` and NOPs.
const TO_COMPUTE: [u32; 5] = [0x9240_00a3, NOP, NOP, NOP, NOP];

/// One case for the guest.
pub(crate) struct Table {
    /// To be loaded at [`ADDRESS`].
    pub(crate) bytes: Vec<u8>,
    /// Records whose cpucap is present.
    pub(crate) applied: usize,
    /// Words that must change.
    pub(crate) words: usize,
    /// Cache lines of 64 bytes that hold them, by address.
    pub(crate) lines: BTreeSet<u64>,
    /// FNV-1a over the words of the text as it must be.
    pub(crate) digest: u64,
    /// Bytes of the records and replacements.
    pub(crate) size: usize,
    /// Address of the guest's callback.
    pub(crate) callback: u64,
}

impl Table {
    /// A table of this number of records, for cpucaps to be present. `callback` is the address of
    /// the guest's.
    pub(crate) fn new(records: usize, caps: Caps, callback: u64) -> Self {
        Self::of(&shape::scaled(records), caps, callback)
    }

    /// A table of these records.
    pub(crate) fn of(shapes: &[Shape], caps: Caps, callback: u64) -> Self {
        let mut random = Random::new(0);
        let mut image = Image::new(shapes, &mut random);
        for (shape, index) in shapes.iter().zip(image.sites.clone()) {
            image.site(*shape, index, caps, &mut random);
        }
        image.finish(shapes.len(), caps, callback)
    }
}

/// A record that is not at its address yet.
struct Record {
    /// Index of the site's first word.
    site: usize,
    /// Index of the first word of the replacement; `None` for a callback.
    replacement: Option<usize>,
    condition: u16,
    words: u8,
}

struct Image {
    /// Index of the first word of each site.
    sites: Vec<usize>,
    text: Vec<u32>,
    expected: Vec<u32>,
    /// Site, condition and displacement.
    branches: Vec<(usize, u16, i16)>,
    alternatives: Vec<Record>,
    replacements: Vec<u32>,
    applied: usize,
}

/// The word of a B over this number of words.
fn branch(words: i64) -> u32 {
    0x1400_0000 | words as u32 & 0x03ff_ffff
}

impl Image {
    /// Text with sites at irregular distances, as often in one cache line as those of Linux.
    fn new(shapes: &[Shape], random: &mut Random) -> Self {
        let (mut end, mut last) = (0, None);
        let sites = shapes
            .iter()
            .map(|shape| {
                let percent = SAME_LINE[usize::from(last != Some(shape.cap))];
                last = Some(shape.cap);
                // On average, half of a line follows a site: that many words share the line with it.
                let site = end + random.below(100 * LINE_WORDS / 2 / percent) as usize;
                end = site + usize::from(shape.kind.words());
                site
            })
            .collect();
        let text: Vec<u32> = (0..end + 64).map(|i| PLAIN[i % PLAIN.len()]).collect();
        Self {
            sites,
            expected: text.clone(),
            text,
            branches: Vec::new(),
            alternatives: Vec::new(),
            replacements: Vec::new(),
            applied: 0,
        }
    }

    /// Another word of the text, near `site`.
    fn target(&self, site: usize, random: &mut Random) -> usize {
        let near = (site + random.below(400) as usize).saturating_sub(200);
        let near = near.min(self.text.len() - 1);
        if near == site { near + 1 } else { near }
    }

    fn site(&mut self, shape: Shape, site: usize, caps: Caps, random: &mut Random) {
        let Shape { kind, cap, way } = shape;
        let applies = caps.has(cap);
        self.applied += usize::from(applies);
        let words = kind.words();
        let range = site..site + usize::from(words);
        let (old, new) = match kind {
            SiteKind::LikelyBranch | SiteKind::UnlikelyBranch => {
                let target = self.target(site, random);
                let displacement = target as i64 - site as i64;
                let is_likely = kind == SiteKind::LikelyBranch;
                let condition = cap | u16::from(is_likely) << 15;
                self.branches.push((site, condition, displacement as i16));
                match is_likely {
                    true => (vec![branch(displacement)], vec![NOP]),
                    false => (vec![NOP], vec![branch(displacement)]),
                }
            }
            // Linux: mrs of tpidr_el1 or tpidr_el2, ldr or ldar.
            SiteKind::CodeToCode(1) => {
                let old = MRS | random.below(31) as u32;
                let new = old ^ (MRS_EL2 | u32::from(way) << MRS_REGISTER);
                (vec![old], vec![new])
            }
            SiteKind::NopsToCode(_) | SiteKind::CodeToCode(_) => {
                let old = match kind {
                    SiteKind::NopsToCode(_) => NOP,
                    _ => MRS,
                };
                let number = |index: u8| u32::from(way) << 6 | u32::from(index);
                let new = (0..words).map(|index| match kind {
                    // An atomic instead of a loop.
                    SiteKind::CodeToCode(4..) if index > 0 => NOP,
                    _ => MOVZ | number(index) << 5,
                });
                (vec![old; words.into()], new.collect())
            }
            SiteKind::Callback(_) => {
                self.alternatives.push(Record {
                    site,
                    replacement: None,
                    condition: cap | 1 << 15,
                    words,
                });
                let old = TO_COMPUTE[..words.into()].to_vec();
                match words {
                    5 => (old, COMPUTED.to_vec()),
                    words => (old, vec![NOP; words.into()]),
                }
            }
        };
        if matches!(kind, SiteKind::NopsToCode(_) | SiteKind::CodeToCode(_)) {
            self.alternative(site, cap, words, &new);
        }
        let now = if applies { &new } else { &old };
        self.expected[range.clone()].copy_from_slice(now);
        self.text[range].copy_from_slice(&old);
    }

    fn alternative(&mut self, site: usize, cap: u16, words: u8, new: &[u32]) {
        self.alternatives.push(Record {
            site,
            replacement: Some(self.replacements.len()),
            condition: cap,
            words,
        });
        self.replacements.extend(new);
    }

    /// Assigns the addresses, each part at the start of a page, and writes the header.
    fn finish(self, records: usize, caps: Caps, callback: u64) -> Table {
        let page = |bytes: u64| bytes.next_multiple_of(4096);
        let text = ADDRESS + 4096;
        let branches = text + page(4 * self.text.len() as u64);
        let alternatives = branches + page(8 * self.branches.len() as u64);
        let replacements = alternatives + page(12 * self.alternatives.len() as u64);
        let room = replacements + page(4 * self.replacements.len() as u64);
        let word = |start: u64, index: usize| start + 4 * index as u64;

        let mut bytes = vec![0; (room - ADDRESS) as usize];
        let mut put = |address: u64, value: &[u8]| {
            let at = (address - ADDRESS) as usize;
            bytes[at..at + value.len()].copy_from_slice(value);
        };
        // Offsets count from the field that holds them.
        let relative = |to: u64, field: u64| (to.wrapping_sub(field) as i32).to_le_bytes();
        let of_sites: usize = self
            .alternatives
            .iter()
            .map(|record| usize::from(record.words))
            .sum();
        let present = |caps_of: Range<u16>| {
            caps_of.fold(0, |set, cap| set | u64::from(caps.has(cap)) << (cap % 64))
        };
        let header = [
            MAGIC,
            text,
            self.text.len() as u64,
            branches,
            self.branches.len() as u64,
            alternatives,
            self.alternatives.len() as u64,
            replacements,
            self.replacements.len() as u64,
            room,
            (self.branches.len() + of_sites) as u64,
            present(0..64),
            present(64..CAPS),
        ];
        for (i, value) in header.iter().enumerate() {
            put(ADDRESS + 8 * i as u64, &value.to_le_bytes());
        }
        for (i, value) in self.text.iter().enumerate() {
            put(word(text, i), &value.to_le_bytes());
        }
        for (i, value) in self.replacements.iter().enumerate() {
            put(word(replacements, i), &value.to_le_bytes());
        }
        for (i, &(site, condition, displacement)) in self.branches.iter().enumerate() {
            let at = branches + 8 * i as u64;
            put(at, &relative(word(text, site), at));
            put(at + 4, &condition.to_le_bytes());
            put(at + 6, &displacement.to_le_bytes());
        }
        for (i, record) in self.alternatives.iter().enumerate() {
            let at = alternatives + 12 * i as u64;
            let replacement = record
                .replacement
                .map_or(callback, |index| word(replacements, index));
            put(at, &relative(word(text, record.site), at));
            put(at + 4, &relative(replacement, at + 4));
            put(at + 8, &record.condition.to_le_bytes());
            put(at + 10, &[record.words, record.words]);
        }
        debug_assert_eq!(self.branches.len() + self.alternatives.len(), records);

        let changed = || {
            let pairs = self.text.iter().zip(&self.expected).enumerate();
            pairs.filter(|(_, (old, new))| old != new).map(|(i, _)| i)
        };
        Table {
            applied: self.applied,
            words: changed().count(),
            lines: changed().map(|i| word(text, i) & !63).collect(),
            digest: digest(&self.expected),
            size: 8 * self.branches.len()
                + 12 * self.alternatives.len()
                + 4 * self.replacements.len(),
            bytes,
            callback,
        }
    }
}

/// FNV-1a over whole words.
fn digest(words: &[u32]) -> u64 {
    words.iter().fold(0xcbf2_9ce4_8422_2325, |digest, &word| {
        (digest ^ u64::from(word)).wrapping_mul(0x100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_of_a_present_cap_changes_its_words() {
        let none = Table::new(1_000, Caps::None, 0x4020_0000);
        assert_eq!((none.applied, none.words, none.lines.len()), (0, 0, 0));
        let [most, few] = [Caps::Most, Caps::Few].map(|caps| Table::new(1_000, caps, 0x4020_0000));
        assert_eq!(most.applied + few.applied, 1_000);
        // The two sets are disjoint, so their words add up to those of all sites.
        let words = shape::scaled(1_000)
            .into_iter()
            .map(|shape| match shape.kind {
                SiteKind::Callback(..5) => 1,
                kind => kind.words(),
            });
        assert_eq!(
            most.words + few.words,
            words.map(usize::from).sum::<usize>()
        );
        assert!((600..700).contains(&most.applied), "{}", most.applied);
        assert!(most.lines.len() <= most.words);
    }

    #[test]
    fn cases_differ_in_nothing_but_what_is_present() {
        let [most, few] = [Caps::Most, Caps::Few].map(|caps| Table::new(100, caps, 0x4020_0000));
        let present = 11 * 8..13 * 8;
        assert_ne!(most.bytes[present.clone()], few.bytes[present.clone()]);
        assert_eq!(most.bytes[..present.start], few.bytes[..present.start]);
        assert_eq!(most.bytes[present.end..], few.bytes[present.end..]);
        assert_ne!(most.digest, few.digest);
    }

    #[test]
    fn branches_are_as_an_assembler_writes_them() {
        // b .+12, b .-32
        assert_eq!((branch(3), branch(-8)), (0x1400_0003, 0x17ff_fff8));
    }
}
