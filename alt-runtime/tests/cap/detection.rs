//! Detection on measured ID registers of emulated machines, with the workspace's cpucaps.toml.
//!
//! The registers were read by a bare-metal program; which machine has which feature is what
//! other software decoded from them, and what the makers publish about the CPUs.

use alt_runtime::boot::Detected;
use alt_runtime::cap::{Cap, CapSet, IdRegs, SystemView};

use crate::cpucaps::*;
use crate::machines::{Machine, machines};

/// The CPUs as `-cpu` names them.
const NAMES: [&str; 12] = [
    "cortex-a35",
    "cortex-a53",
    "cortex-a57",
    "cortex-a72",
    "cortex-a55",
    "cortex-a76",
    "neoverse-n1",
    "a64fx",
    "neoverse-v1",
    "cortex-a710",
    "neoverse-n2",
    "max",
];

/// For each cap the CPUs that have it; `max@7` and `max@10` are `max` of that QEMU alone.
#[rustfmt::skip]
const EXPECTED: &[(Cap, &str)] = &[
    (ALWAYS_BOOT,   "a35 a53 a57 a72 a55 a76 n1 a64fx v1 a710 n2 max"),
    (ALWAYS_SYSTEM, "a35 a53 a57 a72 a55 a76 n1 a64fx v1 a710 n2 max"),
    (VHE,           ""), // the program ran at EL1
    (HVHE,          "a55 a76 n1 a64fx v1 a710 n2 max"),
    (HCX,           "max"),
    (GIC_SYSREGS,   "a35 a53 a57 a72 a55 a76 n1 a64fx v1 a710 n2 max"),
    (PSEUDO_NMI,    "a35 a53 a57 a72 a55 a76 n1 a64fx v1 a710 n2 max"),
    (NMI,           "max@10"),
    (BTI,           "a710 n2 max"),
    (MTE,           ""), // takes mte=on, see below
    (ADDRESS_AUTH,  "v1 a710 n2 max"),
    (GENERIC_AUTH,  "v1 a710 n2 max"),
    (VA52,          "max"),
    (S1PIE,         ""),
    (S1POE,         ""),
    (LSE,           "a55 a76 n1 a64fx v1 a710 n2 max"),
    (LSE2,          "v1 a710 n2 max@10"),
    (LSE128,        ""),
    (LRCPC,         "a55 a76 n1 v1 a710 n2 max"),
    (LRCPC2,        "v1 a710 n2 max"),
    (SB,            "a710 n2 max"),
    (DGH,           "v1 n2 max"),
    (ETS2,          "max@10"),
    (XS,            "max@10"),
    (WFXT,          "max@10"),
    (PAN,           "a55 a76 n1 a64fx v1 a710 n2 max"),
    (PAN2,          "a55 a76 n1 a64fx v1 a710 n2 max"),
    (PAN3,          "max@10"),
    (UAO,           "a55 a76 n1 a64fx v1 a710 n2 max"),
    (E0PD,          "a710 n2 max"),
    (DIT,           "v1 a710 n2 max"),
    (SSBS,          "a55 a76 n1 v1 a710 n2 max"),
    (GCS,           ""),
    (CLRBHB,        ""),
    (LSUI,          ""),
    (CNP,           "a55 a76 n1 a64fx v1 a710 n2 max"),
    (LPA2,          "max"),
    (TCR2,          ""),
    (SCTLR2,        ""),
    (HAFDBS,        "a55 a76 n1 v1 a710 n2 max"),
    // Not on a55: erratum 1024718.
    (HW_DBM,        "a76 n1 v1 a710 n2 max"),
    (TLB_RANGE,     "a710 n2 max"),
    // V1 reports 0x0220011102101011 in ID_AA64MMFR2_EL1: bits [51:48] are zero.
    (TTL,           "a710 n2 max"),
    (BBM_LEVEL1,    "v1 a710 n2 max"),
    (BBML2_NOABORT, ""),
    (S2FWB,         "v1 a710 n2 max"),
    (EVT,           "v1 a710 n2 max@10"),
    (RAS,           "a55 a76 n1 v1 a710 n2 max"),
    (AMU,           ""),
    (PMUV3,         "a35 a53 a57 a72 a55 a76 n1 a64fx v1 a710 n2 max"),
    (ECV,           "max@10"),
    (ECV_OFFSET,    "max@10"),
    (IDC,           "v1 a710 n2 max@10"),
    (DIC,           "v1 n2 max@10"),
    (DPB,           "a55 a76 n1 a64fx v1 a710 n2 max"),
    (DPB2,          "v1 a710 n2 max"),
    (CRC32,         "a35 a53 a57 a72 a55 a76 n1 a64fx v1 a710 n2 max"),
    (AES,           "a35 a53 a57 a72 a55 a76 n1 a64fx v1 a710 n2 max"),
    (PMULL,         "a35 a53 a57 a72 a55 a76 n1 a64fx v1 a710 n2 max"),
    (SHA1,          "a35 a53 a57 a72 a55 a76 n1 a64fx v1 a710 n2 max"),
    (SHA2,          "a35 a53 a57 a72 a55 a76 n1 a64fx v1 a710 n2 max"),
    (SHA512,        "v1 a710 n2 max"),
    (SHA3,          "v1 a710 n2 max"),
    (RNG,           "v1 n2 max"),
    (FLAGM,         "v1 a710 n2 max"),
    (FLAGM2,        "a710 n2 max"),
    (MOPS,          "max@10"),
    (FPSIMD,        "a35 a53 a57 a72 a55 a76 n1 a64fx v1 a710 n2 max"),
    (SVE,           "a64fx v1 a710 n2 max"),
    (SVE2,          "a710 n2 max"),
    (SME,           "max"),
    (SME2,          ""),
    (FPMR,          ""),
    // CSV3 is on a76 n1 v1 a710 n2 max, and CSV2 there and 3 on max@10 alone; Arm says of the
    // in-order CPUs that they do not speculate so far.
    (UNMAP_KERNEL_AT_EL0, "a64fx"),
    (SPECTRE_V2,    "a57 a72 a64fx"),
    (SPECTRE_V3A,   "a57 a72"),
    (SPECTRE_V4,    "a57 a72 a76 n1 a64fx v1 a710 n2 max"),
    (SPECTRE_BHB,   "a57 a72 a76 n1 a64fx v1 a710 n2 max@7"),
    (SPECULATIVE_SSBS, "a76 n1 v1 a710 n2"),
    (SPECULATIVE_UNPRIV_LOAD, ""),
    // Revisions: a53 r0p4, a57 r1p0, a72 r0p3, a55 r2p0, a76 r4p1, n1 r4p1.
    (A53_CLEAN_CACHE, ""),
    (A53_843419,    "a53@7"),
    (A53_845719,    "a53"),
    (A57_832075,    "a57"),
    (SPECULATIVE_AT, "a57 a72 a55"),
    (A76_1463225,   ""),
    (A76_1418040,   ""),
    (N1_1542419,    ""),
    (REPEAT_TLBI,   "a55 a76 n1 v1 a710 n2"),
    (A57_834220,    "a57"),
    (A57_1742098,   "a57 a72"),
    (A73_858921,    ""),
    (A77_1508412,   ""),
    (A510_2077057,  ""),
    (A510_2658417,  ""),
    (A715_2645198,  ""),
    (AMU_CONSTCNT,  ""),
    (C1_PRO_4193714, ""),
    (TRBE_OVERWRITE_FILL_MODE, "a710 n2"),
    (TRBE_WRITE_OUT_OF_RANGE, "a710 n2"),
    (TSB_FLUSH_FAILURE, "a710 n2"),
    (A510_1902691,  ""),
    (A510_2038923,  ""),
    (A510_2064142,  ""),
    (AMPERE_AC03_CPU_38, ""),
    (AMPERE_AC04_CPU_23, ""),
    (CAVIUM_23154,  ""),
    (CAVIUM_27456,  ""),
    (CAVIUM_30115,  ""),
    (TX2_219_PRFM,  ""),
    (FALKOR_E1003,  ""),
    (ORYON_CNTVOFF, ""),
    (PMUV3_IMPDEF_TRAPS, ""),
];

fn detect(regs: &IdRegs) -> CapSet {
    TABLE.detect(regs).unwrap()
}

#[test]
fn plain_machines_have_what_their_cpus_have() {
    let mut seen = 0;
    for Machine {
        qemu,
        cpu,
        machine,
        regs,
    } in machines()
    {
        if !NAMES.contains(&cpu.as_str()) || machine.contains("mte=on") {
            continue;
        }
        seen += 1;
        let short = cpu
            .trim_start_matches("cortex-")
            .trim_start_matches("neoverse-");
        let major = qemu.split('.').next().unwrap();
        let present = detect(&regs);
        for (cap, cpus) in EXPECTED {
            let expected = cpus
                .split(' ')
                .any(|entry| entry == short || entry == format!("{short}@{major}"));
            let name = TABLE.name(cap.number()).unwrap();
            assert_eq!(
                present.contains(*cap),
                expected,
                "{name} on {cpu}, QEMU {qemu}"
            );
        }
    }
    assert_eq!(seen, 20);
}

/// The short way of a system with one CPU decides as the long one does.
#[test]
fn caps_of_one_cpu_alone_are_those_of_its_system() {
    for Machine { regs, cpu, .. } in machines() {
        let alone = Detected::new(&TABLE, regs).unwrap().caps_alone().unwrap();
        let system = SystemView::new(&TABLE, &regs).unwrap().finalise().unwrap();
        assert_eq!(&alone, system.caps(), "{cpu}");
    }
}

#[test]
fn every_cap_is_expected_somewhere() {
    let expected: CapSet = EXPECTED.iter().map(|(cap, _)| *cap).collect();
    let all: CapSet = TABLE.iter().map(|info| info.cap).collect();
    assert_eq!(expected, all);
}

/// Switches of `-cpu` and `-machine` that change ID registers, and what must follow from them.
#[test]
fn switches_take_caps_away_and_add_them() {
    let vectors = [FPSIMD, SVE, SVE2, SME];
    let auth = [ADDRESS_AUTH, GENERIC_AUTH];
    let mut seen = 0;
    let mut check = |cpu: &str, machine: &str, watched: &[Cap], expected: &[Cap]| {
        for Machine { qemu, regs, .. } in machines()
            .into_iter()
            .filter(|m| m.cpu == cpu && m.machine.contains(machine))
        {
            seen += 1;
            let watched: CapSet = watched.iter().copied().collect();
            let expected: CapSet = expected.iter().copied().collect();
            assert_eq!(
                detect(&regs).intersect(&watched),
                expected,
                "{cpu} {machine} {qemu}"
            );
        }
    };
    check("max,pauth=off", "", &auth, &[]);
    check("max,pauth-impdef=on", "", &auth, &auth);
    check("max,pauth-qarma5=on", "", &auth, &auth);
    // QARMA3 shows in ID_AA64ISAR2_EL1 alone.
    check("max,pauth-qarma3=on", "", &auth, &auth);
    check("max,lpa2=off", "", &[LPA2, VA52], &[]);
    check("max,sve=off", "", &vectors, &[FPSIMD]);
    check("max,sve=off,sme=off", "", &vectors, &[FPSIMD]);
    check("max,sme=off", "", &vectors, &[FPSIMD, SVE, SVE2]);
    // FP is 0b1111, that is -1. What needs the registers goes with them.
    check("max,vfp=off", "", &vectors, &[]);
    check("max,pmu=off", "", &vectors, &vectors);
    check("max,pmu=off", "", &[PMUV3], &[]);
    check("max", "mte=on", &[MTE], &[MTE]);
    check("cortex-a710", "mte=on", &[MTE], &[MTE]);
    check("neoverse-n2", "mte=on", &[MTE], &[MTE]);
    assert_eq!(seen, 23);
}

#[test]
fn the_report_says_why() {
    let evidence = |cpu: &str, qemu: &str, cap: Cap| {
        let regs = machines()
            .into_iter()
            .find(|m| m.cpu == cpu && m.qemu == qemu)
            .unwrap()
            .regs;
        TABLE
            .get(cap.number())
            .unwrap()
            .rule
            .evidence(&regs)
            .to_string()
    };
    assert_eq!(evidence("max", "10.0", LSE), "ID_AA64ISAR0_EL1.Atomic=2");
    assert_eq!(
        evidence("cortex-a53", "10.0", LSE),
        "ID_AA64ISAR0_EL1.Atomic=0"
    );
    assert_eq!(
        evidence("cortex-a53", "7.2", A53_843419),
        "MIDR_EL1=0x410fd034"
    );
    assert_eq!(
        evidence("cortex-a53", "10.0", A53_843419),
        "MIDR_EL1=0x410fd034 fixed by REVIDR_EL1=0x100"
    );
    assert_eq!(
        evidence("max,pauth-qarma3=on", "10.0", ADDRESS_AUTH),
        "ID_AA64ISAR2_EL1.APA3=5"
    );
    assert_eq!(
        evidence("max,vfp=off", "7.2", FPSIMD),
        "ID_AA64PFR0_EL1.FP=-1"
    );
    assert_eq!(evidence("max", "7.2", ALWAYS_BOOT), "always");
}
