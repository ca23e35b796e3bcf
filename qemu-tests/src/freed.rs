//! Memory that the kernel freed while it ran: its sites are not checked.

use crate::{
    Image, Memory, Result,
    facts::{Fact, Hyp},
};
use std::ops::Range;

/// The word with which kernel-demo fills it: BRK #0x100 (Arm ARM C6.2, BRK).
const POISON: u32 = 0xd420_2000;

/// The parts of the image that were freed: the variant of the hypervisor that is not in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freed(Vec<Range<u64>>);

impl Freed {
    /// The parts that the log reports as freed, by the sections of the image.
    pub fn read(image: &Image, facts: &[Fact]) -> Self {
        let variants = facts.iter().filter_map(|fact| match fact {
            Fact::Hyp(Hyp::Freed { variant, .. }) => Some(*variant),
            _ => None,
        });
        let ranges = variants.flat_map(|variant| {
            ["text", "rodata", "data", "bss"]
                .map(|part| format!(".hyp.{variant}.{part}"))
                .into_iter()
                .filter_map(|name| Some(image.section(&name)?.range.clone()))
        });
        Self(ranges.filter(|range| !range.is_empty()).collect())
    }

    /// The parts.
    pub fn ranges(&self) -> &[Range<u64>] {
        &self.0
    }

    /// Whether an address is in one of them.
    pub fn holds(&self, address: u64) -> bool {
        self.0.iter().any(|range| range.contains(&address))
    }

    /// The first word that was not overwritten.
    ///
    /// # Errors
    /// [`crate::Error::NotCaptured`] when a part was not captured.
    pub fn left(&self, after: &Memory) -> Result<Option<u64>> {
        for range in &self.0 {
            let words = after.words(range.start, ((range.end - range.start) / 4) as usize)?;
            if let Some(index) = words.iter().position(|word| *word != POISON) {
                return Ok(Some(range.start + 4 * index as u64));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use test_support::TinyElf;

    #[test]
    fn what_was_freed_is_poison() {
        let at = 0x4100_0000;
        let (_directory, path) = TinyElf::new(&[])
            .section(".hyp.vhe.text", at, &[0; 8])
            .write();
        let image = Image::open(&path).unwrap();
        let fact = |variant| Fact::Hyp(Hyp::Freed { variant, bytes: 8 });
        assert!(Freed::read(&image, &[fact("nvhe")]).ranges().is_empty());
        let gone = Freed::read(&image, &[fact("vhe")]);
        assert_eq!(gone.ranges(), std::slice::from_ref(&(at..at + 8)));
        assert!(gone.holds(at + 4) && !gone.holds(at + 8));
        let memory = |words: [u32; 2]| {
            let mut memory = Memory::default();
            memory.add(at, words.map(u32::to_le_bytes).concat());
            memory
        };
        // As GNU as has `brk #0x100`.
        assert_eq!(gone.left(&memory([0xd420_2000; 2])).unwrap(), None);
        assert_eq!(gone.left(&memory([0xd420_2000, 0])).unwrap(), Some(at + 4));
        assert!(gone.left(&Memory::default()).is_err());
    }
}
