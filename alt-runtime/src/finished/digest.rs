//! The digest of words: of tables, and of the instructions at sites.

/// FNV-1a with 64 bits, which takes a word of 32 bits where the original takes a byte.
///
/// For a given word, a step maps each state to a different state; for a given state, it maps each
/// word to a different state. So two sequences of equal length that differ in one word never have
/// the same digest. It is a
/// check against damage and against the wrong text. It is no protection against an attacker, who can
/// change digests as well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Digest(u64);

impl Digest {
    /// Of no words: the offset basis of FNV-1a.
    pub const EMPTY: Self = Self(0xcbf2_9ce4_8422_2325);

    /// The digest with one more word.
    #[inline(always)]
    #[must_use]
    pub const fn with(self, word: u32) -> Self {
        Self((self.0 ^ word as u64).wrapping_mul(0x0100_0000_01b3))
    }

    /// The digest with further words.
    #[inline(always)]
    #[must_use]
    pub fn with_all(self, words: &[u32]) -> Self {
        let words = words.iter();
        words.fold(self, |digest, word| digest.with(*word))
    }

    /// As two words of a table, the low half first.
    pub const fn to_words(self) -> [u32; 2] {
        [self.0 as u32, (self.0 >> 32) as u32]
    }

    /// From two words of a table.
    pub const fn from_words([low, high]: [u32; 2]) -> Self {
        Self(low as u64 | (high as u64) << 32)
    }
}
