//! The consistency of the table, and measured values. `sources.rs` compares it with published tables.

use std::collections::HashSet;

use alt_cpu::{Field, Register, Safe, Scheme, fields};

#[test]
fn fields_do_not_overlap_and_are_in_descending_order() {
    for register in Register::ALL {
        let mut bound = 64;
        for field in register.fields() {
            assert!(field.lsb + field.width <= bound, "{field}");
            assert_eq!(field.register, *register);
            bound = field.lsb;
        }
    }
}

#[test]
fn registers_have_distinct_names_and_encodings_and_their_index() {
    let names: HashSet<_> = Register::ALL
        .iter()
        .map(|register| register.name())
        .collect();
    let encodings: HashSet<_> = Register::ALL
        .iter()
        .map(|register| register.encoding())
        .collect();
    assert_eq!((names.len(), encodings.len()), (26, 26));
    for (index, register) in Register::ALL.iter().enumerate() {
        assert_eq!(*register as usize, index);
        assert_eq!(Register::from_name(register.name()), Some(*register));
    }
}

/// The words to which an assembler translates `mrs x0, midr_el1` and so on.
#[test]
fn encodings_are_those_of_an_assembler() {
    for (register, word) in [
        (Register::MIDR_EL1, 0xd538_0000_u32),
        (Register::REVIDR_EL1, 0xd538_00c0),
        (Register::CTR_EL0, 0xd53b_0020),
        (Register::DCZID_EL0, 0xd53b_00e0),
        (Register::CLIDR_EL1, 0xd539_0020),
        (Register::ID_AA64MMFR2_EL1, 0xd538_0740),
        (Register::ID_AA64FPFR0_EL1, 0xd538_04e0),
        (Register::ID_AA64DFR2_EL1, 0xd538_0540),
        (Register::GMID_EL1, 0xd539_0080),
        (Register::CurrentEL, 0xd538_4240),
        (Register::HCR_EL2, 0xd53c_1100),
    ] {
        let e = register.encoding();
        let fields = [
            (e.op0 - 2, 19),
            (e.op1, 16),
            (e.crn, 12),
            (e.crm, 8),
            (e.op2, 5),
        ];
        let built = fields.iter().fold(0xd530_0000, |word, (value, lsb)| {
            word | u32::from(*value) << lsb
        });
        assert_eq!(built, word, "{register}");
    }
}

/// Register values of real CPUs, and the fields by their manuals.
#[test]
fn values_are_extracted_with_their_sign() {
    for (name, word, expected) in [
        ("MIDR_EL1.Implementer", 0x410f_d034, 0x41),
        ("MIDR_EL1.PartNum", 0x410f_d034, 0xd03),
        ("MIDR_EL1.Revision", 0x410f_d034, 4),
        ("MIDR_EL1.Variant", 0x414f_d0c1, 4),
        ("CTR_EL0.DIC", 0xb444_c004, 1),
        ("CTR_EL0.L1Ip", 0x8444_8004, 2),
        ("CTR_EL0.TminLine", 0x4_9444_c004, 4),
        ("CLIDR_EL1.LoC", 0x0a20_0023, 2),
        ("ID_AA64PFR0_EL1.FP", 0x00ff_0022, -1),
        ("ID_AA64PFR0_EL1.CSV3", 0x1201_0011_2111_0012, 1),
        // PMUVer: 15 is an IMPLEMENTATION DEFINED PMU, the other values are in ascending order.
        ("ID_AA64DFR0_EL1.PMUVer", 0x0f00, -1),
        ("ID_AA64DFR0_EL1.PMUVer", 0x0e00, 14),
        ("ID_AA64DFR0_EL1.PMUVer", 0x0900, 9),
        ("ID_AA64DFR0_EL1.PMUVer", 0x0800, 8),
        ("ID_AA64DFR0_EL1.PMUVer", 0x0700, 7),
        ("ID_AA64DFR0_EL1.PMUVer", 0x0000, 0),
        ("CurrentEL.EL", 0x8, 2),
        ("HCR_EL2.E2H", 0x4_0000_0000, 1),
        ("ID_AA64MMFR0_EL1.TGran4", 0xf000_0000, -1),
        ("ID_AA64MMFR0_EL1.TGran4_2", 0x0f00_0000_0000, 15),
        ("ID_AA64MMFR4_EL1.E2H0", 0x0e00_0000, -2),
        ("ID_AA64ISAR0_EL1.RNDR", 0xf000_0000_0000_0000, 15),
        ("ID_AA64SMFR0_EL1.FA64", 0x8000_0000_0000_0000, 1),
    ] {
        assert_eq!(
            Field::lookup(name).unwrap().extract(word),
            expected,
            "{name}"
        );
    }
}

#[test]
fn insertion_changes_no_other_field() {
    for (name, word, value, expected) in [
        ("ID_AA64ISAR0_EL1.Atomic", 0x1021_1120, 0, 0x1001_1120),
        ("ID_AA64PFR0_EL1.FP", 0x0011_0022, -1, 0x001f_0022),
        ("ID_AA64MMFR4_EL1.E2H0", 0, -2, 0x0e00_0000),
        ("CTR_EL0.TminLine", 0x8444_c004, 63, 0x3f_8444_c004),
        ("ID_AA64SMFR0_EL1.FA64", 0, 1, 0x8000_0000_0000_0000),
        ("ID_AA64DFR0_EL1.PMUVer", 0x1f6, -1, 0xff6),
        ("ID_AA64DFR0_EL1.PMUVer", 0x1f6, 9, 0x9f6),
        // 0x12 does not fit into four bits.
        (
            "ID_AA64ISAR0_EL1.Atomic",
            u64::MAX,
            0x12,
            0xffff_ffff_ff2f_ffff,
        ),
    ] {
        let field = Field::lookup(name).unwrap();
        assert_eq!(field.insert(word, value), expected, "{name}");
    }
}

#[test]
fn every_field_holds_its_bounds() {
    for field in Register::ALL.iter().flat_map(|register| register.fields()) {
        let ones = field.extract(u64::MAX);
        let expected = match field.scheme {
            Scheme::Unsigned => field.max_value(),
            Scheme::Signed | Scheme::Alternative => -1,
        };
        assert_eq!(ones, expected, "{field}");
        assert_eq!(
            field.extract(!(u64::MAX >> (64 - field.width) << field.lsb)),
            0,
            "{field}"
        );
        let top = 1 << (field.lsb + field.width - 1);
        match field.scheme {
            Scheme::Signed => assert_eq!(field.extract(top), field.min_value(), "{field}"),
            _ => assert_eq!(field.extract(top), 1 << (field.width - 1), "{field}"),
        }
        if let Safe::Exact(value) = field.safe {
            assert!(
                (field.min_value()..=field.max_value()).contains(&value),
                "{field}"
            );
        }
    }
    let pmu = fields::ID_AA64DFR0_EL1::PMUVer;
    assert_eq!((pmu.min_value(), pmu.max_value()), (-1, 14));
    assert_eq!(fields::ID_AA64PFR0_EL1::FP.min_value(), -8);
    assert_eq!(fields::ID_AA64PFR0_EL1::FP.max_value(), 7);
    assert_eq!(fields::MIDR_EL1::PartNum.max_value(), 0xfff);
}

/// Reading a register that does not exist is UNDEFINED, so the field that shows it must be read before.
#[test]
fn an_optional_register_is_after_the_field_it_depends_on() {
    let conditional: Vec<String> = Register::ALL
        .iter()
        .filter_map(|register| {
            let (field, least) = register.exists_if()?;
            assert!(field.register < *register && field.register.exists_if().is_none());
            Some(format!("{register} if {field} >= {least}"))
        })
        .collect();
    assert_eq!(
        conditional,
        [
            "GMID_EL1 if ID_AA64PFR1_EL1.MTE >= 2",
            "HCR_EL2 if CurrentEL.EL >= 2"
        ]
    );
    // All others always exist, or are in the space in which unallocated encodings read as zero.
    for register in Register::ALL.iter().filter(|one| one.exists_if().is_none()) {
        let e = register.encoding();
        let reads_as_zero = e.op0 == 3 && e.op1 == 0 && e.crn == 0 && e.crm <= 7;
        let mandatory = [
            Register::CTR_EL0,
            Register::DCZID_EL0,
            Register::CLIDR_EL1,
            Register::CurrentEL,
        ];
        assert!(reads_as_zero || mandatory.contains(register), "{register}");
    }
}

#[test]
fn known_bits_are_those_of_the_fields() {
    assert_eq!(Register::MIDR_EL1.known_bits(), 0xffff_ffff);
    assert_eq!(Register::REVIDR_EL1.known_bits(), u64::MAX);
    assert_eq!(Register::CTR_EL0.known_bits(), 0x3f_bfff_c00f);
    assert_eq!(Register::HCR_EL2.known_bits(), 1 << 34);
    assert_eq!(Register::ID_AA64DFR0_EL1.known_bits(), u64::MAX);
}

#[test]
fn what_does_not_exist_is_not_found() {
    for name in [
        "",
        "ID_AA64ISAR0_EL1",
        "ID_AA64ISAR0_EL1.",
        "ID_AA64ISAR9_EL1.Atomic",
        "ID_AA64ISAR0_EL1.atomic",
        "REVIDR_EL1.Atomic",
    ] {
        assert_eq!(Field::lookup(name), None, "{name}");
    }
}
