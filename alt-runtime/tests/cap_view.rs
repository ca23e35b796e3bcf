//! Several CPUs as one: sanitised registers, and what is decided on them.

#![deny(missing_docs)]

use alt_runtime::cap::{
    Cap, CapInfo, CapSet, CapTable, Conflict, CpuVerdict, DetectError, Enable, Evidence, Final,
    IdRegs, Kind, LatePolicy, Rule, Scope, SystemView,
    idregs::{
        Register::{self, *},
        Safe, fields,
    },
    run_hooks,
};
use proptest::prelude::*;

#[path = "common/machines.rs"]
mod machines;
use machines::machines;

mod cpucaps {
    alt_runtime::cpucaps!("../cpucaps.toml");
}
use cpucaps::*;

fn one(register: Register, word: u64) -> IdRegs {
    [(register, word)].into_iter().collect()
}

fn merged(cpus: &[IdRegs]) -> IdRegs {
    let mut all = cpus[0];
    cpus[1..].iter().for_each(|cpu| all.merge(cpu));
    all
}

/// `(register, CPUs, system)`: worked out by hand from the register descriptions.
const SANITISED: &[(Register, &[u64], u64)] = &[
    // Lower-safe, nibble by nibble.
    (
        ID_AA64ISAR0_EL1,
        &[0x0221_1111_1021_2120, 0x0000_1000_1021_1120],
        0x0000_1000_1021_1120,
    ),
    (ID_AA64ISAR0_EL1, &[0x1200, 0x2100], 0x1100),
    // Signed: 0xf, "none", is below 0 and 1. FP, then TGran4.
    (ID_AA64PFR0_EL1, &[0x0011_0000, 0x00ff_0000], 0x00ff_0000),
    (ID_AA64PFR0_EL1, &[0x0001_0000, 0x0010_0000], 0x0000_0000),
    (ID_AA64MMFR0_EL1, &[0x1000_0000, 0xf000_0000], 0xf000_0000),
    (ID_AA64MMFR0_EL1, &[0x1000_0000, 0x0000_0000], 0x0000_0000),
    // TGran16 next to it is unsigned, and 0 is its "none".
    (ID_AA64MMFR0_EL1, &[0x00f0_0000, 0x0010_0000], 0x0010_0000),
    // E2H0: -2 is below -1 is below 0.
    (
        ID_AA64MMFR4_EL1,
        &[0x0f00_0000, 0x0e00_0000, 0],
        0x0e00_0000,
    ),
    // SpecSEI is a hazard: any CPU that has it spoils it for all. PAN does not gain by that.
    (ID_AA64MMFR1_EL1, &[0x0010_0000, 0x0120_0000], 0x0110_0000),
    // Algorithms of signing have no order. GPA beside them has.
    (ID_AA64ISAR1_EL1, &[0x0100_0050, 0x0100_0050], 0x0100_0050),
    (ID_AA64ISAR1_EL1, &[0x0100_0050, 0x0100_0040], 0x0100_0000),
    // TGran4_2 is 1 where CPUs differ, and 1 means none.
    (ID_AA64MMFR0_EL1, &[0x0200_0000_0000, 0], 0x0100_0000_0000),
    // DebugVer.
    (ID_AA64DFR0_EL1, &[0x9, 0xa], 0x6),
    (ID_AA64DFR0_EL1, &[0x9, 0x9], 0x9),
    // CTR_EL0. 64-byte lines and 32-byte instruction lines: the smaller of each.
    (CTR_EL0, &[0x8444_c004, 0x8444_c003], 0x8444_c003),
    (CTR_EL0, &[0x8443_c004, 0x8444_c003], 0x8443_c003),
    // IDC and DIC: what one CPU lacks, the system lacks.
    (CTR_EL0, &[0xb444_c004, 0x9444_c004], 0x9444_c004),
    (CTR_EL0, &[0x9444_c004, 0xa444_c004], 0x8444_c004),
    // CWG and ERG: the larger granule, and 0 stands for the largest possible.
    (CTR_EL0, &[0x8454_c004, 0x8535_c004], 0x8554_c004),
    (CTR_EL0, &[0x8444_c004, 0x8054_c004], 0x8054_c004),
    (CTR_EL0, &[0x8404_c004, 0x8564_c004], 0x8504_c004),
    // PIPT (3) and VIPT (2) in one system: aliases must be reckoned with.
    (CTR_EL0, &[0x8444_c004, 0x8444_8004], 0x8444_8004),
    // TminLine.
    (CTR_EL0, &[0x4_8444_c004, 0x3_8444_c004], 0x3_8444_c004),
    // Of two block sizes neither serves for DC ZVA: DZP, bit 4.
    (DCZID_EL0, &[0x4, 0x4], 0x4),
    (DCZID_EL0, &[0x4, 0x14], 0x14),
    (DCZID_EL0, &[0x5, 0x5, 0x4], 0x14),
    (DCZID_EL0, &[0x4, 0x5, 0x5], 0x14),
    // LoUU and LoC: the level that suits every CPU.
    (CLIDR_EL1, &[0x0900_0000, 0x1200_0000], 0x1200_0000),
    // Bits of no field, [27:24] and [3:0] of ISAR0: kept if all have them.
    (ID_AA64ISAR0_EL1, &[0x0500_0003, 0x0600_0003], 0x0400_0003),
    // One model keeps its name, two have none, and what one revision has mended, not all have.
    (MIDR_EL1, &[0x410f_d034, 0x410f_d034], 0x410f_d034),
    (MIDR_EL1, &[0x410f_d034, 0x410f_d033], 0),
    (REVIDR_EL1, &[0x180, 0x100], 0x100),
];

#[test]
fn each_field_goes_by_its_rule() {
    for &(register, words, expected) in SANITISED {
        let cpus: Vec<IdRegs> = words.iter().map(|&word| one(register, word)).collect();
        let reversed: Vec<IdRegs> = cpus.iter().rev().copied().collect();
        for cpus in [cpus, reversed] {
            let word = merged(&cpus).get(register);
            assert_eq!(word, expected, "{register} {words:x?}: {word:#x}");
        }
    }
}

#[test]
fn what_is_mended_in_one_model_is_not_said_of_two() {
    let cpu = |midr, revidr| {
        [(MIDR_EL1, midr), (REVIDR_EL1, revidr)]
            .into_iter()
            .collect()
    };
    let both = merged(&[cpu(0x410f_d034, 0x100), cpu(0x410f_d0c1, 0x100)]);
    assert_eq!((both.get(MIDR_EL1), both.get(REVIDR_EL1)), (0, 0));
}

fn any_regs() -> impl Strategy<Value = IdRegs> {
    // Few different words, so that CPUs agree often enough.
    let word = prop_oneof![any::<u64>(), Just(0), Just(0x1111_1111_1111_1111)];
    proptest::collection::vec(word, Register::COUNT)
        .prop_map(|words| Register::ALL.iter().copied().zip(words).collect())
}

proptest! {
    #[test]
    fn the_order_of_cpus_makes_no_difference(a in any_regs(), b in any_regs(), c in any_regs()) {
        let expected = merged(&[a, b, c]);
        for order in [[a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]] {
            prop_assert_eq!(merged(&order), expected);
        }
        // Nor does it how they are grouped, nor that one comes twice.
        prop_assert_eq!(merged(&[a, merged(&[b, c])]), expected);
        prop_assert_eq!(merged(&[a, a]), a);
        prop_assert_eq!(merged(&[a, b, c, b]), expected);
    }

    #[test]
    fn no_cpu_has_less_than_the_system_promises(cpus in proptest::collection::vec(any_regs(), 1..5)) {
        let system = merged(&cpus);
        for field in Register::ALL.iter().flat_map(|register| register.fields()) {
            let value = system.field(field);
            for cpu in &cpus {
                match field.safe {
                    Safe::LowerSafe => prop_assert!(value <= cpu.field(field), "{}", field),
                    Safe::HigherSafe => prop_assert!(value >= cpu.field(field), "{}", field),
                    Safe::HigherOrZeroSafe => {
                        prop_assert!(value == 0 || value >= cpu.field(field), "{}", field);
                    }
                    Safe::Exact(safe) => {
                        prop_assert!(value == safe || value == cpu.field(field), "{}", field);
                    }
                }
            }
        }
    }
}

// Decisions.

fn machine(cpu: &str) -> IdRegs {
    machines()
        .into_iter()
        .find(|m| m.qemu == "10.0" && m.cpu == cpu && !m.machine.contains("mte"))
        .unwrap_or_else(|| panic!("no {cpu}"))
        .regs
}

fn system(cpus: &[IdRegs]) -> Final {
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

    // VHE is decided by the boot CPU, and strictly: the A76 has it, the A53 has not.
    let mut a76_at_el1 = a76;
    a76_at_el1.set_field(&fields::ID_AA64MMFR1_EL1::VH, 0);
    let little_first = system(&[a53, a76_at_el1, a53]);
    // That an early secondary is the first with an erratum keeps it out no more than the other
    // way round.
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
        &[LSE, PAN, LRCPC, DPB, VHE, SVE],
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

    // As it is, the A76 cannot join: a strict boot cap differs, and the kernel is told.
    let mut view = SystemView::new(&TABLE, &a53).unwrap();
    let verdict = view.add_cpu(&a76);
    assert_eq!(
        verdict.to_string(),
        "the system cannot go on: this CPU has cpucap VHE, for which the system is not prepared \
         (ID_AA64MMFR1_EL1.VH=1)"
    );
    assert!(matches!(
        verdict,
        CpuVerdict::Panic(Conflict::Has { cap: VHE, .. })
    ));
    // And nothing of it is taken in.
    assert_eq!((view.cpus(), view.ids()), (1, &a53));
    assert_eq!(view.finalise().unwrap().caps(), system(&[a53]).caps());
}

#[test]
fn a_neoverse_n2_and_max_share_what_both_have() {
    let (n2, max) = (machine("neoverse-n2"), machine("max"));
    let mut max = max;
    // What max has beyond the N2 of the strict boot caps.
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

/// A task that moves between CPUs must find its pointers signed as it left them.
#[test]
fn signing_needs_the_same_algorithm_on_all_cpus() {
    let (impdef, qarma5) = (machine("max"), machine("max,pauth-qarma5=on"));
    let mut view = SystemView::new(&TABLE, &impdef).unwrap();
    assert!(view.boot_caps().contains(ADDRESS_AUTH));
    let refused = "this CPU must stay out: this CPU has cpucap ADDRESS_AUTH of another kind: \
                   ID_AA64ISAR1_EL1.API=0, the system has 5";
    let verdict = view.add_cpu(&qarma5);
    assert_eq!(verdict.to_string(), refused);
    assert_eq!(verdict.conflict().unwrap().cap(), Some(ADDRESS_AUTH));
    assert_eq!(view.add_cpu(&impdef), CpuVerdict::Ok);
    let system = view.finalise().unwrap();
    assert_eq!(system.late_cpu(&qarma5).to_string(), refused);
    assert_eq!(system.late_cpu(&impdef), CpuVerdict::Ok);

    // A boot CPU that cannot sign leaves the others to their own ways.
    let mut view = SystemView::new(&TABLE, &machine("max,pauth=off")).unwrap();
    assert_eq!(view.add_cpu(&impdef), CpuVerdict::Ok);
    assert_eq!(view.add_cpu(&qarma5), CpuVerdict::Ok);
    assert_caps(
        view.finalise().unwrap().caps(),
        &[],
        &[ADDRESS_AUTH, GENERIC_AUTH],
    );
}

/// What CPUs are called has no order either, and different names are no obstacle.
#[test]
fn caps_by_name_do_not_keep_other_cpus_out() {
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

/// A local cap by a field without order is each CPU's own affair.
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

// Tables of their own.

const A: Cap = Cap::new(0, true);
const B: Cap = Cap::new(1, true);
const C: Cap = Cap::new(2, true);

/// A cap that is present where the CRC32 (A), SHA1 (B), AES (C) field is not zero.
const fn info(cap: Cap, scope: Scope, late: LatePolicy) -> CapInfo {
    CapInfo {
        cap,
        name: ["A", "B", "C"][cap.number() as usize],
        doc: "",
        scope,
        kind: Kind::Feature,
        rule: Rule::Field {
            field: match cap.number() {
                0 => &fields::ID_AA64ISAR0_EL1::CRC32,
                1 => &fields::ID_AA64ISAR0_EL1::SHA1,
                _ => &fields::ID_AA64ISAR0_EL1::AES,
            },
            min: 1,
            max: 15,
        },
        late,
        requires: &[],
        conflicts: &[],
    }
}

fn table<const N: usize>(infos: [CapInfo; N]) -> &'static CapTable {
    let infos: &'static [CapInfo] = Box::leak(Box::new(infos));
    Box::leak(Box::new(CapTable::new(infos)))
}

/// A CPU with these of A, B and C.
fn cpu(caps: &[Cap]) -> IdRegs {
    let nibble = |cap: &Cap| [0x1_0000, 0x100, 0x10][usize::from(cap.number())];
    one(ID_AA64ISAR0_EL1, caps.iter().map(nibble).sum())
}

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

    // More than the boot CPU: A goes unused. Less: kept out, and not counted.
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
    // B differs: panic, though A alone would have been parked for.
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
        // The boot CPU cannot know of A.
        needs(&[A], info(C, Scope::Boot, LatePolicy::BootFeature)),
    ]);
    assert_eq!(decide(table, &[&[A, B, C], &[A, B, C]]), [0, 1]);
    assert_eq!(decide(table, &[&[A, B, C], &[B, C]]), []);
    // B needs A on the same CPU: one that has it only by name is not one that has it.
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
    // Another CPU without B settles it.
    assert!(view.add_cpu(&cpu(&[A])).is_ok());
    assert_eq!(*view.finalise().unwrap().caps(), CapSet::EMPTY.with(A));
}

// Hooks.

#[test]
fn hooks_run_for_the_caps_of_their_time_on_every_cpu() {
    use std::cell::RefCell;
    thread_local! {
        static RAN: RefCell<Vec<(&'static str, u64)>> = const { RefCell::new(Vec::new()) };
    }
    fn note(name: &'static str, regs: &IdRegs) {
        RAN.with_borrow_mut(|ran| ran.push((name, regs.get(ID_AA64ISAR0_EL1))));
    }
    // Not in the order of the caps: the list says in which order they run.
    const HOOKS: &[Enable] = &[
        Enable {
            cap: C,
            run: |regs| note("local", regs),
        },
        Enable {
            cap: A,
            run: |regs| note("boot", regs),
        },
        Enable {
            cap: B,
            run: |regs| note("system", regs),
        },
        Enable {
            cap: A,
            run: |regs| note("boot again", regs),
        },
    ];
    let ran = |caps: &CapSet, regs: &IdRegs| {
        run_hooks(HOOKS, caps, regs);
        RAN.take()
    };
    let table = table([
        info(A, Scope::Boot, LatePolicy::BootFeature),
        info(B, Scope::System, LatePolicy::SystemFeature),
        info(C, Scope::Local, LatePolicy::WeakLocalFeature),
    ]);
    let (boot_cpu, secondary) = (cpu(&[A, B, C]), cpu(&[A, B]));

    let mut view = SystemView::new(table, &boot_cpu).unwrap();
    let early = [("boot", 0x1_0110), ("boot again", 0x1_0110)];
    assert_eq!(ran(view.boot_caps(), &boot_cpu), early);
    assert!(view.add_cpu(&secondary).is_ok());
    let early = [("boot", 0x1_0100), ("boot again", 0x1_0100)];
    assert_eq!(ran(view.boot_caps(), &secondary), early);

    let system = view.finalise().unwrap();
    // The secondary lacks C, and its hook gets registers that say so.
    let later = |word| [("local", word), ("system", word)];
    assert_eq!(ran(&system.later_caps(), &boot_cpu), later(0x1_0110));
    assert_eq!(ran(&system.later_caps(), &secondary), later(0x1_0100));

    let word = 0x1_0100;
    let both = [
        ("local", word),
        ("boot", word),
        ("system", word),
        ("boot again", word),
    ];
    assert!(system.late_cpu(&secondary).is_ok());
    assert_eq!(ran(system.caps(), &secondary), both);

    // What is absent is not switched on.
    let without = SystemView::new(table, &cpu(&[]))
        .unwrap()
        .finalise()
        .unwrap();
    assert_eq!(ran(without.caps(), &boot_cpu), []);
}
