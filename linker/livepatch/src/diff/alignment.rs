//! Which instructions of two versions of a function differ.

use crate::model::{AtomId, Model, Target};

use super::matching::Pairs;

/// Above this product of lengths, all instructions between the common start and the common end
/// count as different: the table of the comparison would take more than 64 MB.
const MOST: usize = 1 << 24;

/// The offsets of the instructions that differ: those of the old version without a counterpart, and
/// those of the new version.
pub(super) fn differing(
    pairs: &Pairs,
    (old_model, old): (&Model, AtomId),
    (new_model, new): (&Model, AtomId),
) -> (Vec<u64>, Vec<u64>) {
    let a = tokens(old_model, old, |id| {
        pairs.new_of(id).map(Ok).unwrap_or(Err(id))
    });
    let b = tokens(new_model, new, Ok);
    let prefix = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (rest_a, rest_b) = (&a[prefix..], &b[prefix..]);
    let back = rest_a.iter().rev().zip(rest_b.iter().rev());
    let suffix = back.take_while(|(a, b)| a == b).count();
    let (a, b) = (
        &rest_a[..rest_a.len() - suffix],
        &rest_b[..rest_b.len() - suffix],
    );
    let (left, right) = match a.len() * b.len() > MOST {
        true => ((0..a.len()).collect(), (0..b.len()).collect()),
        false => unmatched(a, b),
    };
    let offset = |index: usize| (prefix + index) as u64 * 4;
    (
        left.into_iter().map(offset).collect(),
        right.into_iter().map(offset).collect(),
    )
}

/// An instruction, with the distance removed from branches inside the function, and what it refers
/// to. `Err` is a function or static that only the old build has.
type Token = (u32, Option<(u32, Result<AtomId, AtomId>)>);

fn tokens(
    model: &Model,
    id: AtomId,
    translate: impl Fn(AtomId) -> Result<AtomId, AtomId>,
) -> Vec<Token> {
    let atom = model.atom(id);
    let mut references = atom.references.iter().peekable();
    let words = atom.bytes.as_chunks::<4>().0.iter().enumerate();
    words
        .map(|(index, word)| {
            let at = index as u64 * 4;
            while references
                .peek()
                .is_some_and(|reference| reference.offset < at)
            {
                references.next();
            }
            let word = u32::from_le_bytes(*word);
            match references.peek().filter(|reference| reference.offset == at) {
                Some(reference) => match reference.target {
                    Target::Atom(to) if super::matching::has_identity(model.atom(to).kind) => {
                        (word, Some((reference.kind, translate(to))))
                    }
                    _ => (word, None),
                },
                None => (without_distance(word), None),
            }
        })
        .collect()
}

/// B, BL, B.cond, CBZ, CBNZ, TBZ, TBNZ and ADR without their distance (Arm ARM C4.1).
fn without_distance(word: u32) -> u32 {
    if word & 0x7c00_0000 == 0x1400_0000 {
        word & 0xfc00_0000
    } else if word & 0xff00_0010 == 0x5400_0000 || word & 0x7e00_0000 == 0x3400_0000 {
        word & 0xff00_001f
    } else if word & 0x7e00_0000 == 0x3600_0000 {
        word & 0xfff8_001f
    } else if word & 0x9f00_0000 == 0x1000_0000 {
        word & 0x9f00_001f
    } else {
        word
    }
}

/// The elements of two lists that are not in their longest common subsequence.
fn unmatched(a: &[Token], b: &[Token]) -> (Vec<usize>, Vec<usize>) {
    let width = b.len() + 1;
    let mut longest = vec![0u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i * width + j] = match a[i] == b[j] {
                true => longest[(i + 1) * width + j + 1] + 1,
                false => longest[(i + 1) * width + j].max(longest[i * width + j + 1]),
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            i += 1;
            j += 1;
        } else if longest[(i + 1) * width + j] >= longest[i * width + j + 1] {
            left.push(i);
            i += 1;
        } else {
            right.push(j);
            j += 1;
        }
    }
    left.extend(i..a.len());
    right.extend(j..b.len());
    (left, right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longest_common_subsequence_is_left_out() {
        let list = |words: &[u32]| words.iter().map(|word| (*word, None)).collect::<Vec<_>>();
        let (a, b) = (list(&[1, 2, 3, 4]), list(&[1, 3, 5, 4]));
        assert_eq!(unmatched(&a, &b), (vec![1], vec![2]));
        assert_eq!(unmatched(&a, &[]), (vec![0, 1, 2, 3], vec![]));
    }

    /// By GNU as: b, b.eq, cbz x1, tbz w2 #3, adr x4; add x0, x1, #2 stays.
    #[test]
    fn distances_are_removed() {
        for (word, expected) in [
            (0x1400_0005, 0x1400_0000),
            (0x5400_0060, 0x5400_0000),
            (0xb400_0041, 0xb400_0001),
            (0x3618_0042, 0x3618_0002),
            (0x1000_0044, 0x1000_0004),
            (0x9100_0820, 0x9100_0820),
        ] {
            assert_eq!(without_distance(word), expected, "{word:#x}");
        }
    }
}
