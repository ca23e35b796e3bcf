//! One run: sites of one kind and length, in address order.

use super::format::{Kind, RunHeader};

/// Sites of one kind and length, in address order.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    kind: Kind,
    header: RunHeader,
    /// Where the run is linked.
    address: u64,
    steps: &'a [u32],
}

/// One site of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// Where it begins, in words from the lowest site.
    pub offset: u64,
    /// The high half of its step; 0 if the kind has no payload.
    pub payload: u16,
}

impl<'a> Run<'a> {
    /// The run that `words` begin with; `None` if it has an unknown kind, no sites, sites without
    /// instructions, several for a kind that has one, or more steps than there are.
    pub(super) fn first_of(address: u64, words: &'a [u32]) -> Option<Self> {
        let (first, rest) = words.split_first_chunk::<{ RunHeader::LEN }>()?;
        let header = RunHeader::from_words(first);
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| *kind as u8 == header.kind)?;
        let is_long = matches!(kind, Kind::Copy | Kind::Callback);
        if header.sites == 0 || header.len == 0 || header.len > 1 && !is_long {
            return None;
        }
        Some(Self {
            kind,
            header,
            address,
            steps: rest.get(..kind.words(header.sites.into()))?,
        })
    }

    /// The kind of its sites.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Its first words.
    pub const fn header(&self) -> &RunHeader {
        &self.header
    }

    /// The address of the callback of a run of [`Kind::Callback`].
    pub const fn callback(&self) -> u64 {
        self.address
            .wrapping_add(4 * RunHeader::VALUE as u64)
            .wrapping_add_signed(self.header.value as i32 as i64)
    }

    /// Where the run is linked.
    pub const fn address(&self) -> u64 {
        self.address
    }

    /// Its length in the table, in words.
    #[inline(always)]
    pub(crate) const fn len(&self) -> usize {
        RunHeader::LEN + self.steps.len()
    }

    /// The words of its steps.
    pub const fn words(&self) -> &'a [u32] {
        self.steps
    }

    /// Its sites, in address order.
    pub fn steps(&self) -> impl Iterator<Item = Step> + use<'a> {
        let (words, has_payload) = (self.steps, self.kind.has_payload());
        let mut offset = u64::from(self.header.start);
        (0..usize::from(self.header.sites)).map_while(move |index| {
            let (distance, payload) = match has_payload {
                true => words
                    .get(index)
                    .map(|word| (*word as u16, (word >> 16) as u16))?,
                false => ((words.get(index / 2)? >> (16 * (index % 2))) as u16, 0),
            };
            offset += u64::from(distance);
            Some(Step { offset, payload })
        })
    }
}
