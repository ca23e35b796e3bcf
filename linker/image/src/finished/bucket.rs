//! The sites of one condition, and the runs that they make.

use std::collections::BTreeMap;

use alt_runtime::Insn;
use alt_runtime::finished::{Kind, MAX_RUN, RunHeader, Term};
use alt_runtime::record::Condition;

use super::WriteError;
use super::condition::{disjoint, never};
use super::sites::{Becomes, Site};

/// A site in a bucket, and its change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'a> {
    pub site: &'a Site,
    pub becomes: &'a Becomes,
}

/// The sites of one condition.
#[derive(Default, Debug)]
pub(super) struct Bucket<'a> {
    pub members: Vec<Member<'a>>,
    /// The number of sites that are in no bucket before.
    pub first: u32,
}

/// The sites of all conditions, sorted by their terms.
pub(super) fn all(sites: &[Site]) -> Result<BTreeMap<Vec<Term>, Bucket<'_>>, WriteError> {
    let mut buckets: BTreeMap<Vec<Term>, Bucket<'_>> = BTreeMap::new();
    for site in sites {
        let arms: Vec<&[Condition]> = site.arms.iter().map(|arm| &arm.terms[..]).collect();
        let ways = disjoint(&arms);
        let ways = ways.ok_or(WriteError::Conditions { site: site.address })?;
        let mut own: Vec<(Vec<Term>, Option<Member<'_>>)> = Vec::new();
        for (arm, ways) in site.arms.iter().zip(ways) {
            let Some(becomes) = &arm.becomes else {
                continue;
            };
            own.extend(
                ways.into_iter()
                    .map(|way| (way, Some(Member { site, becomes }))),
            );
        }
        if own.is_empty() {
            own.push((never(&arms), None));
        }
        // In the order of the buckets, where it counts in the first one.
        own.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (index, (terms, member)) in own.into_iter().enumerate() {
            let bucket = buckets.entry(terms).or_default();
            bucket.first += u32::from(index == 0);
            bucket.members.extend(member);
        }
    }
    for bucket in buckets.values_mut() {
        bucket.members.sort_by_key(|member| member.site.address);
    }
    Ok(buckets)
}

/// The common properties of the sites of a run, in the order of the runs in a bucket.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct RunKey {
    pub kind: Kind,
    pub len: u8,
    /// The value in the header of the run; for a callback, its address.
    pub value: u64,
}

/// The runs of a bucket. The sites of each are in address order; `index` finds words in the
/// dictionary.
pub(super) fn runs<'a>(
    members: &[Member<'a>],
    index: impl Fn(&[u32]) -> usize,
) -> BTreeMap<RunKey, Vec<(Member<'a>, u16)>> {
    let chosen = Chosen::new(members);
    let mut runs: BTreeMap<RunKey, Vec<(Member<'a>, u16)>> = BTreeMap::new();
    for member in members {
        let len = member.site.words.len() as u8;
        let key = |kind, value| RunKey { kind, len, value };
        let (key, payload) = match member.becomes {
            Becomes::Callback(callback) => (key(Kind::Callback, *callback), 0),
            Becomes::Words(words) => match chosen.kind_of(member) {
                Some((Kind::Branch, value)) => (key(Kind::Branch, 0), value as u16),
                Some((kind, value)) => (key(kind, value.into()), 0),
                None => {
                    let arm = without_nops(words);
                    let index = index(arm);
                    let base = index & !usize::from(u16::MAX);
                    let value = (base as u64) | (arm.len() as u64) << 24;
                    (key(Kind::Copy, value), (index - base) as u16)
                }
            },
        };
        runs.entry(key).or_default().push((*member, payload));
    }
    runs
}

/// Whether the words of `member` must be in the dictionary.
pub(super) fn in_dictionary<'a>(members: &[Member<'a>]) -> Vec<&'a [u32]> {
    let chosen = Chosen::new(members);
    let words = members.iter().filter_map(|member| match member.becomes {
        Becomes::Words(words) if chosen.kind_of(member).is_none() => Some(without_nops(words)),
        _ => None,
    });
    words.collect()
}

/// The words of an arm without the NOPs at its end.
fn without_nops(words: &[u32]) -> &[u32] {
    let len = words.iter().rposition(|word| *word != Insn::NOP.0);
    &words[..len.map_or(0, |last| last + 1)]
}

/// The sites of one instruction that make a separate run: those that become the same word, and
/// those that change in the same bits.
struct Chosen {
    /// The number of sites by new word and by change.
    counts: BTreeMap<(Kind, u32), Tally>,
}

/// Sites that could be a run.
#[derive(Default)]
struct Tally {
    sites: usize,
    /// Sites too far from the one before to be in its run.
    far: usize,
    last: Option<u64>,
}

impl Chosen {
    fn new(members: &[Member<'_>]) -> Self {
        let mut counts: BTreeMap<(Kind, u32), Tally> = BTreeMap::new();
        for member in members {
            for key in keys(member).into_iter().flatten() {
                let tally = counts.entry(key).or_default();
                let address = member.site.address;
                let distance = (address - tally.last.unwrap_or(address)) / 4;
                tally.sites += 1;
                tally.far += usize::from(distance > MAX_RUN as u64);
                tally.last = Some(address);
            }
        }
        Self { counts }
    }

    /// The kind of run that a site belongs to, and its value, or the displacement of a B; `None` for
    /// words of the dictionary.
    fn kind_of(&self, member: &Member<'_>) -> Option<(Kind, u32)> {
        // The pass counts each site of the other kinds as changed.
        if let Becomes::Words(words) = member.becomes
            && *words == member.site.words
        {
            return None;
        }
        let tally = |key| self.counts.get(&key).map(|tally| (key, tally));
        let larger = keys(member).into_iter().flatten().filter_map(tally);
        // The first of two equal runs.
        let larger = larger.rev().max_by_key(|(_, tally)| tally.sites);
        // A run has a header, and two bytes for each site; in a run of another kind, a site has four bytes.
        let is_worth = |tally: &Tally| {
            4 * RunHeader::LEN * (1 + tally.far) + 2 * tally.sites < 4 * tally.sites
        };
        match larger {
            Some((key, tally)) if is_worth(tally) => Some(key),
            _ => branch(member).map(|displacement| (Kind::Branch, displacement as u16 as u32)),
        }
    }
}

/// The two kinds of run that a site of one instruction could belong to.
fn keys(member: &Member<'_>) -> Option<[(Kind, u32); 2]> {
    match (&member.site.words[..], member.becomes) {
        ([old], Becomes::Words(words)) => match words[..] {
            [new] => Some([(Kind::Set, new), (Kind::Xor, old ^ new)]),
            _ => None,
        },
        _ => None,
    }
}

/// The displacement of the B that a site of one instruction becomes, in instructions.
fn branch(member: &Member<'_>) -> Option<i16> {
    let (Becomes::Words(words), at) = (member.becomes, member.site.address) else {
        return None;
    };
    let [word] = words[..] else { return None };
    // Whether a B by this number of instructions is this word.
    let displacement = (word << 6) as i32 >> 6;
    let displacement = i16::try_from(displacement).ok()?;
    let target = at.wrapping_add_signed(4 * i64::from(displacement));
    (Insn::branch(at, target) == Ok(Insn(word))).then_some(displacement)
}
