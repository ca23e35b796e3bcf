//! The plugin's knowledge of the guest's memory.
//!
//! Before version 5, the interface cannot translate an address. So the plugin remembers the
//! translations of all accesses and executed instructions, the last one of each page.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

const PAGE: u64 = 4096;
/// Words of a page in one unit of its bitmap.
const UNIT: u64 = 64;

/// Which words of a page have been stored. It lives as long as QEMU.
#[derive(Default)]
pub struct Written([AtomicU64; (PAGE / 4 / UNIT) as usize]);

impl Written {
    /// Whether the word at this physical address, in this page, has been stored.
    pub fn contains(&self, physical: u64) -> bool {
        let word = physical % PAGE / 4;
        let unit = &self.0[(word / UNIT) as usize];
        unit.load(Ordering::Acquire) & 1 << (word % UNIT) != 0
    }

    fn add(&self, physical: u64) {
        let word = physical % PAGE / 4;
        let unit = &self.0[(word / UNIT) as usize];
        unit.fetch_or(1 << (word % UNIT), Ordering::Release);
    }
}

/// Translations, and the pages that are watched.
pub struct Memory {
    watch: Vec<Range<u64>>,
    /// QEMU's address of physical address 0, once it is known.
    base: Option<u64>,
    /// Physical by virtual page number.
    translations: HashMap<u64, u64>,
    written: HashMap<u64, &'static Written>,
}

impl Memory {
    pub fn new(watch: Vec<Range<u64>>) -> Self {
        Self {
            watch,
            base: None,
            translations: HashMap::new(),
            written: HashMap::new(),
        }
    }

    pub fn is_watched(&self, physical: u64) -> bool {
        self.watch.iter().any(|range| range.contains(&physical))
    }

    /// The physical address of an instruction, from its address in QEMU's memory. The first
    /// instruction is executed with the MMU off, so it shows where QEMU has the RAM.
    pub fn locate(&mut self, address: u64, host: u64) -> u64 {
        let base = *self.base.get_or_insert(host.wrapping_sub(address));
        let physical = host.wrapping_sub(base);
        self.learn(address, physical);
        physical
    }

    pub fn learn(&mut self, address: u64, physical: u64) {
        let page = canonical(address) / PAGE;
        self.translations.insert(page, physical / PAGE);
    }

    pub fn translate(&self, address: u64) -> Option<u64> {
        let page = self.translations.get(&(canonical(address) / PAGE))?;
        Some(page * PAGE + address % PAGE)
    }

    /// The words of the page of a physical address.
    pub fn written(&mut self, physical: u64) -> &'static Written {
        let page = self.written.entry(physical / PAGE);
        page.or_insert_with(|| Box::leak(Box::default()))
    }

    /// Notes that some bytes have been stored.
    pub fn store(&mut self, physical: u64, size: u64) {
        let first = physical & !3;
        for word in (first..physical.saturating_add(size)).step_by(4) {
            self.written(word).add(word);
        }
    }
}

/// The address with copies of bit 55 in place of its tag (Arm ARM D8.8).
fn canonical(address: u64) -> u64 {
    ((address << 8) as i64 >> 8) as u64
}
