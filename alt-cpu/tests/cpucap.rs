//! Late policies and their verdicts.

use alt_cpu::{CapKind, LatePolicy, Scope, Verdict};

/// As in Linux: the verdict on a late CPU that lacks what the system has, and the reverse.
#[test]
fn late_policies_are_those_of_linux() {
    use Verdict::{Allow, Panic, Park};
    for (policy, lacks, has) in [
        (LatePolicy::LocalErratum, Allow, Park),
        (LatePolicy::SystemFeature, Park, Allow),
        (LatePolicy::WeakLocalFeature, Allow, Allow),
        (LatePolicy::EarlyLocalFeature, Park, Allow),
        (LatePolicy::BootRestrictedLocalFeature, Allow, Park),
        (LatePolicy::StrictBootFeature, Panic, Panic),
        (LatePolicy::BootFeature, Park, Allow),
    ] {
        assert_eq!(policy.if_cpu_lacks(), lacks, "{policy:?}");
        assert_eq!(policy.if_cpu_has(), has, "{policy:?}");
        assert_eq!(policy.verdict(true, false), lacks, "{policy:?}");
        assert_eq!(policy.verdict(false, true), has, "{policy:?}");
        assert_eq!(policy.verdict(true, true), Allow, "{policy:?}");
        assert_eq!(policy.verdict(false, false), Allow, "{policy:?}");
        let all_early = policy == LatePolicy::EarlyLocalFeature;
        assert_eq!(policy.needs_all_early_cpus(), all_early, "{policy:?}");
    }
    assert!(Allow < Park && Park < Panic);
}

#[test]
fn default_policies_have_their_scope() {
    let default = LatePolicy::default_for;
    assert_eq!(
        default(Scope::System, CapKind::Feature),
        LatePolicy::SystemFeature
    );
    assert_eq!(
        default(Scope::Local, CapKind::Erratum),
        LatePolicy::LocalErratum
    );
    assert_eq!(
        default(Scope::Local, CapKind::Feature),
        LatePolicy::WeakLocalFeature
    );
    assert_eq!(
        default(Scope::Boot, CapKind::Feature),
        LatePolicy::BootFeature
    );
    for scope in Scope::ALL {
        for kind in CapKind::ALL {
            assert_eq!(default(scope, kind).scope(), scope);
        }
    }
}
