//! Systems of QEMU's CPU models, with `cpucaps.toml`.

use alt_runtime::cap::{
    Cap, CapSet, Conflict, CpuVerdict, FinalCaps, IdRegs, Scope, SystemView,
    idregs::{Register::*, fields},
};

use crate::cpucaps::*;
use crate::machines::machines;

fn machine(cpu: &str) -> IdRegs {
    machines()
        .into_iter()
        .find(|m| m.qemu == "10.0" && m.cpu == cpu && !m.machine.contains("mte"))
        .unwrap_or_else(|| panic!("no {cpu}"))
        .regs
}

fn system(cpus: &[IdRegs]) -> FinalCaps {
    let mut view = SystemView::new(&TABLE, &cpus[0]).unwrap();
    for cpu in &cpus[1..] {
        assert_eq!(view.add_cpu(cpu), CpuVerdict::Ok);
    }
    assert_eq!(view.cpus(), cpus.len());
    view.finalise().unwrap()
}

#[track_caller]
fn assert_caps(caps: &CapSet, present: &[Cap], absent: &[Cap]) {
    for (caps, wanted, listed) in [(caps, true, present), (caps, false, absent)] {
        for cap in listed {
            let name = TABLE.name(cap.number()).unwrap();
            assert_eq!(caps.contains(*cap), wanted, "{name}");
        }
    }
}

#[test]
fn a_cortex_a53_and_a_cortex_a76_share_what_both_have() {
    // The A53 has neither LSE nor PAN nor any v8.1; the A76 is not affected by the A53's errata.
    let (a53, a76) = (machine("cortex-a53"), machine("cortex-a76"));
    let alone = system(&[a76]);
    assert_caps(alone.caps(), &[LSE, PAN, LRCPC, DPB, AES], &[A53_845719]);

    // HVHE is a strict boot cap: the A76 has it, the A53 lacks it.
    let mut a76_at_el1 = a76;
    a76_at_el1.set_field(&fields::ID_AA64MMFR1_EL1::VH, 0);
    let little_first = system(&[a53, a76_at_el1, a53]);
    // An early secondary CPU may be the first with an erratum, and the reverse.
    let big_first = system(&[a76_at_el1, a53, a53]);
    assert_eq!(big_first.caps(), little_first.caps());
    assert_eq!(big_first.ids(), little_first.ids());
    assert_caps(
        little_first.caps(),
        &[
            ALWAYS_BOOT,
            ALWAYS_SYSTEM,
            FPSIMD,
            AES,
            CRC32,
            A53_845719,
            HW_DBM,
        ],
        &[LSE, PAN, LRCPC, DPB, HVHE, SVE],
    );
    assert_eq!(little_first.cpus(), 3);
    // VIPT of the A53 and PIPT of the A76.
    assert_eq!(little_first.ids().get(CTR_EL0), 0x8444_8004);
    assert_eq!(little_first.ids().get(MIDR_EL1), 0);
    assert_eq!(
        little_first
            .later_caps()
            .intersect(&TABLE.of_scope(Scope::Boot)),
        CapSet::EMPTY
    );
    assert!(little_first.later_caps().contains(ALWAYS_SYSTEM));
    assert_eq!(
        little_first
            .later_caps()
            .with(ALWAYS_BOOT)
            .with(GIC_SYSREGS)
            .with(PSEUDO_NMI),
        *little_first.caps()
    );

    // The A76 cannot join, because a strict boot cap differs.
    let mut view = SystemView::new(&TABLE, &a53).unwrap();
    let verdict = view.add_cpu(&a76);
    assert_eq!(
        verdict.to_string(),
        "the system cannot continue: this CPU has cpucap HVHE, for which the system is not prepared \
         (ID_AA64MMFR1_EL1.VH=1)"
    );
    assert!(matches!(
        verdict,
        CpuVerdict::Panic(Conflict::Has { cap: HVHE, .. })
    ));
    // It is not added.
    assert_eq!((view.cpus(), view.ids()), (1, &a53));
    assert_eq!(view.finalise().unwrap().caps(), system(&[a53]).caps());
}

#[test]
fn a_neoverse_n2_and_max_share_what_both_have() {
    let (n2, max) = (machine("neoverse-n2"), machine("max"));
    let mut max = max;
    // The strict boot caps that max has and the N2 lacks.
    max.set_field(&fields::ID_AA64MMFR1_EL1::HCX, 0);
    max.set_field(&fields::ID_AA64PFR1_EL1::NMI, 0);
    let both = system(&[n2, max]);
    assert_caps(
        both.caps(),
        &[LSE, LSE2, SB, DGH, IDC, DIC, SVE, SVE2, BTI, RNG, TLB_RANGE],
        &[MOPS, SME, PAN3, ECV, WFXT, XS, ETS2, LSE128],
    );
    // Both sign pointers by QARMA5: ID_AA64ISAR1_EL1 is 0x0011111110211502 and
    // 0x0111211110211502.
    assert_caps(both.caps(), &[ADDRESS_AUTH], &[]);
    assert_eq!(both.ids().get(ID_AA64ISAR1_EL1), 0x0011_1111_1021_1502);
}

/// A task that migrates must be able to authenticate the pointers that it has signed.
#[test]
fn signing_needs_the_same_algorithm_on_all_cpus() {
    let (impdef, qarma5) = (machine("max"), machine("max,pauth-qarma5=on"));
    let mut view = SystemView::new(&TABLE, &impdef).unwrap();
    assert!(view.boot_caps().contains(ADDRESS_AUTH));
    let refused = "this CPU must stay out: this CPU has cpucap ADDRESS_AUTH by another value: \
                   ID_AA64ISAR1_EL1.API=0, the system has 5";
    let verdict = view.add_cpu(&qarma5);
    assert_eq!(verdict.to_string(), refused);
    assert_eq!(verdict.conflict().unwrap().cap(), Some(ADDRESS_AUTH));
    assert_eq!(view.add_cpu(&impdef), CpuVerdict::Ok);
    let system = view.finalise().unwrap();
    assert_eq!(system.late_cpu(&qarma5).to_string(), refused);
    assert_eq!(system.late_cpu(&impdef), CpuVerdict::Ok);

    // If the boot CPU cannot sign, the others may differ.
    let mut view = SystemView::new(&TABLE, &machine("max,pauth=off")).unwrap();
    assert_eq!(view.add_cpu(&impdef), CpuVerdict::Ok);
    assert_eq!(view.add_cpu(&qarma5), CpuVerdict::Ok);
    assert_caps(
        view.finalise().unwrap().caps(),
        &[],
        &[ADDRESS_AUTH, GENERIC_AUTH],
    );
}
