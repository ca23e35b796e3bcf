//! The words of the table.

use std::collections::{BTreeMap, HashMap};

use alt_runtime::finished::{BucketHeader, Digest, Header, Kind, MAX_RUN, RunHeader, Term};

use super::WriteError;
use super::bucket::{Bucket, Member, RunKey, in_dictionary, runs};
use super::sites::Site;

/// A finished table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// Its words.
    pub words: Vec<u32>,
    /// Number of its sites, of both kinds.
    pub sites: usize,
    /// Number of its buckets.
    pub buckets: usize,
    /// Number of words of its dictionary.
    pub dictionary: usize,
}

impl Written {
    /// The bytes of the table.
    pub fn bytes(&self) -> Vec<u8> {
        let words = self.words.iter();
        words.flat_map(|word| word.to_le_bytes()).collect()
    }
}

/// Writes the table of `buckets`, which contain `sites`, at `address`.
pub(super) fn table(
    sites: &[Site],
    buckets: &BTreeMap<Vec<Term>, Bucket<'_>>,
    address: u64,
) -> Result<Written, WriteError> {
    let base = sites
        .iter()
        .map(|site| site.address)
        .min()
        .unwrap_or(address);
    let field = address.wrapping_add(4 * Header::BASE as u64);
    let relative = i32::try_from(base.wrapping_sub(field) as i64);
    let relative = relative.map_err(|_| WriteError::TooFar { site: base })?;
    let dictionary = Dictionary::new(buckets);
    check_len(dictionary.words.len())?;

    let (mut directory, mut further, mut tables) = (Vec::new(), Vec::new(), Vec::new());
    let terms = buckets
        .keys()
        .map(|terms| BucketHeader::LEN + (terms.len() - 1).div_ceil(2));
    let start = Header::LEN + terms.sum::<usize>();
    for (terms, bucket) in buckets {
        let at = address.wrapping_add(4 * (start + tables.len()) as u64);
        let encoded = Encoded::new(bucket, base, at, &dictionary)?;
        let entry = BucketHeader {
            len: encoded.words.len() as u32,
            sites: bucket.members.len() as u32,
            first: bucket.first,
            digest: Digest::EMPTY.with_all(&encoded.words),
            text: encoded.text,
            terms: terms.len() as u16,
            term: terms[0],
        };
        directory.extend(entry.to_words());
        let pairs = terms[1..].chunks(2);
        further.extend(pairs.map(|pair| halves(pair[0].0, pair.get(1).map_or(0, |term| term.0))));
        tables.extend(encoded.words);
    }

    let branches = sites.iter().filter(|site| site.is_branch).count();
    let mut header = Header {
        len: (start + tables.len() + dictionary.words.len()) as u32,
        base: relative,
        branches: branches as u32,
        alternatives: (sites.len() - branches) as u32,
        words: sites.iter().map(|site| site.words.len() as u32).sum(),
        buckets: buckets.len() as u32,
        tables: start as u32,
        dictionary: (start + tables.len()) as u32,
        dictionary_digest: Digest::EMPTY.with_all(&dictionary.words),
        digest: Digest::EMPTY,
    };
    directory.extend(further);
    let before = &header.to_words()[..Header::DIGEST];
    header.digest = Digest::EMPTY.with_all(before).with_all(&directory);
    let mut words = header.to_words().to_vec();
    words.extend(directory);
    words.extend(tables);
    words.extend(&dictionary.words);
    Ok(Written {
        words,
        sites: sites.len(),
        buckets: buckets.len(),
        dictionary: dictionary.words.len(),
    })
}

/// Checks that a run can state the index of each word of the dictionary.
fn check_len(words: usize) -> Result<(), WriteError> {
    match words <= RunHeader::MAX_BASE as usize {
        true => Ok(()),
        false => Err(WriteError::Dictionary { words }),
    }
}

const fn halves(low: u16, high: u16) -> u32 {
    low as u32 | (high as u32) << 16
}

/// The words of replacements: each sequence once, and each single word once.
struct Dictionary<'a> {
    words: Vec<u32>,
    sequences: HashMap<&'a [u32], usize>,
}

impl<'a> Dictionary<'a> {
    fn new(buckets: &BTreeMap<Vec<Term>, Bucket<'a>>) -> Self {
        let mut all: Vec<&[u32]> = Vec::new();
        for bucket in buckets.values() {
            all.extend(in_dictionary(&bucket.members));
        }
        // The longest first: single words are found in those.
        all.sort_by_key(|words| (std::cmp::Reverse(words.len()), *words));
        all.dedup();
        let (mut words, mut sequences) = (Vec::new(), HashMap::new());
        let mut single: HashMap<u32, usize> = HashMap::new();
        for sequence in all {
            let known = match sequence {
                [word] => single.get(word).copied(),
                _ => None,
            };
            let index = known.unwrap_or(words.len());
            if known.is_none() {
                for (word, index) in sequence.iter().zip(index..) {
                    single.entry(*word).or_insert(index);
                }
                words.extend(sequence);
            }
            sequences.insert(sequence, index);
        }
        Self { words, sequences }
    }
}

/// The table of a bucket.
struct Encoded {
    words: Vec<u32>,
    /// Digest of the words at its sites.
    text: Digest,
}

impl Encoded {
    /// The table of `bucket`, at `address`, in an image whose lowest site is at `base`.
    fn new(
        bucket: &Bucket<'_>,
        base: u64,
        address: u64,
        dictionary: &Dictionary<'_>,
    ) -> Result<Self, WriteError> {
        let mut encoded = Self {
            words: Vec::new(),
            text: Digest::EMPTY,
        };
        let index = |words: &[u32]| dictionary.sequences.get(words).copied().unwrap_or_default();
        for (key, members) in runs(&bucket.members, index) {
            let mut rest = &members[..];
            while !rest.is_empty() {
                rest = encoded.run(key, rest, base, address)?;
            }
        }
        Ok(encoded)
    }

    /// Adds a run of as many members as it can have, and returns the others.
    fn run<'m, 'a>(
        &mut self,
        key: RunKey,
        members: &'m [(Member<'a>, u16)],
        base: u64,
        address: u64,
    ) -> Result<&'m [(Member<'a>, u16)], WriteError> {
        let first = members[0].0.site.address;
        let start = (first - base) / 4;
        let too_far = WriteError::TooFar { site: first };
        let start = u32::try_from(start).map_err(|_| too_far)?;
        let (mut steps, mut last) = (Vec::new(), first);
        for (member, payload) in members.iter().take(MAX_RUN) {
            let Ok(distance) = u16::try_from((member.site.address - last) / 4) else {
                break;
            };
            steps.push((distance, *payload));
            last = member.site.address;
            let words = member.site.words.iter();
            self.text = words.fold(self.text, |digest, word| digest.with(*word));
        }
        let sites = steps.len();
        let steps: Vec<u32> = match key.kind.has_payload() {
            true => steps
                .iter()
                .map(|(distance, payload)| halves(*distance, *payload))
                .collect(),
            false => {
                let pairs = steps.chunks(2);
                pairs
                    .map(|pair| halves(pair[0].0, pair.get(1).map_or(0, |step| step.0)))
                    .collect()
            }
        };
        let value = match key.kind {
            Kind::Callback => {
                let field = address.wrapping_add(4 * (self.words.len() + RunHeader::VALUE) as u64);
                let relative = i32::try_from(key.value.wrapping_sub(field) as i64);
                let too_far = WriteError::CallbackTooFar {
                    callback: key.value,
                };
                relative.map_err(|_| too_far)? as u32
            }
            _ => key.value as u32,
        };
        let header = RunHeader {
            kind: key.kind as u8,
            len: key.len,
            sites: sites as u16,
            value,
            start,
        };
        self.words.extend(header.to_words());
        self.words.extend(steps);
        Ok(&members[sites..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dictionary_of_too_many_words_is_refused() {
        assert_eq!(check_len(0xff_ffff), Ok(()));
        let refused = check_len(0x100_0000).unwrap_err();
        assert_eq!(refused, WriteError::Dictionary { words: 1 << 24 });
        assert!(refused.to_string().contains("16777215"), "{refused}");
    }
}
