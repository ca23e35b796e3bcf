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

impl CapInfo {
    /// A feature of scope `system` that every CPU has. The other fields of a definition replace these:
    ///
    /// ```
    /// use alt_runtime::cap::{Cap, CapInfo, CapTable, LatePolicy, Rule, idregs::fields};
    ///
    /// const LSE: Cap = Cap::new(0, true);
    /// static TABLE: CapTable = alt_runtime::cap_table!(&[CapInfo {
    ///     rule: Rule::Field { field: &fields::ID_AA64ISAR0_EL1::Atomic, min: 2, max: 15 },
    ///     late: LatePolicy::SystemFeature,
    ///     ..CapInfo::new(LSE, "LSE")
    /// }]);
    /// # assert_eq!(TABLE.iter().count(), 1);
    /// ```
    pub const fn new(cap: Cap, name: &'static str) -> Self {
        Self {
            cap,
            name,
            doc: "",
            scope: Scope::System,
            kind: CapKind::Feature,
            rule: Rule::Always,
            late: LatePolicy::SystemFeature,
            requires: &[],
            conflicts: &[],
        }
    }
}
