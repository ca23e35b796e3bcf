//! The caps of a system, by scope, policy and requirement.

use alt_runtime::boot::Detected;
use alt_runtime::cap::{
    Cap, CapInfo, CapSet, CapTable, Conflict, CpuVerdict, DetectError, Evidence, IdRegs,
    LatePolicy, Rule, Scope, SystemView,
    idregs::{Register::*, fields},
};

use super::fixture::{A, B, C, cpu, info, one, table};

fn decide(table: &'static CapTable, cpus: &[&[Cap]]) -> Vec<u16> {
    let mut view = SystemView::new(table, &cpu(cpus[0])).unwrap();
    for caps in &cpus[1..] {
        assert!(view.add_cpu(&cpu(caps)).is_ok());
    }
    let caps = *view.finalise().unwrap().caps();
    caps.iter().map(Cap::number).collect()
}

#[test]
fn local_caps_need_any_cpu_or_all_of_them() {
    let table = table([
        info(A, Scope::Local, LatePolicy::WeakLocalFeature),
        info(B, Scope::Local, LatePolicy::EarlyLocalFeature),
        info(C, Scope::System, LatePolicy::SystemFeature),
    ]);
    assert_eq!(decide(table, &[&[A, B, C], &[A, B, C]]), [0, 1, 2]);
    assert_eq!(decide(table, &[&[A, B, C], &[]]), [0]);
    assert_eq!(decide(table, &[&[], &[A, B, C]]), [0]);
    assert_eq!(decide(table, &[&[B, C], &[B], &[B, C]]), [1]);
    assert_eq!(decide(table, &[&[], &[]]), []);
}

#[test]
fn boot_caps_are_those_of_the_boot_cpu() {
    let table = table([
        info(A, Scope::Boot, LatePolicy::BootFeature),
        info(B, Scope::Boot, LatePolicy::StrictBootFeature),
    ]);
    let view = |caps: &[Cap]| SystemView::new(table, &cpu(caps)).unwrap();
    assert_eq!(*view(&[A]).boot_caps(), CapSet::EMPTY.with(A));
    assert_eq!(view(&[A]).table().len(), 2);

    // A CPU with more than the boot CPU: A is not used. With less: kept out, and not counted.
    assert_eq!(decide(table, &[&[], &[A]]), []);
    let mut of_a = view(&[A]);
    let field = &fields::ID_AA64ISAR0_EL1::CRC32;
    let evidence = Evidence::Field { field, value: 0 };
    let lacks_a = Conflict::Lacks {
        cap: A,
        name: "A",
        evidence,
    };
    assert_eq!(of_a.add_cpu(&cpu(&[])), CpuVerdict::ParkCpu(lacks_a));
    assert_eq!((of_a.cpus(), *of_a.ids()), (1, cpu(&[A])));
    assert_eq!(*of_a.finalise().unwrap().caps(), CapSet::EMPTY.with(A));
    // B differs: panic, although A alone leads to park.
    let verdict = view(&[A]).add_cpu(&cpu(&[B]));
    assert!(matches!(
        verdict,
        CpuVerdict::Panic(Conflict::Has { cap: B, .. })
    ));
    let verdict = view(&[A, B]).add_cpu(&cpu(&[]));
    assert!(matches!(
        verdict,
        CpuVerdict::Panic(Conflict::Lacks { cap: B, .. })
    ));
}

#[test]
fn requirements_hold_across_scopes() {
    let needs = |required: &'static [Cap], info: CapInfo| CapInfo {
        requires: required,
        ..info
    };
    let table = table([
        info(A, Scope::System, LatePolicy::SystemFeature),
        needs(&[A], info(B, Scope::Local, LatePolicy::WeakLocalFeature)),
        // A is not decided yet on the boot CPU.
        needs(&[A], info(C, Scope::Boot, LatePolicy::BootFeature)),
    ]);
    assert_eq!(decide(table, &[&[A, B, C], &[A, B, C]]), [0, 1]);
    assert_eq!(decide(table, &[&[A, B, C], &[B, C]]), []);
    // B requires A on the same CPU.
    assert_eq!(decide(table, &[&[A], &[B]]), []);
}

#[test]
fn boot_caps_stay_whatever_the_others_lack() {
    let table = table([
        info(A, Scope::Boot, LatePolicy::BootFeature),
        CapInfo {
            requires: &[A],
            ..info(B, Scope::Boot, LatePolicy::BootFeature)
        },
        CapInfo {
            requires: &[B],
            ..info(C, Scope::System, LatePolicy::SystemFeature)
        },
    ]);
    assert_eq!(decide(table, &[&[A, B, C], &[A, B]]), [0, 1]);
    assert_eq!(decide(table, &[&[A, C], &[A, B, C]]), [0]);
    assert_eq!(decide(table, &[&[B, C], &[B, C]]), []);
}

#[test]
fn conflicts_are_found_as_soon_as_both_are_decided() {
    let excludes_b = |info: CapInfo| CapInfo {
        conflicts: &[B],
        ..info
    };
    let boot = |cap| info(cap, Scope::Boot, LatePolicy::BootFeature);
    let shared = info(B, Scope::System, LatePolicy::SystemFeature);
    let conflict = DetectError::Conflict {
        cap: A,
        name: "A",
        other: B,
        other_name: "B",
    };
    let early = table([excludes_b(boot(A)), boot(B)]);
    assert_eq!(
        SystemView::new(early, &cpu(&[A, B])).map(|_| ()),
        Err(conflict)
    );
    let late = table([excludes_b(boot(A)), shared]);
    let mut view = SystemView::new(late, &cpu(&[A, B])).unwrap();
    assert_eq!(view.finalise().map(|_| ()), Err(conflict));
    // Another CPU without B decides.
    assert!(view.add_cpu(&cpu(&[A])).is_ok());
    assert_eq!(*view.finalise().unwrap().caps(), CapSet::EMPTY.with(A));
}

/// Models have no order, either, and different models are compatible.
#[test]
fn caps_by_model_do_not_keep_other_models_out() {
    const ARM: Rule = Rule::Field {
        field: &fields::MIDR_EL1::Implementer,
        min: 0x41,
        max: 0x41,
    };
    let table = table([CapInfo {
        rule: ARM,
        ..info(A, Scope::Boot, LatePolicy::BootFeature)
    }]);
    let cpu = |midr| one(MIDR_EL1, midr);
    let mut view = SystemView::new(table, &cpu(0x410f_d034)).unwrap();
    assert_eq!(view.add_cpu(&cpu(0x414f_d0c1)), CpuVerdict::Ok);
    assert_eq!(view.add_cpu(&cpu(0x410f_d034)), CpuVerdict::Ok);
    assert!(matches!(
        view.add_cpu(&cpu(0x510f_d034)),
        CpuVerdict::ParkCpu(Conflict::Lacks { cap: A, .. })
    ));
    assert!(view.finalise().unwrap().caps().contains(A));
}

/// CPUs may have a local cap by different values of a field without order.
#[test]
fn local_caps_may_differ_in_kind() {
    let table = table([CapInfo {
        rule: Rule::Field {
            field: &fields::ID_AA64ISAR1_EL1::APA,
            min: 1,
            max: 15,
        },
        ..info(A, Scope::Local, LatePolicy::EarlyLocalFeature)
    }]);
    let cpu = |apa: u64| one(ID_AA64ISAR1_EL1, apa << 4);
    let mut view = SystemView::new(table, &cpu(5)).unwrap();
    assert_eq!(view.add_cpu(&cpu(4)), CpuVerdict::Ok);
    let system = view.finalise().unwrap();
    assert!(system.caps().contains(A));
    assert_eq!(system.late_cpu(&cpu(3)), CpuVerdict::Ok);
    assert!(!system.late_cpu(&cpu(0)).is_ok());
}

#[test]
fn custom_rule_sees_sanitised_registers_also_of_one_cpu_alone() {
    fn has_unknown_bit(regs: &IdRegs) -> bool {
        regs.get(CTR_EL0) >> 63 == 1
    }
    let rule = Rule::Custom {
        name: "has_unknown_bit",
        test: has_unknown_bit,
    };
    let table = table([CapInfo {
        rule,
        ..info(A, Scope::System, LatePolicy::SystemFeature)
    }]);
    let regs = one(CTR_EL0, 1 << 63);
    let detected = Detected::new(table, regs).unwrap();
    assert!(detected.caps().contains(A));
    let system = SystemView::new(table, &regs).unwrap().finalise().unwrap();
    assert!(system.caps().is_empty());
    assert!(detected.caps_alone().unwrap().is_empty());
}
