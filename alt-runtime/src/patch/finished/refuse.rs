//! Why a bucket is refused. Where only a digest shows that something is wrong, a second look finds
//! the site; it need not be fast.

use core::iter;

use crate::finished::{Bucket, Kind, Step, TableError};
use crate::insn::Insn;
use crate::patch::error::{PlanError, Reason};

use super::pass::{Inputs, Pass};
use super::sites::arm_words;
use super::verdict::condition;

impl<'a> Pass<'a, '_> {
    /// Why the digest of the words at the sites of `bucket` is wrong: a second look, which need not
    /// be fast.
    #[cold]
    #[inline(never)]
    pub(super) fn wrong_text(&self, bucket: &Bucket<'a>) -> PlanError {
        let inputs = self.inputs;
        let dictionary = self.dictionary.unwrap_or_default();
        for run in bucket.runs().map_while(Result::ok) {
            let (len, value) = (run.header().len, run.header().value);
            for Step { offset, payload } in run.steps() {
                let Ok((site, old)) = inputs.site(bucket, offset, len) else {
                    break;
                };
                let copied = arm_words(dictionary, &run, payload).unwrap_or_default();
                let mut copied = copied.iter().copied().chain(iter::repeat(Insn::NOP.0));
                let is_new = |old: Insn| match run.kind() {
                    Kind::Set => old.0 == value,
                    Kind::Branch => old == Insn::branch_by(payload as i16),
                    Kind::Copy => copied.next() == Some(old.0),
                    Kind::Xor | Kind::Callback => false,
                };
                if old.iter().all(is_new) {
                    return inputs.refuse(bucket, Some(site), TableError::Patched);
                }
                if old.iter().any(Insn::is_breakpoint) {
                    return inputs.refuse(bucket, Some(site), TableError::Text);
                }
            }
        }
        inputs.refuse(bucket, None, TableError::Text)
    }
}

impl Inputs<'_> {
    /// Refuses a bucket for a site that is not in the text.
    #[cold]
    #[inline(never)]
    pub(super) fn outside(&self, bucket: &Bucket<'_>, site: u64, len: u8) -> PlanError {
        let core::ops::Range { start, end } = self.region.text.range();
        let reason = Reason::SiteOutsideText { len, start, end };
        self.decision.refuse(site, condition(bucket), reason)
    }

    /// Refuses a bucket for `error`, about the site at `site` or about its first one.
    #[cold]
    #[inline(never)]
    pub(super) fn refuse(
        &self,
        bucket: &Bucket<'_>,
        site: Option<u64>,
        error: TableError,
    ) -> PlanError {
        let first = || {
            let run = bucket.runs().next()?.ok()?;
            let step = run.steps().next()?;
            Some(self.table.base().wrapping_add(4 * step.offset))
        };
        let site = site.or_else(first).unwrap_or(self.table.base());
        let reason = Reason::Finished {
            bucket: Some(bucket.index()),
            error,
        };
        self.decision.refuse(site, condition(bucket), reason)
    }
}
