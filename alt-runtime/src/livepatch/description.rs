//! The description of a payload: its header, and its tables by entry.

use super::format::{Entry, Expectation, Function, Header, Relocation, Span, Symbol};

/// The bytes of a description whose tables have been found to be inside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Description<'a> {
    bytes: &'a [u8],
    pub header: Header,
}

impl<'a> Description<'a> {
    /// The description with this header. A table that is not inside `bytes` is as if it were empty
    /// from the first entry outside on.
    pub const fn new(bytes: &'a [u8], header: Header) -> Self {
        Self { bytes, header }
    }

    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub fn functions(&self) -> impl Iterator<Item = Function> + use<'a> {
        self.entries::<Function, 9>(self.header.functions)
    }

    /// The last function, by index, whose old one begins at or before `offset` from the anchor.
    pub fn function_before(&self, offset: i64) -> Option<(usize, Function)> {
        let function = |index: usize| {
            let at = self.header.functions.start as usize + index * Function::SIZE;
            let bytes = self.bytes.get(at..)?;
            Some(entry::<Function, 9>(bytes.get(..Function::SIZE)?))
        };
        let is_before = |function: &Function| i64::from(function.old as i32) <= offset;
        // The parser has found them sorted.
        let (mut low, mut high) = (0, self.header.functions.len as usize);
        while low < high {
            let middle = low + (high - low) / 2;
            match function(middle).is_some_and(|function| is_before(&function)) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        let last = low.checked_sub(1)?;
        Some((last, function(last)?))
    }

    /// The words that the place of the function's branch may hold.
    pub fn words(&self, function: &Function) -> impl Iterator<Item = u32> + use<'a> {
        let table = self.header.words;
        let part = Span {
            start: table
                .start
                .saturating_add(function.first_word.saturating_mul(4)),
            len: function.word_count,
        };
        self.entries::<Word, 1>(part).map(|Word(word)| word)
    }

    pub fn expectations(&self) -> impl Iterator<Item = Expectation> + use<'a> {
        self.entries::<Expectation, 2>(self.header.expectations)
    }

    pub fn relocations(&self) -> impl Iterator<Item = Relocation> + use<'a> {
        self.entries::<Relocation, 4>(self.header.relocations)
    }

    pub fn symbols(&self) -> impl Iterator<Item = Symbol> + use<'a> {
        self.entries::<Symbol, 4>(self.header.symbols)
    }

    /// The payload's name. It has been found to be text.
    pub fn name(&self) -> &'a str {
        let Span { start, len } = self.header.name;
        part(self.bytes, start, len)
            .and_then(|name| core::str::from_utf8(name).ok())
            .unwrap_or_default()
    }

    /// The entries of a table, by index.
    fn entries<E: Entry<WORDS> + 'a, const WORDS: usize>(
        &self,
        table: Span,
    ) -> impl Iterator<Item = E> + use<'a, E, WORDS> {
        let bytes = self.bytes.get(table.start as usize..).unwrap_or_default();
        bytes
            .chunks_exact(E::SIZE)
            .take(table.len as usize)
            .map(entry)
    }
}

/// The entry that has these bytes.
fn entry<E: Entry<WORDS>, const WORDS: usize>(bytes: &[u8]) -> E {
    let mut words = [0; WORDS];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    E::from_words(words)
}

/// An entry of the table of words.
struct Word(u32);

impl Entry<1> for Word {
    fn from_words([word]: [u32; 1]) -> Self {
        Self(word)
    }

    fn to_words(&self) -> [u32; 1] {
        [self.0]
    }
}

/// `len` bytes of `bytes` from `start` on.
pub(super) fn part(bytes: &[u8], start: u32, len: u32) -> Option<&[u8]> {
    bytes.get(start as usize..)?.get(..len as usize)
}

/// A name, if it is text: UTF-8 without control characters, and not empty.
pub(super) fn text(bytes: &[u8]) -> Option<&str> {
    let text = core::str::from_utf8(bytes).ok()?;
    (!text.is_empty() && !text.chars().any(char::is_control)).then_some(text)
}
