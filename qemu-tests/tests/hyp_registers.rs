//! The registers of EL2, read back there after kernel-demo has set them. They are compared with the
//! fields of arm-sysregs, which are from Arm's description, and with numbers from the manual where
//! arm-sysregs has no names.

use std::collections::BTreeMap;

use arm_sysregs::el2::registers::{CnthctlEl2, CptrEl2, HcrEl2, SctlrEl2, TcrEl2};
use qemu_tests::facts::{self, Fact, Hyp};
use qemu_tests::{Image, Launch, Machine, Profile, Qemu, Run, Status, guest, skip};

/// With and without VHE, pointer authentication, MTE, SVE, and up to 52 bits of physical address.
const CPUS: [&str; 6] = [
    "cortex-a53",
    "cortex-a76",
    "max",
    "neoverse-n1",
    "neoverse-n2",
    "neoverse-v1",
];

/// The values of ID registers and registers of EL2 in the kernel's log.
struct Registers<'a>(BTreeMap<&'a str, u64>);

impl<'a> Registers<'a> {
    fn of(run: &'a Run) -> Self {
        let values = facts::read(&run.log).filter_map(|fact| match fact {
            Fact::IdReg { name, value } | Fact::Hyp(Hyp::Register { name, value }) => {
                Some((name, value))
            }
            _ => None,
        });
        Self(values.collect())
    }

    #[track_caller]
    fn get(&self, name: &str) -> u64 {
        *self.0.get(name).unwrap_or_else(|| panic!("no {name}"))
    }

    /// A field of four bits.
    fn field(&self, name: &str, shift: u32) -> u64 {
        self.get(name) >> shift & 0xf
    }
}

#[test]
fn registers_of_el2_are_as_the_architecture_has_them() {
    let test = "registers_of_el2_are_as_the_architecture_has_them";
    if skip::without_guests(test) {
        return;
    }
    let image = Image::open(&guest::build("kernel-demo", Profile::Release).unwrap()).unwrap();
    let qemu = Qemu::find().unwrap();
    for cpu in CPUS.into_iter().filter(|cpu| qemu.has_cpu(cpu)) {
        for (options, line) in [
            ("", ""),
            (",mte=on", ""),
            // The other variant, where there are two.
            ("", "id_aa64mmfr1.vh=0"),
        ] {
            // QEMU refuses to give it to the others.
            if options == ",mte=on" && !["max", "neoverse-n2"].contains(&cpu) {
                continue;
            }
            let options = format!("virt,gic-version=3,virtualization=on{options}");
            let machine = Machine::new(cpu).options(options).args(["-append", line]);
            let run = Launch::new(&image, machine).run(&qemu).unwrap();
            assert_eq!(
                run.outcome.status,
                Status::Ok,
                "{cpu} {line}: {:#?}",
                run.log
            );
            let e2h = facts::read(&run.log).find_map(|fact| match fact {
                Fact::Hyp(Hyp::Variant { e2h, .. }) => Some(e2h),
                _ => None,
            });
            check(&format!("{cpu} {line}"), &Registers::of(&run), e2h.unwrap());
        }
    }
}

#[track_caller]
fn check(cpu: &str, registers: &Registers, e2h: bool) {
    let assert = |name: &str, expected: u64| {
        let found = registers.get(name);
        assert_eq!(
            found, expected,
            "{cpu}: {name} is {found:#x}, not {expected:#x}"
        );
    };

    // A CPU has the bits of what it has; all others are RES0 there.
    let isar1 = |shift| registers.field("ID_AA64ISAR1_EL1", shift) != 0;
    let isar2 = |shift| registers.field("ID_AA64ISAR2_EL1", shift) != 0;
    // APA, API, GPA, GPI; APA3, GPA3.
    let pauth = [4, 8, 24, 28].into_iter().any(isar1) || [12, 8].into_iter().any(isar2);
    let mte = registers.field("ID_AA64PFR1_EL1", 8) >= 2;
    let mut hcr = HcrEl2::RW;
    hcr.set(HcrEl2::APK | HcrEl2::API, pauth);
    hcr.set(HcrEl2::ATA, mte);
    hcr.set(HcrEl2::E2H, e2h);
    assert("HCR_EL2", hcr.bits());

    // RES1 with E2H off, by hand: bits 4, 5, 11, 16, 18, 22, 23, 28 and 29.
    let sctlr = SctlrEl2::M | SctlrEl2::C | SctlrEl2::I | SctlrEl2::SA | SctlrEl2::WXN;
    assert("SCTLR_EL2", 0x30c5_0830 | sctlr.bits());

    // T0SZ 16, IRGN0 and ORGN0 0b01, SH0 0b11, TG0 0b00. At most 48 bits with pages of 4 KiB.
    let size = registers.field("ID_AA64MMFR0_EL1", 0).min(5);
    let walks = 16 | 0b01 << 8 | 0b01 << 10 | 0b11 << 12;
    let tcr = match e2h {
        false => TcrEl2::RES1.bits() | size << 16,
        // T1SZ 16, TG1 0b10: 4 KiB.
        true => TcrEl2::EPD1.bits() | 16 << 16 | 0b10 << 30 | size << 32,
    };
    assert("TCR_EL2", walks | tcr);
    // 0 is Device-nGnRE, 1 is normal memory, write-back, allocate on reads and writes.
    assert("MAIR_EL2", 0xff04);

    // FP at EL1 works, SVE and SME are trapped.
    let cptr = match e2h {
        false => (CptrEl2::RES1 | CptrEl2::TZ | CptrEl2::TSM).bits(),
        true => 0b11 << 20,
    };
    assert("CPTR_EL2", cptr);
    // EL1 has the physical counter and timer: EL1PCTEN, and EL1PCEN or EL1PTEN.
    let cnthctl = match e2h {
        false => 1 << 0 | CnthctlEl2::EL1PCEN.bits(),
        true => 1 << 10 | CnthctlEl2::EL1PTEN.bits(),
    };
    assert("CNTHCTL_EL2", cnthctl);

    // HPMN is the number of counters; nothing is trapped.
    assert_eq!(registers.get("MDCR_EL2") & !0x1f, 0, "{cpu}");
    for name in ["HSTR_EL2", "VTTBR_EL2", "CNTVOFF_EL2"] {
        assert(name, 0);
    }
    assert("VPIDR_EL2", registers.get("MIDR_EL1"));
    // The first CPU of several: U is 0, bit 31 is RES1.
    assert("VMPIDR_EL2", 0x8000_0000);
}
