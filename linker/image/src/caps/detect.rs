//! What a machine has of the cpucaps.

use alt_runtime::cap::{CapSet, IdRegs, Overrides, SystemView};

use super::{Caps, CapsError};

impl Caps {
    /// The caps that a system of CPUs with the registers `ids` ends with, decided by
    /// alt-runtime's own code: boot scope first, then the rest.
    ///
    /// `cmdline` is the kernel command line, for overrides such as `arm64.nolse`. What is
    /// [undecided](Self::undecided), and what requires it, is not in the set.
    ///
    /// # Errors
    /// [`CapsError::Override`] for the first override that cannot be obeyed, which a kernel
    /// would pass over with a warning; [`CapsError::Detect`] if two caps conflict.
    pub fn detect(&self, ids: &IdRegs, cmdline: &str) -> Result<CapSet, CapsError> {
        let mut refused = None;
        let overrides = Overrides::parse(self.table, cmdline, |word| {
            refused.get_or_insert(word);
        });
        if let Some(rejected) = refused {
            return Err(CapsError::Override {
                word: rejected.word.to_owned(),
                why: rejected.error,
            });
        }
        let mut ids = *ids;
        overrides.apply(&mut ids, |_| ());
        Ok(*SystemView::new(self.table, &ids)?.finalise()?.caps())
    }
}
