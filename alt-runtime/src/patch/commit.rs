//! Commit: a plan becomes text.

use crate::arch::{self, Job, Maintenance};
use crate::patch::{PatchError, Plan, ReadBackError, Report, WritableAlias};
use crate::region::Region;

impl Plan<'_> {
    /// Writes the plan through `alias`, does the cache maintenance, and reads
    /// every word back where it is executed.
    ///
    /// # Errors
    /// The alias could not be opened, or a word did not read back; in both cases
    /// the text is as it was before.
    ///
    /// # Safety
    /// `region` must be the one that the plan was made for, of text that nothing
    /// else has changed since, mapped readable at its address. No other CPU may
    /// execute that text during the call; one that does so later must execute an
    /// ISB first. `how` must suit every CPU that will.
    pub unsafe fn commit<A: WritableAlias>(
        self,
        region: &Region<'_>,
        how: &Maintenance,
        alias: &mut A,
    ) -> Result<Report, PatchError<A::Error>> {
        let Self { writes, mut report } = self;
        let writable = alias.open(region.text.range()).map_err(PatchError::Alias)?;
        let mut job = Job::new(writes, writable, region.text.as_ptr().cast(), how);
        // SAFETY: the alias is open on the region's text, whose bounds the plan
        // respects; the caller answers for the other CPUs.
        let failed = unsafe { arch::commit(&mut job) };
        alias.close();
        // SAFETY: null, or one of the plan's own writes.
        if let Some(write) = unsafe { failed.as_ref() } {
            return Err(PatchError::ReadBack(ReadBackError {
                address: region.text.range().start + u64::from(write.offset),
                // They have changed places.
                expected: write.before(),
            }));
        }
        report.lines = u32::try_from(job.lines).unwrap_or(u32::MAX);
        Ok(report)
    }
}
