//! The instructions of a routine in an image, to be found by pattern and changed in a copy of
//! the file.

use crate::Image;
use crate::MutantError;
use object::{Object, ObjectSection};
use std::collections::BTreeMap;

/// Bits of an instruction that are compared, and their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) name: &'static str,
    pub(super) mask: u32,
    pub(super) bits: u32,
}

impl Pattern {
    pub(super) const fn new(name: &'static str, mask: u32, bits: u32) -> Self {
        Self { name, mask, bits }
    }

    pub(super) fn matches(self, word: u32) -> bool {
        word & self.mask == self.bits
    }
}

/// Functions of the image that can be changed.
pub(super) struct Routine<'a> {
    image: &'a Image,
    name: &'static str,
    /// Address and word.
    words: Vec<(u64, u32)>,
    changes: BTreeMap<u64, u32>,
}

impl<'a> Routine<'a> {
    /// The function whose demangled path ends with `name`.
    pub(super) fn find(image: &'a Image, name: &'static str) -> Result<Self, MutantError> {
        let missing = || MutantError::NoRoutine { name };
        let range = image.function(name).ok_or_else(missing)?;
        let length = (range.end - range.start) as usize;
        let bytes = image.bytes(range.start, length).ok_or_else(missing)?;
        Ok(Self {
            image,
            name,
            words: words(range.start, bytes),
            changes: BTreeMap::new(),
        })
    }

    /// All text but that of the functions with these names.
    pub(super) fn all_but(image: &'a Image, names: &[&'static str]) -> Result<Self, MutantError> {
        let mut out = Vec::new();
        for name in names {
            out.push(
                image
                    .function(name)
                    .ok_or(MutantError::NoRoutine { name })?,
            );
        }
        let text = image.sections().iter().filter(|section| section.executable);
        let words = text
            .flat_map(|section| words(section.range.start, &section.bytes))
            .filter(|(address, _)| !out.iter().any(|range| range.contains(address)))
            .collect();
        Ok(Self {
            image,
            name: "the text besides the patcher",
            words,
            changes: BTreeMap::new(),
        })
    }

    pub(super) fn words(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().map(|(_, word)| *word)
    }

    /// The index of the `n`th instruction of a kind, from 0, at or after `from`.
    pub(super) fn nth(
        &self,
        pattern: Pattern,
        from: usize,
        n: usize,
    ) -> Result<usize, MutantError> {
        let found = self.words.iter().enumerate().skip(from);
        found
            .filter(|(_, (_, word))| pattern.matches(*word))
            .nth(n)
            .map(|(index, _)| index)
            .ok_or(MutantError::NoPattern {
                routine: self.name,
                pattern: pattern.name,
                n,
            })
    }

    pub(super) fn word(&self, index: usize) -> u32 {
        self.words.get(index).map_or(0, |(_, word)| *word)
    }

    /// Replaces an instruction.
    pub(super) fn set(&mut self, index: usize, word: u32) {
        if let Some((address, _)) = self.words.get(index) {
            self.changes.insert(*address, word);
        }
    }

    /// Replaces all instructions of a kind; there must be one.
    pub(super) fn set_all(&mut self, pattern: Pattern, word: u32) -> Result<(), MutantError> {
        self.nth(pattern, 0, 0)?;
        for index in 0..self.words.len() {
            if pattern.matches(self.word(index)) {
                self.set(index, word);
            }
        }
        Ok(())
    }

    /// The file with the changes.
    pub(super) fn file(self) -> Result<Vec<u8>, MutantError> {
        let mut file = self.image.file().to_owned();
        let elf = object::File::parse(self.image.file()).map_err(|_| MutantError::NoPlace)?;
        for (address, word) in self.changes {
            let place = elf.sections().find_map(|section| {
                let (offset, size) = section.file_range()?;
                let inside = address.checked_sub(section.address())?;
                (section.address() != 0 && inside < size).then_some(offset + inside)
            });
            let place = usize::try_from(place.ok_or(MutantError::NoPlace)?)
                .map_err(|_| MutantError::NoPlace)?;
            let bytes = file.get_mut(place..place + 4).ok_or(MutantError::NoPlace)?;
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Ok(file)
    }
}

fn words(start: u64, bytes: &[u8]) -> Vec<(u64, u32)> {
    let (words, _) = bytes.as_chunks::<4>();
    let words = words.iter().map(|word| u32::from_le_bytes(*word));
    (start..).step_by(4).zip(words).collect()
}
