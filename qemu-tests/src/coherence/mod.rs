//! What the coherence plugin is told, and what it saw; `docs/observers.md` says how it works.
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

/// The routines of `alt-runtime` that answer for words of text when they return: what they wrote,
/// or what others wrote while they waited, is visible then.
const ROUTINES: [&str; 2] = ["arch::commit::commit", "arch::wait::wait_if_requested"];

/// What the plugin shall do besides watching.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coherence {
    regions: Vec<(String, Region)>,
    ctr: Vec<u64>,
}

impl Coherence {
    /// One that believes the CPUs, and counts in the routines of `alt-runtime` only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts what is executed at these virtual addresses, as `name`.
    pub fn count_within(mut self, name: &str, addresses: Range<u64>) -> Self {
        self.regions.push((name.into(), Region::Within(addresses)));
        self
    }

    /// Counts what a CPU executes from one virtual address on until it comes to another one,
    /// calls and interrupts included, the last instruction excluded, as `name`.
    pub fn count_between(mut self, name: &str, from: u64, to: u64) -> Self {
        let region = Region::Between(from, to);
        self.regions.push((name.into(), region));
        self
    }

    /// Judges as if these were the values of CTR_EL0 of the system's CPUs.
    pub fn ctr(mut self, values: &[u64]) -> Self {
        self.ctr = values.to_owned();
        self
    }

    /// The plugin's configuration for an image that runs where it is linked, physically too.
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
            // Modules are loaded into what is no text in the file.
            watch: image.load_ranges().collect(),
            text: text.map(|section| section.range.clone()).collect(),
            regions: own.chain(self.regions.iter().cloned()).collect(),
            routines: routines.into_iter().map(|(_, range)| range).collect(),
            ctr: self.ctr.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
