//! Why a bucket is refused. Where only a digest shows that something is wrong, a second look finds
//! the site; it need not be fast.

use crate::finished::{Bucket, Kind, Step, TableError};
use crate::insn::Insn;
use crate::patch::error::{PlanError, Reason};

use super::pass::Pass;
use super::verdict::condition;

impl<'a> Pass<'a, '_> {
    /// Why the digest of the words at the sites of `bucket` is wrong: a second look, which need not
    /// be fast.
    #[cold]
    #[inline(never)]
    pub(super) fn wrong_text(&self, bucket: &Bucket<'a>) -> PlanError {
        let dictionary = self.dictionary.unwrap_or_default();
        for run in bucket.runs().map_while(Result::ok) {
            let (len, value) = (run.header().sites_len, run.header().value);
            for Step { offset, payload } in run.steps() {
                let Ok((site, old)) = self.site(bucket, offset, len) else {
                    break;
                };
                let start = (value as usize).saturating_add(payload.into());
                let mut copied = dictionary.iter().skip(start);
                let is_new = |old: Insn| match run.kind() {
                    Kind::Set => old.0 == value,
                    Kind::Branch => old == Insn::branch_by(payload as i16),
                    Kind::Copy => copied.next() == Some(&old.0),
                    Kind::Xor | Kind::Callback => false,
                };
                if old.iter().all(is_new) {
                    return self.refuse(bucket, Some(site), TableError::Patched);
                }
                if old.iter().any(Insn::is_breakpoint) {
                    return self.refuse(bucket, Some(site), TableError::Text);
                }
            }
        }
        self.refuse(bucket, None, TableError::Text)
    }

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
