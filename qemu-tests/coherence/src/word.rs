//! One written word on its way to being visible.

use crate::{
    Cache,
    violation::{Address, Missing},
};

/// A word that has been stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    pub stored_by: u32,
    pub stored_at: Address,
    /// Whether a routine has stored it that must make its words visible.
    pub is_promised: bool,
    /// Whether it was cleaned to the point of coherency.
    pub is_coherent: bool,
    /// When it was at the point of unification: after its clean and a DSB.
    pub ordered: Option<u64>,
    stage: Stage,
    /// The stage that it had when it was invalidated too early.
    too_early: Option<Missing>,
}

/// The last step that was taken in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Stored,
    Cleaned,
    /// A DSB has followed the clean.
    Ordered,
    Invalidated(Extent),
    /// At this time.
    Complete(Extent, u64),
}

/// The caches that an invalidation affects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The page that the word is executed in, on all CPUs.
    Page(u64),
    /// All pages, on the CPU that executes it.
    Local,
    /// All pages, on all CPUs; or no invalidation is needed.
    All,
}

impl Word {
    pub(crate) fn new(stored_by: u32, stored_at: Address, is_promised: bool) -> Self {
        Self {
            stored_by,
            stored_at,
            is_promised,
            is_coherent: false,
            ordered: None,
            stage: Stage::Stored,
            too_early: None,
        }
    }

    pub(crate) fn is_stored(&self) -> bool {
        self.stage == Stage::Stored
    }

    /// When the last step of the storing CPU was complete.
    pub(crate) fn completed(&self) -> Option<u64> {
        match self.stage {
            Stage::Complete(_, time) => Some(time),
            _ => None,
        }
    }

    /// Its line is cleaned, maybe to the point of coherency. Returns whether a DSB must follow.
    pub(crate) fn clean(&mut self, to_coherency: bool) -> bool {
        self.is_coherent |= to_coherency;
        let is_first = self.stage == Stage::Stored;
        if is_first {
            self.stage = Stage::Cleaned;
        }
        is_first
    }

    /// It is invalidated. Returns whether a DSB must follow.
    pub(crate) fn invalidate(&mut self, extent: Extent, cache: &Cache) -> bool {
        match self.stage {
            Stage::Stored if cache.needs_clean => {
                self.too_early.get_or_insert(Missing::InvalidateAfterClean);
                false
            }
            Stage::Stored | Stage::Cleaned => {
                self.too_early.get_or_insert(Missing::BarrierAfterClean);
                false
            }
            Stage::Ordered => {
                self.stage = Stage::Invalidated(extent);
                true
            }
            // The DSB that it waits for is for this one as well.
            Stage::Invalidated(found) => {
                self.stage = Stage::Invalidated(found.or(extent));
                false
            }
            Stage::Complete(found, _) if found.is_less_than(extent) => {
                self.stage = Stage::Invalidated(extent);
                true
            }
            Stage::Complete(..) => false,
        }
    }

    /// A DSB of the storing CPU: for all accesses, or for stores only. Returns whether the word
    /// needs another one.
    pub(crate) fn barrier(&mut self, is_full: bool, cache: &Cache, now: u64) -> bool {
        match self.stage {
            // A store is complete after either; maintenance only after a full one.
            Stage::Stored if !cache.needs_clean => {}
            Stage::Cleaned if is_full => {}
            Stage::Invalidated(extent) if is_full => {
                self.stage = Stage::Complete(extent, now);
                return false;
            }
            Stage::Cleaned | Stage::Invalidated(_) => return true,
            _ => return false,
        }
        self.ordered = Some(now);
        self.stage = if cache.needs_invalidate {
            Stage::Ordered
        } else {
            Stage::Complete(Extent::All, now)
        };
        false
    }

    /// The first step that is missing for a CPU that executes it in a page, if it is known which,
    /// and whose last context synchronisation event was at the time `synced`.
    pub(crate) fn missing(
        &self,
        cpu: u32,
        page: Option<u64>,
        synced: u64,
        cache: &Cache,
    ) -> Option<Missing> {
        let (extent, time) = match self.stage {
            Stage::Stored if cache.needs_clean => return Some(Missing::Clean),
            Stage::Stored | Stage::Cleaned => return Some(Missing::BarrierAfterClean),
            Stage::Ordered => return Some(self.too_early.unwrap_or(Missing::Invalidate)),
            Stage::Invalidated(_) => return Some(Missing::BarrierAfterInvalidate),
            Stage::Complete(extent, time) => (extent, time),
        };
        match extent {
            Extent::Local if cpu != self.stored_by => Some(Missing::InvalidateEverywhere),
            Extent::Page(by) if page.is_some_and(|page| page != by) => {
                Some(Missing::InvalidateByAddress)
            }
            _ if synced < time => Some(Missing::Synchronise),
            _ => None,
        }
    }
}

impl Extent {
    /// The union of both. Of two by address, the last one counts.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (page, Self::Local) => page,
            (_, page) => page,
        }
    }

    /// Whether `other` may affect caches that this one does not. The address at which the word is
    /// executed is not known.
    fn is_less_than(self, other: Self) -> bool {
        match (self, other) {
            (Self::Local, other) => other != Self::Local,
            (Self::Page(page), Self::Page(other)) => page != other,
            _ => false,
        }
    }
}
