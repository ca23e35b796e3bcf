//! Commit: a plan becomes text.

use crate::arch::{self, Job, Maintenance};
#[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
use crate::insn::Insn;
use crate::patch::{AliasError, PatchError, Plan, ReadBackError, Report, WritableAlias};
use crate::region::Region;
use crate::room::PlannedWrite;

impl Plan<'_> {
    /// Writes the plan through `alias`, does the cache maintenance, and reads every word back at
    /// the address at which it is executed.
    ///
    /// On a host, where no text is executed, there is no cache maintenance.
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
        // SAFETY: the caller's promise.
        unsafe { self.commit_if(region, how, alias, |_| Ok(None)) }
    }

    /// The same, for the first pass over `region`. Before anything is written, a word in each page of
    /// the text is read through the alias, which must be writable there. If nothing changes, one word
    /// is written back unchanged, so that a wrong alias shows on every CPU model.
    ///
    /// # Errors
    /// As above, or the alias is not one of the text, or not writable.
    ///
    /// # Safety
    /// As for [`commit`](Self::commit).
    #[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
    pub(crate) unsafe fn commit_first<A: WritableAlias>(
        self,
        region: &Region<'_>,
        how: &Maintenance,
        alias: &mut A,
    ) -> Result<Report, PatchError<A::Error>> {
        // SAFETY: the caller's promise.
        unsafe { self.commit_if(region, how, alias, |alias| try_alias(region, alias)) }
    }

    /// Commits if `look` accepts the open alias, whose first word it receives. If nothing changes,
    /// commits the write that `look` returns.
    ///
    /// # Safety
    /// As for [`commit`](Self::commit).
    unsafe fn commit_if<A: WritableAlias>(
        self,
        region: &Region<'_>,
        how: &Maintenance,
        alias: &mut A,
        look: impl FnOnce(*const u32) -> Result<Option<PlannedWrite>, AliasError>,
    ) -> Result<Report, PatchError<A::Error>> {
        let Self {
            writes, mut report, ..
        } = self;
        let text = region.text.as_ptr().ok_or(PatchError::MappedApart)?;
        let writable = alias.open(region.text.range()).map_err(PatchError::Alias)?;
        let mut same = match look(writable) {
            Ok(same) => same,
            Err(why) => {
                alias.close();
                return Err(PatchError::WrongAlias(why));
            }
        };
        let writes = match writes {
            [] => same.as_mut_slice(),
            writes => writes,
        };
        let mut job = Job::new(writes, writable, text, how);
        // SAFETY: the alias is open on the region's text, whose bounds the plan
        // respects; the caller guarantees that no other CPU executes the sites.
        let failed = unsafe { arch::commit(&mut job) };
        alias.close();
        // SAFETY: the routine returns null or a pointer to one of the writes, which it does not use any more.
        if let Some(write) = unsafe { failed.as_ref() } {
            return Err(PatchError::ReadBack(ReadBackError {
                address: region.text.range().start + u64::from(write.offset),
                // The commit has swapped the two words of the entry.
                expected: write.before(),
            }));
        }
        if report.words != 0 {
            report.lines = u32::try_from(job.lines).unwrap_or(u32::MAX);
        }
        Ok(report)
    }
}

/// Reads, through `alias`, the first word in each page of the text, and asks whether the page is writable
/// there: a write to a page that is not would end the kernel in the middle of the commit. Returns a
/// write of the first word that changes nothing.
// Out of line, so that its stack is not taken while the plan is made.
#[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
#[inline(never)]
fn try_alias(region: &Region<'_>, alias: *const u32) -> Result<Option<PlannedWrite>, AliasError> {
    // No page is smaller than 4 KiB.
    const PAGE: u64 = 4096;
    let start = region.text.start();
    let mut first = None;
    for range in region.text.ranges() {
        let words = range.words();
        let mut address = words.range().start;
        while let Some(text) = words.get(address) {
            let offset = address.wrapping_sub(start);
            let word = alias.wrapping_byte_add(offset as usize);
            // SAFETY: the alias is open, and the word one of the text.
            let alias = Insn(u32::from_le(unsafe { word.read_volatile() }));
            if alias != text {
                return Err(AliasError::Differs {
                    address,
                    text,
                    alias,
                });
            }
            if !arch::is_writable(word) {
                return Err(AliasError::ReadOnly { address });
            }
            first.get_or_insert(PlannedWrite::new(offset as u32, text, text));
            // To the next page; from the last one of the address space to 0, which is outside.
            address = (address & !(PAGE - 1)).wrapping_add(PAGE);
        }
    }
    Ok(first)
}
