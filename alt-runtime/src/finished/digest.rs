//! The digest of words: of tables, and of the instructions at sites.

/// A polynomial over the words, modulo 2^64: each word multiplies the digest by an odd constant, and adds
/// itself.
///
/// The constant has an inverse modulo 2^64, so two sequences of equal length that differ in one word never
/// have the same digest. It detects damage and the wrong text. It is not a protection
/// against an attacker, who can change digests as well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Digest(u64);

impl Digest {
    /// Of no words.
    pub const EMPTY: Self = Self(1);

    /// The multiplier of Knuth's MMIX generator. It is 5 modulo 8, so its powers repeat as late as
    /// possible: two words that change in the same bits do not cancel each other.
    const FACTOR: u64 = 6_364_136_223_846_793_005;

    /// The digest with one more word: one MADD.
    #[inline(always)]
    #[must_use]
    pub const fn with(self, word: u32) -> Self {
        Self(self.0.wrapping_mul(Self::FACTOR).wrapping_add(word as u64))
    }

    /// The digest with further words.
    #[inline(never)]
    #[must_use]
    pub fn with_all(self, words: &[u32]) -> Self {
        // The compiler does not unroll the loop by itself.
        let (fours, rest) = words.as_chunks::<4>();
        let digest = fours.iter().fold(self, |digest, [a, b, c, d]| {
            digest.with(*a).with(*b).with(*c).with(*d)
        });
        rest.iter().fold(digest, |digest, word| digest.with(*word))
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
