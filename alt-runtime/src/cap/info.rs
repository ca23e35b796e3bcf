//! The definition of a cpucap, before it is packed.

use alt_cpu::{CapKind, LatePolicy, Scope};

use super::{Cap, Rule};

/// The definition of a cpucap, from which [`cap_table!`](crate::cap_table!) makes a table. Nothing of
/// it is in the image.
#[derive(Clone, Copy, Debug)]
pub struct CapInfo {
    /// The cap.
    pub cap: Cap,
    /// Its name, such as `LSE`.
    pub name: &'static str,
    /// Its description.
    pub doc: &'static str,
    /// The CPUs whose ID registers decide.
    pub scope: Scope,
    /// Feature or erratum.
    pub kind: CapKind,
    /// The condition on the ID registers.
    pub rule: Rule,
    /// What to do with a late CPU that differs.
    pub late: LatePolicy,
    /// Caps that must be present for this one to be present.
    pub requires: &'static [Cap],
    /// Caps that must not be present together with this one.
    pub conflicts: &'static [Cap],
}
