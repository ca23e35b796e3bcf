//! The model: the cache maintenance that a word of text needs before it may be executed.
//!
//! After a store, a CPU may fetch the old word until the data cache line is cleaned and the
//! instruction cache line invalidated *after that* (Arm ARM B2.4.4). State is kept for each word,
//! not for each line, because a word that was not written may be executed while its neighbours
//! change. Maintenance acts on all words of a line.

/// Bytes of a page.
pub const PAGE: u64 = 4096;
/// Words of a page.
pub const WORDS: usize = 1024;

/// Not cleaned since the last store.
const DIRTY: u16 = 1 << 15;
/// Invalidated before it was cleaned.
const EARLY: u16 = 1 << 14;
/// One bit for each CPU whose instruction cache may hold the old word.
const STALE: u16 = 0xff;

/// The caches of a CPU, from CTR_EL0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caches {
    /// Data cache line, bytes.
    pub data_line: u64,
    /// Instruction cache line, bytes.
    pub instruction_line: u64,
    /// Written data need not be cleaned for this CPU.
    pub idc: bool,
    /// The instruction cache need not be invalidated for this CPU.
    pub dic: bool,
    /// The instruction cache is indexed by physical address: an invalidation by one address is
    /// one by all.
    pub pipt: bool,
}

impl Caches {
    /// Reads CTR_EL0 (Arm ARM D24.2.34).
    pub const fn new(ctr: u64) -> Self {
        Self {
            data_line: 4 << (ctr >> 16 & 0xf),
            instruction_line: 4 << (ctr & 0xf),
            idc: ctr >> 28 & 1 != 0,
            dic: ctr >> 29 & 1 != 0,
            pipt: ctr >> 14 & 3 == 3,
        }
    }
}

/// Why a word may be stale.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Written; neither cleaned nor invalidated.
    Dirty = 1,
    /// Written and invalidated, but not cleaned.
    Invalidated = 2,
    /// Cleaned, not invalidated.
    Cleaned = 3,
    /// Invalidated and cleaned, in the wrong order.
    CleanedLate = 4,
}

/// The state of one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word(u16);

impl Word {
    /// Clean: every CPU executes the word in memory.
    pub const CLEAN: Self = Self(0);
    /// Just written.
    pub const WRITTEN: Self = Self(DIRTY | STALE);

    /// Cleaned to the point of unification, or beyond.
    pub const fn cleaned(self) -> Self {
        Self(self.0 & !DIRTY).tidy()
    }

    /// Invalidated in the instruction caches of `cpus`, one bit each; those in `idc` need no clean.
    pub const fn invalidated(self, cpus: u8, idc: u8) -> Self {
        let (cpus, idc) = (cpus as u16, idc as u16);
        if self.0 & DIRTY == 0 {
            return Self(self.0 & !cpus).tidy();
        }
        let early = match cpus & !idc {
            0 => 0,
            _ => EARLY,
        };
        Self(self.0 & !(cpus & idc) | early)
    }

    /// The CPU comes out of reset, with nothing in its instruction cache.
    pub const fn started(self, cpu: usize) -> Self {
        Self(self.0 & !(1 << cpu)).tidy()
    }

    /// Why CPU number `cpu` may execute another word than this.
    pub const fn state(self, cpu: usize, caches: Caches) -> Option<State> {
        let early = self.0 & EARLY != 0;
        if self.0 & DIRTY != 0 && !caches.idc {
            return Some(if early {
                State::Invalidated
            } else {
                State::Dirty
            });
        }
        if self.0 & 1 << cpu != 0 && !caches.dic {
            return Some(if early {
                State::CleanedLate
            } else {
                State::Cleaned
            });
        }
        None
    }

    /// Drops states without consequences.
    const fn tidy(self) -> Self {
        match self.0 & (DIRTY | STALE) {
            0 => Self::CLEAN,
            _ => self,
        }
    }
}

/// The words of a page.
#[derive(Clone)]
pub struct Page {
    words: [Word; WORDS],
}

impl Page {
    /// All words alike.
    pub const fn new(word: Word) -> Self {
        Self {
            words: [word; WORDS],
        }
    }

    /// The word at `offset` bytes from the page's start.
    pub fn word(&self, offset: u64) -> Word {
        self.words[(offset % PAGE / 4) as usize]
    }

    /// All of them.
    pub fn words(&self) -> &[Word; WORDS] {
        &self.words
    }

    /// Changes the words that overlap `start..end`, offsets in bytes; the range may exceed the
    /// page.
    pub fn change(&mut self, start: u64, end: u64, change: impl Fn(Word) -> Word) {
        let end = (end.min(PAGE).div_ceil(4)) as usize;
        let start = ((start / 4) as usize).min(end);
        for word in &mut self.words[start..end] {
            *word = change(*word);
        }
    }

    /// Whether CPU number `cpu` may execute all of it.
    pub fn is_clean(&self, cpu: usize, caches: Caches) -> bool {
        self.words
            .iter()
            .all(|word| word.0 == 0 || word.state(cpu, caches).is_none())
    }

    /// Whether it is in the state of unwatched memory.
    pub fn is_written(&self) -> bool {
        self.words.iter().all(|word| *word == Word::WRITTEN)
    }
}

/// The line of `size` bytes, a power of two, around an address.
pub const fn line(address: u64, size: u64) -> (u64, u64) {
    let start = address & !(size - 1);
    (start, start + size)
}
