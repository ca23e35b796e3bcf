//! Ranges of CPU models.

use alt_cpu::{MidrRange, RevidrFix, Revision};

/// Cortex-A53 r0p1 to r1p4, fixed in r0p4 when REVIDR_EL1\[8\] is set.
const A53: MidrRange = MidrRange {
    implementer: 0x41,
    part: 0xd03,
    from: Revision::new(0, 1),
    to: Revision::new(1, 4),
    fixed: Some(RevidrFix {
        revision: Revision::new(0, 4),
        bit: 8,
    }),
};

#[test]
fn a_midr_range_is_one_part_from_one_revision_to_another() {
    for (midr, expected) in [
        (0x410f_d030, false), // r0p0
        (0x410f_d031, true),  // r0p1
        (0x410f_d03f, true),  // r0p15: below r1p0
        (0x411f_d030, true),  // r1p0
        (0x411f_d034, true),  // r1p4
        (0x411f_d035, false), // r1p5
        (0x412f_d031, false), // r2p1
        (0x420f_d031, false), // another implementer
        (0x410f_d041, false), // another part
    ] {
        assert_eq!(A53.matches(midr, 0), expected, "{midr:#x}");
    }
}

#[test]
fn revidr_counts_in_its_revision_only() {
    assert!(A53.matches(0x410f_d034, 0));
    assert!(A53.matches(0x410f_d034, !0x100));
    assert!(!A53.matches(0x410f_d034, 0x100));
    assert!(A53.matches(0x410f_d033, 0x100));
    assert!(!A53.is_fixed(0x420f_d034, 0x100));
}
