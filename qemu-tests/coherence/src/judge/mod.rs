//! The judge: all written words, and the progress of each CPU since.

use std::collections::HashMap;

use crate::{
    Cache,
    violation::{Address, Missing, Violation, When},
    word::{Extent, Word},
};

const WORD: u64 = 4;
const PAGE: u64 = 4096;

/// Receives the operations of the CPUs in their order, and returns violations.
#[derive(Debug)]
pub struct Judge {
    cache: Cache,
    cpus: Vec<Cpu>,
    /// By physical address.
    words: HashMap<u64, Word>,
    /// Counts the operations.
    now: u64,
    /// The last time at which a promised word became complete, and that word.
    promise: Option<(u64, u64)>,
}

#[derive(Clone, Debug, Default)]
struct Cpu {
    /// Time of the last context synchronisation event.
    synced: u64,
    /// Words that the next DSB may bring forward.
    waiting: Vec<u64>,
    /// Words that it must make visible before its routine returns.
    promised: Vec<u64>,
    /// When it last turned an MMU on. Before, it fetched from memory past the data caches, and the
    /// instruction cache may have kept those lines (Arm ARM D7.5.7).
    turned_on: Option<u64>,
    /// When it invalidated its whole instruction cache, until a DSB.
    invalidating: Option<u64>,
    /// The same for the caches of all CPUs.
    invalidating_all: Option<u64>,
    /// The last time when its instruction cache was empty.
    emptied: Option<Emptied>,
}

/// An invalidation of a whole instruction cache.
#[derive(Clone, Copy, Debug)]
struct Emptied {
    /// Time of the IC: later fetches find the words that were at the point of unification then.
    asked: u64,
    /// The time of the DSB after it.
    done: u64,
}

impl Judge {
    /// A judge of a system with this number of CPUs and these caches.
    pub fn new(cpus: usize, cache: Cache) -> Self {
        Self {
            cache,
            cpus: vec![Cpu::default(); cpus],
            words: HashMap::new(),
            now: 0,
            promise: None,
        }
    }

    /// `cpu` has stored `size` bytes through the virtual address `at`. With `is_promised`, it
    /// did so in a routine that makes the words visible before it returns.
    pub fn store(&mut self, cpu: u32, at: Address, physical: u64, size: u64, is_promised: bool) {
        self.now += 1;
        let Some(state) = self.cpus.get_mut(cpu as usize) else {
            return;
        };
        let first = physical & !(WORD - 1);
        for word in (first..physical.saturating_add(size)).step_by(WORD as usize) {
            let at = Address(at.0.wrapping_add(word.wrapping_sub(physical)));
            let new = Word::new(cpu, at, is_promised);
            let old = self.words.insert(word, new);
            let waits = old.is_some_and(|old| old.is_stored() && old.stored_by == cpu);
            if !self.cache.needs_clean && !waits {
                state.waiting.push(word);
            }
            if is_promised {
                state.promised.push(word);
            }
        }
    }

    /// `cpu` has cleaned the data cache line with this physical address: to the point of
    /// unification, or of coherency.
    pub fn clean(&mut self, cpu: u32, physical: u64, to_coherency: bool) {
        self.now += 1;
        let line = self.cache.data_line;
        self.each(cpu, physical, line, |word| word.clean(to_coherency));
    }

    /// `cpu` has invalidated the instruction cache line of a virtual and physical address.
    pub fn invalidate(&mut self, cpu: u32, at: Address, physical: u64) {
        self.now += 1;
        let extent = match self.cache.is_virtually_indexed {
            true => Extent::Page(at.0 / PAGE),
            false => Extent::All,
        };
        let cache = self.cache;
        self.each(cpu, physical, cache.instruction_line, |word| {
            word.invalidate(extent, &cache)
        });
    }

    /// `cpu` has invalidated its whole instruction cache, or that of all CPUs.
    pub fn invalidate_all(&mut self, cpu: u32, is_broadcast: bool) {
        self.now += 1;
        let extent = match is_broadcast {
            true => Extent::All,
            false => Extent::Local,
        };
        let Some(state) = self.cpus.get_mut(cpu as usize) else {
            return;
        };
        state.invalidating = Some(self.now);
        if is_broadcast {
            state.invalidating_all = Some(self.now);
        }
        for (address, word) in &mut self.words {
            if word.stored_by == cpu && word.invalidate(extent, &self.cache) {
                state.waiting.push(*address);
            }
        }
    }

    /// `cpu` has executed a DSB, for all accesses or for stores only, inner shareable at least.
    pub fn barrier(&mut self, cpu: u32, is_full: bool) {
        self.now += 1;
        let (now, cache) = (self.now, self.cache);
        let Some(state) = self.cpus.get_mut(cpu as usize) else {
            return;
        };
        let (words, promise) = (&mut self.words, &mut self.promise);
        state.waiting.retain(|address| {
            let Some(word) = words.get_mut(address).filter(|word| word.stored_by == cpu) else {
                return false;
            };
            let waits = word.barrier(is_full, &cache, now);
            if word.is_promised && word.completed() == Some(now) {
                *promise = Some((now, *address));
            }
            waits
        });
        if is_full {
            self.complete(cpu, true);
        }
    }

    /// `cpu` has executed a DSB for all accesses that is not shareable.
    pub fn barrier_local(&mut self, cpu: u32) {
        self.now += 1;
        self.complete(cpu, false);
    }

    /// Completes the invalidations of whole instruction caches that `cpu` has asked for.
    fn complete(&mut self, cpu: u32, is_shareable: bool) {
        let done = self.now;
        let Some(state) = self.cpus.get_mut(cpu as usize) else {
            return;
        };
        let empty = |state: &mut Cpu, asked: u64| {
            let is_later = state.emptied.is_none_or(|emptied| emptied.asked < asked);
            if is_later {
                state.emptied = Some(Emptied { asked, done });
            }
        };
        if let Some(asked) = state.invalidating.take() {
            empty(state, asked);
        }
        if !is_shareable {
            return;
        }
        if let Some(asked) = state.invalidating_all.take() {
            self.cpus.iter_mut().for_each(|state| empty(state, asked));
        }
    }

    /// `cpu` has turned an MMU on, and its caches with it.
    pub fn turn_on(&mut self, cpu: u32) {
        self.now += 1;
        if let Some(state) = self.cpus.get_mut(cpu as usize) {
            state.turned_on = Some(self.now);
        }
    }

    /// A context synchronisation event on `cpu`.
    pub fn synchronise(&mut self, cpu: u32) {
        self.now += 1;
        if let Some(state) = self.cpus.get_mut(cpu as usize) {
            state.synced = self.now;
        }
    }

    /// Whether a word has been stored, so that its execution has to be judged.
    pub fn is_written(&self, physical: u64) -> bool {
        self.words.contains_key(&(physical & !(WORD - 1)))
    }

    /// `cpu` executes the word at this virtual and physical address.
    pub fn execute(&self, cpu: u32, pc: Address, physical: u64) -> Option<Violation> {
        let address = physical & !(WORD - 1);
        let word = self.words.get(&address)?;
        let missing = self.missing(cpu, word, Some(pc.0 / PAGE))?;
        Some(violation(When::Executed, cpu, pc, address, word, missing))
    }

    /// `cpu` has returned to `pc` from a routine that must make its words visible, and those that
    /// others have stored while it waited there. Returns the first word of each kind of violation.
    pub fn answer(&mut self, cpu: u32, pc: Address) -> Vec<Violation> {
        let mut found: Vec<Violation> = Vec::new();
        let Some(state) = self.cpus.get_mut(cpu as usize) else {
            return found;
        };
        let mut addresses = std::mem::take(&mut state.promised);
        addresses.sort_unstable();
        addresses.dedup();
        for address in addresses {
            let Some(word) = self.words.get(&address) else {
                continue;
            };
            if let Some(missing) = self.missing(cpu, word, None)
                && !found.iter().any(|other| other.missing == missing)
            {
                found.push(violation(When::Returned, cpu, pc, address, word, missing));
            }
        }
        // The words of the CPU itself have been judged. Words of others count when their routine is
        // complete.
        if found.is_empty()
            && let Some((time, address)) = self.promise
            && let Some(word) = self.words.get(&address)
            && word.completed() == Some(time)
            && let Some(missing) = self.missing(cpu, word, None)
        {
            found.push(violation(When::Returned, cpu, pc, address, word, missing));
        }
        found
    }

    fn missing(&self, cpu: u32, word: &Word, page: Option<u64>) -> Option<Missing> {
        let state = self.cpus.get(cpu as usize)?;
        let missing = word.missing(cpu, page, state.synced, &self.cache);
        let Some(ordered) = word.ordered else {
            return missing;
        };
        let turned_on = state.turned_on.filter(|_| !word.is_coherent).unwrap_or(0);
        // Nothing older is left on this CPU, whoever has invalidated it.
        let is_emptied = state.emptied.is_some_and(|emptied| {
            emptied.asked > ordered.max(turned_on) && emptied.done <= state.synced
        });
        if is_emptied {
            return None;
        }
        let completed = word.completed().unwrap_or(ordered);
        let is_stale = self.cache.needs_invalidate && turned_on > completed;
        missing.or_else(|| is_stale.then_some(Missing::InvalidateAfterStart))
    }

    /// Applies `step` to the words of a line that `cpu` has stored. It may not have observed stores
    /// of other CPUs yet.
    fn each(&mut self, cpu: u32, physical: u64, line: u64, step: impl Fn(&mut Word) -> bool) {
        let Some(state) = self.cpus.get_mut(cpu as usize) else {
            return;
        };
        let first = physical & !(line - 1);
        for address in (first..first + line).step_by(WORD as usize) {
            if let Some(word) = self.words.get_mut(&address)
                && word.stored_by == cpu
                && step(word)
            {
                state.waiting.push(address);
            }
        }
    }
}

fn violation(
    when: When,
    cpu: u32,
    pc: Address,
    address: u64,
    word: &Word,
    missing: Missing,
) -> Violation {
    Violation {
        when,
        cpu,
        pc: pc.0,
        word: address,
        missing,
        stored_by: word.stored_by,
        stored_at: word.stored_at,
    }
}

#[cfg(test)]
mod tests;
