//! CPUs that come online after the cpucaps are final.

use alt_runtime::cap::{
    Cap, CapInfo, CapKind, CapTable, Conflict, CpuVerdict, Evidence, FinalCaps, IdRegs, LatePolicy,
    Rule, Scope, SystemView,
    idregs::{Register::*, fields},
};

use crate::cpucaps;
use crate::machines::machines;

/// What Linux does, by the type of the cap: (the CPU lacks it and the system has it, the CPU has
/// it and the system lacks it). `include/asm/cpufeature.h` describes the types by two flags,
/// "permitted" and "optional" for late CPUs, and a third by which a refusal is a panic.
const LINUX: &[(LatePolicy, Scope, &str, &str)] = {
    use LatePolicy::*;
    use Scope::*;
    &[
        (LocalErratum, Local, "ok", "park"),
        (SystemFeature, System, "park", "ok"),
        (WeakLocalFeature, Local, "ok", "ok"),
        (EarlyLocalFeature, Local, "park", "ok"),
        (BootRestrictedLocalFeature, Local, "ok", "park"),
        (StrictBootFeature, Boot, "panic", "panic"),
        (BootFeature, Boot, "park", "ok"),
    ]
};

fn word(verdict: CpuVerdict) -> &'static str {
    match verdict {
        CpuVerdict::Ok => "ok",
        CpuVerdict::ParkCpu(_) => "park",
        CpuVerdict::Panic(_) => "panic",
    }
}

const BASE: CapInfo = CapInfo {
    rule: Rule::Field {
        field: &fields::ID_AA64ISAR0_EL1::CRC32,
        min: 1,
        max: 15,
    },
    ..CapInfo::new(cap(0), "CRC32")
};

const fn cap(number: u16) -> Cap {
    Cap::new(number, true)
}

fn table(infos: Vec<CapInfo>) -> &'static CapTable {
    Box::leak(Box::new(CapTable::new(infos.leak())))
}

fn decided(table: &'static CapTable, ids: &IdRegs) -> FinalCaps {
    SystemView::new(table, ids).unwrap().finalise().unwrap()
}

/// ISAR0 with these nibbles: CRC32 is nibble 4, SHA1 is 2, AES is 1.
fn isar0(word: u64) -> IdRegs {
    [(ID_AA64ISAR0_EL1, word)].into_iter().collect()
}

#[test]
fn every_policy_judges_as_linux_does() {
    assert_eq!(LINUX.len(), LatePolicy::ALL.len());
    let (with, without) = (isar0(0x1_0000), isar0(0));
    for &(late, scope, cpu_lacks, cpu_has) in LINUX {
        let table = table(vec![CapInfo {
            scope,
            late,
            ..BASE
        }]);
        let has_it = decided(table, &with);
        let lacks_it = decided(table, &without);
        assert!(has_it.caps().contains(cap(0)) && !lacks_it.caps().contains(cap(0)));
        assert_eq!(
            word(has_it.late_cpu(&without)),
            cpu_lacks,
            "{late:?}: lacks"
        );
        assert_eq!(word(lacks_it.late_cpu(&with)), cpu_has, "{late:?}: has");
        assert_eq!(word(has_it.late_cpu(&with)), "ok", "{late:?}");
        assert_eq!(word(lacks_it.late_cpu(&without)), "ok", "{late:?}");
    }
}

#[test]
fn the_first_of_the_most_severe_verdicts_counts() {
    let sha1 = Rule::Field {
        field: &fields::ID_AA64ISAR0_EL1::SHA1,
        min: 1,
        max: 15,
    };
    let aes = Rule::Field {
        field: &fields::ID_AA64ISAR0_EL1::AES,
        min: 1,
        max: 15,
    };
    let system = decided(
        table(vec![
            CapInfo {
                late: LatePolicy::WeakLocalFeature,
                scope: Scope::Local,
                ..BASE
            },
            CapInfo {
                cap: cap(1),
                name: "FIRST",
                ..BASE
            },
            CapInfo {
                cap: cap(2),
                name: "SECOND",
                ..BASE
            },
            CapInfo {
                cap: cap(3),
                name: "STRICT",
                scope: Scope::Boot,
                late: LatePolicy::StrictBootFeature,
                rule: sha1,
                ..BASE
            },
            CapInfo {
                cap: cap(4),
                name: "STRICTER",
                scope: Scope::Boot,
                late: LatePolicy::StrictBootFeature,
                rule: aes,
                ..BASE
            },
        ]),
        &isar0(0x1_0100),
    );
    assert_eq!(
        system.late_cpu(&isar0(0x0100)).to_string(),
        "this CPU must stay out: the system relies on cpucap FIRST, which this CPU lacks \
         (ID_AA64ISAR0_EL1.CRC32=0)"
    );
    let verdict = system.late_cpu(&isar0(0x0010));
    assert_eq!(
        verdict,
        CpuVerdict::Panic(Conflict::Lacks {
            cap: cap(3),
            name: "STRICT",
            evidence: Evidence::Field {
                field: &fields::ID_AA64ISAR0_EL1::SHA1,
                value: 0
            },
        })
    );
    assert_eq!(verdict.conflict().unwrap().cap(), Some(cap(3)));
    assert_eq!(
        system.late_cpu(&isar0(0x1_0120)).to_string(),
        "the system cannot continue: this CPU has cpucap STRICTER, for which the system is not \
         prepared (ID_AA64ISAR0_EL1.AES=2)"
    );
    let fits = system.late_cpu(&isar0(0x2_0300));
    assert_eq!(fits.to_string(), "this CPU fits the system");
    assert_eq!(fits.conflict(), None);
}

/// A cap that is absent because it requires another one counts as lacking; the text names the other.
#[test]
fn requirements_count_on_a_late_cpu() {
    let needs = |required: &'static [Cap], number, name, field| CapInfo {
        cap: cap(number),
        name,
        requires: required,
        rule: Rule::Field {
            field,
            min: 1,
            max: 15,
        },
        ..BASE
    };
    const TOP: &[Cap] = &[cap(1)];
    const MIDDLE: &[Cap] = &[cap(2)];
    let system = decided(
        table(vec![
            needs(TOP, 0, "TOP", &fields::ID_AA64ISAR0_EL1::CRC32),
            needs(MIDDLE, 1, "MIDDLE", &fields::ID_AA64ISAR0_EL1::SHA1),
            CapInfo {
                late: LatePolicy::WeakLocalFeature,
                scope: Scope::Local,
                ..needs(&[], 2, "BOTTOM", &fields::ID_AA64ISAR0_EL1::AES)
            },
        ]),
        &isar0(0x1_0110),
    );
    assert_eq!(
        system.late_cpu(&isar0(0x1_0100)).to_string(),
        "this CPU must stay out: the system relies on cpucap TOP, which this CPU lacks \
         (ID_AA64ISAR0_EL1.AES=0)"
    );
}

/// An erratum of a feature that the system lacks has no effect.
#[test]
fn an_erratum_of_an_absent_feature_is_ignored() {
    let table = table(vec![
        BASE,
        CapInfo {
            cap: cap(1),
            name: "ERRATUM",
            scope: Scope::Local,
            kind: CapKind::Erratum,
            late: LatePolicy::LocalErratum,
            rule: Rule::Field {
                field: &fields::ID_AA64ISAR0_EL1::AES,
                min: 1,
                max: 15,
            },
            requires: const { &[cap(0)] },
            ..BASE
        },
    ]);
    let affected = isar0(0x1_0010);
    assert_eq!(
        decided(table, &isar0(0)).late_cpu(&affected),
        CpuVerdict::Ok
    );
    assert!(matches!(
        decided(table, &isar0(0x1_0000)).late_cpu(&affected),
        CpuVerdict::ParkCpu(Conflict::Has {
            name: "ERRATUM",
            ..
        })
    ));
}

/// The search for the cause ends also with circular requirements.
#[test]
fn a_circle_of_requirements_ends() {
    let table = table(vec![
        CapInfo {
            requires: const { &[cap(1)] },
            ..BASE
        },
        CapInfo {
            cap: cap(1),
            name: "B",
            requires: const { &[cap(0), cap(2)] },
            ..BASE
        },
        CapInfo {
            cap: cap(2),
            name: "C",
            rule: Rule::Field {
                field: &fields::ID_AA64ISAR0_EL1::AES,
                min: 1,
                max: 15,
            },
            ..BASE
        },
    ]);
    let system = decided(table, &isar0(0x1_0010));
    assert_eq!(system.caps().len(), 3);
    assert_eq!(
        system.late_cpu(&isar0(0x1_0000)).conflict().unwrap().cap(),
        Some(cap(0))
    );
}

#[test]
fn caches_that_need_more_maintenance_are_kept_out() {
    let table = table(vec![]);
    let ctr = |word: u64| -> IdRegs { [(CTR_EL0, word)].into_iter().collect() };
    // IDC, DIC, lines of 64 bytes, PIPT.
    let system = decided(table, &ctr(0xb444_c004));
    for (word, expected) in [
        (0xb443_c004, "CTR_EL0.DminLine=3, the system assumes 4"),
        (0xb444_c003, "CTR_EL0.IminLine=3, the system assumes 4"),
        (0xa444_c004, "CTR_EL0.IDC=0, the system assumes 1"),
        (0x9444_c004, "CTR_EL0.DIC=0, the system assumes 1"),
    ] {
        let verdict = system.late_cpu(&ctr(word));
        assert_eq!(
            verdict.to_string(),
            format!(
                "this CPU must stay out: cache maintenance after writing code is insufficient for this CPU: {expected}"
            )
        );
        assert_eq!(verdict.conflict().unwrap().cap(), None);
    }
    // Maintaining larger lines twice is harmless, as is maintenance that IDC and DIC make unnecessary,
    // and the granules for exclusives and write-back do not matter to code.
    for word in [0xb444_c004, 0xb445_c005, 0xb004_c004] {
        assert_eq!(system.late_cpu(&ctr(word)), CpuVerdict::Ok, "{word:#x}");
    }
    let careful = decided(table, &ctr(0x8443_8003));
    assert_eq!(careful.late_cpu(&ctr(0xb444_c004)), CpuVerdict::Ok);
}

#[test]
fn real_cpus_in_the_wrong_company() {
    let machine = |cpu: &str| {
        let found = machines()
            .into_iter()
            .find(|m| m.qemu == "10.0" && m.cpu == cpu && !m.machine.contains("mte"));
        found.unwrap().regs
    };
    let system = |cpu: &str| decided(&cpucaps::TABLE, &machine(cpu));
    let verdict = |boot: &str, late: &str| system(boot).late_cpu(&machine(late)).to_string();

    assert_eq!(
        verdict("cortex-a53", "cortex-a53"),
        "this CPU fits the system"
    );
    assert_eq!(
        verdict("cortex-a53", "cortex-a35"),
        "this CPU fits the system"
    );
    // The system is not prepared for the errata of the A53.
    assert_eq!(
        verdict("cortex-a35", "cortex-a53"),
        "this CPU must stay out: this CPU has cpucap A53_845719, for which the system is not \
         prepared (MIDR_EL1=0x410fd034)"
    );
    // More severe than LSE, which is later in the table.
    assert_eq!(
        verdict("cortex-a76", "cortex-a53"),
        "the system cannot continue: the system relies on cpucap HVHE, which this CPU lacks \
         (ID_AA64MMFR1_EL1.VH=0)"
    );
    assert_eq!(
        verdict("neoverse-v1", "neoverse-n1"),
        "this CPU must stay out: the system relies on cpucap ADDRESS_AUTH, which this CPU lacks \
         (ID_AA64ISAR1_EL1.APA=0)"
    );
    // The cap DIC is compared before the caches.
    let mut without_dic = machine("neoverse-n2");
    without_dic.set_field(&fields::CTR_EL0::DIC, 0);
    assert_eq!(
        system("neoverse-n2").late_cpu(&without_dic).to_string(),
        "this CPU must stay out: the system relies on cpucap DIC, which this CPU lacks \
         (CTR_EL0.DIC=0)"
    );
}
