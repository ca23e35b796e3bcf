//! Cache maintenance from registers that were read from machines
//! (`linker/image/cpus/qemu.toml` has the same values).

use alt_runtime::Maintenance;
use alt_runtime::cap::IdRegs;
use alt_runtime::cap::idregs::Register;

fn of(ctr: u64, midr: u64) -> Maintenance {
    let registers = [(Register::CTR_EL0, ctr), (Register::MIDR_EL1, midr)];
    Maintenance::new(&registers.into_iter().collect::<IdRegs>())
}

#[test]
fn cortex_a76() {
    let expected = Maintenance {
        data_line: 64,
        instruction_line: 64,
        no_clean: false,
        no_invalidate: false,
        invalidate_all: false,
        clean_to_coherency: false,
    };
    assert_eq!(of(0x8444_c004, 0x414f_d0b1), expected);
}

#[test]
fn a64fx_has_lines_of_256_bytes() {
    let how = of(0x8666_8006, 0x461f_0010);
    assert_eq!((how.data_line, how.instruction_line), (256, 256));
}

#[test]
fn lines_of_different_size() {
    // The Cortex-A76 value with DminLine one larger: 128-byte data lines.
    let how = of(0x8445_c004, 0x414f_d0b1);
    assert_eq!((how.data_line, how.instruction_line), (128, 64));
}

#[test]
fn idc_and_dic() {
    // Cortex-A710 has IDC, Neoverse V1 has both.
    let a710 = of(0x4_9444_c004, 0x412f_d471);
    assert_eq!((a710.no_clean, a710.no_invalidate), (true, false));
    let v1 = of(0xb444_c004, 0x411f_d402);
    assert_eq!((v1.no_clean, v1.no_invalidate), (true, true));
}

/// CTR_EL0.L1Ip of a Cortex-A76, changed: only a PIPT cache can be invalidated by one address.
#[test]
fn instruction_cache_that_is_not_pipt_is_invalidated_as_a_whole() {
    for (l1ip, all) in [(0b00, true), (0b01, true), (0b10, true), (0b11, false)] {
        let ctr = 0x8444_0004 | l1ip << 14;
        assert_eq!(of(ctr, 0x414f_d0b1).invalidate_all, all, "{l1ip:#b}");
    }
}

/// CPU 0 is PIPT, CPU 1 is VIPT, whichever boots.
#[test]
fn one_cpu_that_is_not_pipt_is_enough() {
    let ids = |ctr| -> IdRegs { [(Register::CTR_EL0, ctr)].into_iter().collect() };
    let (pipt, vipt) = (ids(0x8444_c004), ids(0x8444_8004));
    assert!(Maintenance::new(&pipt).also_for(&vipt).invalidate_all);
    assert!(Maintenance::new(&vipt).also_for(&pipt).invalidate_all);
    assert!(!Maintenance::new(&pipt).also_for(&pipt).invalidate_all);
}

#[test]
fn neoverse_n1_with_erratum_1542419_invalidates_in_spite_of_dic() {
    for (midr, affected) in [
        (0x412f_d0c1, false), // r2p1
        (0x413f_d0c0, true),  // r3p0
        (0x413f_d0c1, true),  // r3p1
        (0x414f_d0c0, true),  // r4p0
        (0x414f_d0c1, false), // r4p1
    ] {
        assert_eq!(of(0xb444_c004, midr).no_invalidate, !affected, "{midr:#x}");
    }
}

#[test]
fn a_system_needs_what_any_of_its_cpus_needs() {
    let ids = |ctr, midr| -> IdRegs {
        [(Register::CTR_EL0, ctr), (Register::MIDR_EL1, midr)]
            .into_iter()
            .collect()
    };
    let v1 = ids(0xb444_c004, 0x411f_d402); // IDC and DIC, 64-byte lines
    let a64fx = ids(0x8666_8006, 0x461f_0010); // neither, 256-byte lines
    let a53 = ids(0x8444_8004, 0x410f_d030); // r0p0
    let expected = Maintenance {
        data_line: 64,
        instruction_line: 64,
        no_clean: false,
        no_invalidate: false,
        invalidate_all: true,
        clean_to_coherency: true,
    };
    for [first, second, third] in [
        [&v1, &a64fx, &a53],
        [&a53, &v1, &a64fx],
        [&a64fx, &a53, &v1],
    ] {
        let how = Maintenance::new(first).also_for(second).also_for(third);
        assert_eq!(how, expected);
    }
    assert_eq!(Maintenance::new(&v1).also_for(&v1), Maintenance::new(&v1));
}

#[test]
fn cortex_a53_up_to_r0p2_cleans_to_coherency() {
    for (midr, affected) in [
        (0x410f_d030, true),  // r0p0
        (0x410f_d032, true),  // r0p2
        (0x410f_d033, false), // r0p3
        (0x410f_d034, false), // r0p4
        (0x411f_d070, false), // Cortex-A57 r1p0
    ] {
        assert_eq!(
            of(0x8444_8004, midr).clean_to_coherency,
            affected,
            "{midr:#x}"
        );
    }
}
