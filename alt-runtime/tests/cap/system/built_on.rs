//! Values on which a kernel relies, and differences that are reported.

use alt_runtime::cap::{
    CapTable, Conflict, CpuVerdict, IdRegs, SystemView,
    idregs::{
        Field,
        Register::{self, *},
        fields::{CTR_EL0 as CTR, DCZID_EL0 as DCZID, ID_AA64MMFR0_EL1 as MMFR0},
    },
};

static EMPTY: CapTable = alt_runtime::cap_table!(&[]);

fn view(boot: &IdRegs) -> SystemView {
    SystemView::new(&EMPTY, boot).unwrap()
}

/// 16 bits of ASID, 48 bits of physical address, 4 KiB and no 16 KiB pages, `DC ZVA` of 64 bytes.
fn boot() -> IdRegs {
    [(ID_AA64MMFR0_EL1, 0x0000_0025), (DCZID_EL0, 4)]
        .into_iter()
        .collect()
}

fn with(field: &Field, value: i64) -> IdRegs {
    let mut cpu = boot();
    cpu.set_field(field, value);
    cpu
}

#[test]
fn a_late_cpu_supports_what_every_kernel_relies_on() {
    let decided = view(&boot()).finalise().unwrap();
    for (field, value, expected) in [
        (&MMFR0::ASIDBits, 2, None),
        (&MMFR0::ASIDBits, 0, Some((2, 0))),
        (&MMFR0::PARange, 5, None),
        (&MMFR0::PARange, 6, None),
        (&MMFR0::PARange, 2, Some((5, 2))),
        // Not declared: each CPU may have it or lack it.
        (&MMFR0::TGran16, 1, None),
        (&MMFR0::BigEnd, 1, None),
        (&MMFR0::ECV, 1, None),
        (&DCZID::DZP, 1, Some((0, 1))),
    ] {
        let conflict = expected.map(|(system, cpu)| Conflict::BuiltOn { field, system, cpu });
        let verdict = decided.late_cpu(&with(field, value));
        assert_eq!(verdict.conflict().copied(), conflict, "{field}={value}");
        assert!(!matches!(verdict, CpuVerdict::Panic(_)));
    }
    // Block sizes of `DC ZVA`: smaller and larger ones are both wrong, unless it is prohibited.
    for size in [3, 5] {
        let verdict = decided.late_cpu(&with(&DCZID::BS, size));
        assert!(!verdict.is_ok(), "{size}");
        let unused = view(&with(&DCZID::DZP, 1)).finalise().unwrap();
        let mut cpu = with(&DCZID::BS, size);
        assert!(unused.late_cpu(&cpu).is_ok());
        cpu.set_field(&DCZID::DZP, 1);
        assert!(unused.late_cpu(&cpu).is_ok());
    }
    assert_eq!(
        decided.late_cpu(&with(&MMFR0::ASIDBits, 0)).to_string(),
        "this CPU must stay out: the kernel relies on ID_AA64MMFR0_EL1.ASIDBits=2, and this \
         CPU has 0"
    );
}

#[test]
fn a_kernel_declares_what_it_relies_on() {
    let mut declared = view(&boot());
    declared.build_on(&[&MMFR0::PARange, &MMFR0::TGran4, &CTR::CWG]);
    let no_4k = with(&MMFR0::TGran4, -1);
    // An early secondary CPU is not added.
    let mut early = declared.clone();
    assert_eq!(
        early.add_cpu(&no_4k),
        CpuVerdict::ParkCpu(Conflict::BuiltOn {
            field: &MMFR0::TGran4,
            system: 0,
            cpu: -1
        })
    );
    assert_eq!((early.cpus(), early.ids()), (1, &boot().sanitised()));
    assert!(!early.add_cpu(&with(&MMFR0::PARange, 4)).is_ok());
    // Not declared, and early: the value of the system changes.
    assert!(early.add_cpu(&with(&MMFR0::ASIDBits, 0)).is_ok());
    assert_eq!(early.ids().field(&MMFR0::ASIDBits), 0);
    // Without a declaration, the early secondary CPU is added.
    assert!(view(&boot()).add_cpu(&no_4k).is_ok());
    // Late CPUs must support both.
    let decided = declared.finalise().unwrap();
    assert!(!decided.late_cpu(&no_4k).is_ok());
    assert!(!decided.late_cpu(&with(&MMFR0::ASIDBits, 0)).is_ok());
    assert!(decided.late_cpu(&boot()).is_ok());
}

#[test]
fn only_unusual_differences_are_reported() {
    let differences = |register: Register, boot: u64, cpu: u64| -> Vec<String> {
        let one = |word| -> IdRegs { [(register, word)].into_iter().collect() };
        let view = view(&one(boot));
        let (cpu, decided) = (one(cpu), view.finalise().unwrap());
        let found: Vec<String> = view.differences(&cpu).map(|one| one.to_string()).collect();
        let late: Vec<String> = decided
            .differences(&cpu)
            .map(|one| one.to_string())
            .collect();
        assert_eq!(found, late);
        found
    };
    assert_eq!(
        differences(ID_AA64ISAR0_EL1, 0x20_0000, 0x1_0000),
        [
            "ID_AA64ISAR0_EL1.Atomic: 0 here, 2 on the boot CPU",
            "ID_AA64ISAR0_EL1.CRC32: 1 here, 0 on the boot CPU",
        ]
    );
    assert_eq!(
        differences(ID_AA64PFR0_EL1, 0, 0xf_0000),
        ["ID_AA64PFR0_EL1.FP: -1 here, 0 on the boot CPU"]
    );
    assert_eq!(
        differences(CurrentEL, 8, 4),
        ["CurrentEL.EL: 1 here, 2 on the boot CPU"]
    );
    let none = Vec::<String>::new();
    assert_eq!(differences(ID_AA64ISAR0_EL1, 0x20_0000, 0x20_0000), none);
    // Big and little CPUs.
    assert_eq!(differences(MIDR_EL1, 0x410f_d034, 0x411f_d080), none);
    assert_eq!(differences(REVIDR_EL1, 0, 0x100), none);
    assert_eq!(differences(CLIDR_EL1, 0x0a20_0023, 0x0920_0023), none);
    // Features that each CPU handles on its own, such as CSV3; bits of no field.
    assert_eq!(differences(ID_AA64PFR0_EL1, 1 << 60, 0), none);
    assert_eq!(differences(ID_AA64ISAR0_EL1, 0xf, 0), none);
}

/// A difference is reported although the system uses the safe value.
#[test]
fn differences_are_from_the_boot_cpu() {
    let mut view = view(&boot());
    let low = with(&MMFR0::ASIDBits, 0);
    for _ in 0..2 {
        let found: Vec<&Field> = view.differences(&low).map(|one| one.field).collect();
        assert_eq!(found, [&MMFR0::ASIDBits]);
        assert!(view.add_cpu(&low).is_ok());
    }
    assert_eq!(view.differences(&boot()).count(), 0);
}
