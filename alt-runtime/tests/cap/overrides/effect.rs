//! The effect of overrides on a CPU.

use alt_runtime::cap::{
    Applied, CapKind, CpuVerdict, IdRegs, Overrides, SystemView,
    idregs::Register::{CTR_EL0, ID_AA64ISAR0_EL1, ID_AA64PFR0_EL1},
};

use crate::cpucaps::*;
use crate::machines::machines;

fn machine(cpu: &str) -> IdRegs {
    let mut machines = machines().into_iter();
    let found = machines.find(|m| m.qemu == "10.0" && m.cpu == cpu && !m.machine.contains("mte"));
    found.unwrap().regs
}

fn apply(cmdline: &str, regs: &mut IdRegs) -> Vec<String> {
    let mut log = Vec::new();
    Overrides::parse(&TABLE, cmdline, |rejected| panic!("{rejected}"))
        .apply(regs, |applied: Applied| log.push(applied.to_string()));
    log
}

#[test]
fn a_cpu_loses_features_and_gains_none() {
    let mut a76 = machine("cortex-a76");
    let before = a76;
    let log = apply(
        "arm64.nolse id_aa64mmfr1.pan=15 ctr_el0.dminline=3 ctr_el0.cwg=5 ctr_el0.erg=0 \
         id_aa64isar0.crc32=1 id_aa64isar1.apa=0",
        &mut a76,
    );
    assert_eq!(
        log,
        [
            "ID_AA64ISAR0_EL1.Atomic: 1 instead of 2",
            "ID_AA64MMFR1_EL1.PAN: stays 2, 15 would be more than the CPU has",
            "CTR_EL0.DminLine: 3 instead of 4",
            "CTR_EL0.CWG: 5 instead of 4",
            "CTR_EL0.ERG: 0 instead of 4",
            "ID_AA64ISAR0_EL1.CRC32: 1 already",
            "ID_AA64ISAR1_EL1.APA: 0 already",
        ]
    );
    // Measured: ISAR0 0x0000100010211120, CTR 0x8444c004. Nothing else changes.
    assert_eq!(a76.get(ID_AA64ISAR0_EL1), 0x0000_1000_1011_1120);
    assert_eq!(a76.get(CTR_EL0), 0x8503_c004);
    a76.set(ID_AA64ISAR0_EL1, before.get(ID_AA64ISAR0_EL1));
    a76.set(CTR_EL0, before.get(CTR_EL0));
    assert_eq!(a76, before);

    // 0 in CWG is "unknown", which is the safest value.
    let mut unknown: IdRegs = [(CTR_EL0, 0x8044_c004)].into_iter().collect();
    let log = apply("ctr_el0.cwg=9", &mut unknown);
    assert_eq!(
        log,
        ["CTR_EL0.CWG: stays 0, 9 would be more than the CPU has"]
    );
    assert_eq!(unknown.get(CTR_EL0), 0x8044_c004);

    // Signed: -1 is less than 0 and 1.
    let mut fp: IdRegs = [(ID_AA64PFR0_EL1, 0x0011_0000)].into_iter().collect();
    assert_eq!(
        apply("id_aa64pfr0.fp=0xf", &mut fp),
        ["ID_AA64PFR0_EL1.FP: -1 instead of 1"]
    );
    assert_eq!(fp.get(ID_AA64PFR0_EL1), 0x001f_0000);
    assert_eq!(
        apply("id_aa64pfr0.fp=0", &mut fp),
        ["ID_AA64PFR0_EL1.FP: stays -1, 0 would be more than the CPU has"]
    );
}

#[test]
fn signing_is_switched_off_whatever_the_algorithm() {
    for cpu in [
        "max",
        "max,pauth-impdef=on",
        "max,pauth-qarma3=on",
        "max,pauth-qarma5=on",
    ] {
        let mut regs = machine(cpu);
        assert!(TABLE.detect(&regs).unwrap().contains(ADDRESS_AUTH), "{cpu}");
        apply("arm64.nopauth", &mut regs);
        let caps = TABLE.detect(&regs).unwrap();
        assert!(
            !caps.contains(ADDRESS_AUTH) && !caps.contains(GENERIC_AUTH),
            "{cpu}"
        );
    }
}

/// The word for a cap removes the cap, and the caps that it requires stay.
#[test]
fn every_word_takes_its_cap_away() {
    let mut words = 0;
    for info in TABLE.iter() {
        let word = format!("arm64.no{}", info.name.to_lowercase().replace('_', ""));
        let overrides = Overrides::parse(&TABLE, &word, |_| ());
        if overrides.is_empty() {
            continue;
        }
        words += 1;
        for machine in machines() {
            let mut regs = machine.regs;
            overrides.apply(&mut regs, |_| ());
            let (before, after) = (
                TABLE.detect(&machine.regs).unwrap(),
                TABLE.detect(&regs).unwrap(),
            );
            assert!(!after.contains(info.cap), "{word}");
            assert!(after.is_subset(&before), "{word} on {}", machine.cpu);
            for required in info.requires.iter() {
                // These two test the same value, and are removed together.
                if info.cap != PSEUDO_NMI {
                    assert_eq!(
                        after.contains(required),
                        before.contains(required),
                        "{word}"
                    );
                }
            }
        }
    }
    // All features of cpucaps.toml but ALWAYS_*, VHE, BBML2_NOABORT, and the two of authentication.
    let features = TABLE.iter().filter(|info| info.kind == CapKind::Feature);
    assert_eq!(words, features.count() - 6);
}

/// Overrides that apply to all CPUs make different CPUs fit.
#[test]
fn all_cpus_agree_on_what_is_overridden() {
    let boot = |cmdline: &str| {
        let (mut a76, mut a53) = (machine("cortex-a76"), machine("cortex-a53"));
        apply(cmdline, &mut a76);
        apply(cmdline, &mut a53);
        SystemView::new(&TABLE, &a76).unwrap().add_cpu(&a53)
    };
    assert!(matches!(boot("quiet"), CpuVerdict::Panic(_)));
    assert_eq!(boot("arm64.nohvhe"), CpuVerdict::Ok);
}

#[test]
fn no_overrides_change_nothing() {
    let mut regs = machine("max");
    Overrides::default().apply(&mut regs, |applied| panic!("{applied}"));
    assert_eq!(regs, machine("max"));
    assert!(Overrides::none().is_empty());
}
