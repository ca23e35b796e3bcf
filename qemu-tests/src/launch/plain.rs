//! A run of a kernel that prints plain text, from any file and at any load address.

use super::{Launch, Session, monitored::Files};
use crate::{Memory, Qemu, Result};
use std::{ops::Range, path::Path};

/// The result of such a run.
#[derive(Clone, Debug)]
pub struct PlainRun {
    /// Memory as loaded, by the addresses that the image is linked at.
    pub before: Memory,
    /// The same after the guest has switched off.
    pub after: Memory,
    /// Its output.
    pub printed: String,
}

impl Launch<'_> {
    /// Runs the guest to its end from the file `kernel`, the image itself or a form of it, by which
    /// QEMU loads the first byte of the image at the guest physical address `at`.
    ///
    /// # Errors
    /// As [`run`](Self::run), except that `demo_outcome` may be missing.
    pub fn run_plain(&self, qemu: &Qemu, kernel: &Path, at: u64) -> Result<PlainRun> {
        let ranges = || self.image.load_ranges();
        let linked = ranges().map(|range| range.start).min().unwrap_or_default();
        let end = ranges().map(|range| range.end).max().unwrap_or_default();
        let files = Files {
            kernel: kernel.to_owned(),
            args: Vec::new(),
            prints_text: true,
        };
        let mut session = Session::start(self, qemu, Some(files))?;
        let before = captured(&mut session, at, linked..end)?;
        session.run_to_end(self.timeout)?;
        let after = captured(&mut session, at, linked..end)?;
        let log = session.guest.log()?;
        let printed = log.iter().map(|line| format!("{line}\n")).collect();
        Ok(PlainRun {
            before,
            after,
            printed,
        })
    }
}

/// The memory from `at` on, by the addresses `linked`.
fn captured(session: &mut Session<'_>, at: u64, linked: Range<u64>) -> Result<Memory> {
    let length = linked.end - linked.start;
    let range = at..at + length;
    let loaded = session.capture(std::slice::from_ref(&range))?;
    let mut memory = Memory::default();
    memory.add(linked.start, loaded.bytes(at, length as usize)?.to_vec());
    Ok(memory)
}
