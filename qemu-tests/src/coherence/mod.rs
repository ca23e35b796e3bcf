//! Configuration and report of the coherence plugin; `docs/observers.md` describes how it works.
//!
//! ```no_run
//! use qemu_tests::{Image, Launch, Machine, Profile, Qemu, coherence::Coherence, guest};
//!
//! # fn main() -> Result<(), qemu_tests::Error> {
//! let image = Image::open(&guest::build("kernel-demo", Profile::Release)?)?;
//! let launch = Launch::new(&image, Machine::new("cortex-a76").smp(2));
//! let watched = launch.watched_by(Coherence::new()).run(&Qemu::find()?)?;
//! assert_eq!(watched.seen.violations, []);
//! println!("{} cleans by line", watched.seen.regions["commit"].cleans());
//! # Ok(())
//! # }
//! ```

mod plugin;
mod seen;

pub use coherence::{Counts, Missing, OpKind, Ops, When};
pub use plugin::Plugin;
pub use seen::{Seen, Violation};

use crate::Image;
use coherence::{Config, Region};
use std::{ops::Range, path::PathBuf};

/// The routines of `alt-runtime` that must have made words of text visible when they return: the
/// words that they wrote, or that others wrote while they waited.
const ROUTINES: [&str; 2] = ["arch::commit::commit", "arch::wait::wait_if_requested"];

/// Options of the plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coherence {
    regions: Vec<(String, Region)>,
    ctr: Vec<u64>,
    also: Vec<Range<u64>>,
}

impl Coherence {
    /// The default: judges by the CTR_EL0 of the CPUs, and counts in the routines of `alt-runtime`
    /// only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts the instructions at these virtual addresses that are executed, as `name`.
    pub fn count_within(mut self, name: &str, addresses: Range<u64>) -> Self {
        self.regions.push((name.into(), Region::Within(addresses)));
        self
    }

    /// Counts the instructions that a CPU executes from one virtual address until it reaches
    /// another one, as `name`. Calls and interrupts are included, the last instruction is not.
    pub fn count_between(mut self, name: &str, from: u64, to: u64) -> Self {
        let region = Region::Between(from, to);
        self.regions.push((name.into(), region));
        self
    }

    /// Watches further physical addresses from which instructions may be executed.
    pub fn also_watch(mut self, addresses: Range<u64>) -> Self {
        self.also.push(addresses);
        self
    }

    /// Judges as if these were the values of CTR_EL0 of the system's CPUs.
    pub fn ctr(mut self, values: &[u64]) -> Self {
        self.ctr = values.to_owned();
        self
    }

    /// The plugin's configuration for an image whose link addresses are its virtual and its
    /// physical addresses.
    pub(crate) fn config(&self, image: &Image, report: PathBuf) -> Config {
        let routines = ROUTINES.iter().filter_map(|name| {
            let short = name.rsplit("::").next().unwrap_or(name);
            Some((short.to_owned(), image.function(name)?))
        });
        let routines: Vec<_> = routines.collect();
        let own = routines.iter().cloned();
        let own = own.map(|(name, range)| (name, Region::Within(range)));
        let text = image.sections().iter().filter(|section| section.executable);
        Config {
            report,
            // Modules are loaded into memory that is not text in the file.
            watch: image
                .load_ranges()
                .chain(self.also.iter().cloned())
                .collect(),
            text: text.map(|section| section.range.clone()).collect(),
            regions: own.chain(self.regions.iter().cloned()).collect(),
            routines: routines.into_iter().map(|(_, range)| range).collect(),
            ctr: self.ctr.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
