//! The table against a second description of the same registers, and against measured values.

use std::collections::HashSet;

use alt_idregs::{Encoding, Field, Register, Safe, fields};

/// Encodings and fields as the Linux kernel names and places them: `NAME op0 op1 CRn CRm op2`,
/// then `FIELD msb:lsb`, with `s` for signed ones. Its names differ in case; fields that it does
/// not know yet are not listed.
const LINUX: &str = "
ID_AA64PFR0_EL1 3 0 0 4 0; SVE 35:32; RAS 31:28; GIC 27:24; AdvSIMD 23:20 s; FP 19:16 s;
  EL3 15:12; EL2 11:8; EL1 7:4; EL0 3:0
ID_AA64PFR1_EL1 3 0 0 4 1; PFAR 63:60; DF2 59:56; MTEX 55:52; THE 51:48; GCS 47:44;
  MTE_frac 43:40; NMI 39:36; CSV2_frac 35:32; RNDR_trap 31:28; SME 27:24; MPAM_frac 19:16;
  RAS_frac 15:12; MTE 11:8; SSBS 7:4; BT 3:0
ID_AA64PFR2_EL1 3 0 0 4 2; FPMR 35:32; UINJ 19:16; MTEFAR 11:8; MTESTOREONLY 7:4; MTEPERM 3:0
ID_AA64ZFR0_EL1 3 0 0 4 4; F64MM 59:56; F32MM 55:52; F16MM 51:48; I8MM 47:44; SM4 43:40;
  SHA3 35:32; B16B16 27:24; BF16 23:20; BitPerm 19:16; EltPerm 15:12; AES 7:4; SVEver 3:0
ID_AA64SMFR0_EL1 3 0 0 4 5; FA64 63:63; LUTv2 60:60; SMEver 59:56; I16I64 55:52; F64F64 48:48;
  I16I32 47:44; B16B16 43:43; F16F16 42:42; F8F16 41:41; F8F32 40:40; I8I32 39:36; F16F32 35:35;
  B16F32 34:34; BI32I32 33:33; F32F32 32:32; SF8FMA 30:30; SF8DP4 29:29; SF8DP2 28:28;
  SBitPerm 25:25; AES 24:24; SFEXPA 23:23; STMOP 16:16; SMOP4 0:0
ID_AA64DFR0_EL1 3 0 0 5 0; HPMN0 63:60; ExtTrcBuff 59:56; BRBE 55:52; MTPMU 51:48 s;
  TraceBuffer 47:44; TraceFilt 43:40; DoubleLock 39:36; PMSVer 35:32; CTX_CMPs 31:28; WRPs 23:20; PMSS 19:16;
  BRPs 15:12; PMUVer 11:8; TraceVer 7:4; DebugVer 3:0
ID_AA64DFR1_EL1 3 0 0 5 1; ABL_CMPs 63:56; DPFZS 55:52; EBEP 51:48; ITE 47:44; ABLE 43:40;
  PMICNTR 39:36; SPMU 35:32; CTX_CMPs 31:24; WRPs 23:16; BRPs 15:8; SYSPMUID 7:0
ID_AA64ISAR0_EL1 3 0 0 6 0; RNDR 63:60; TLB 59:56; TS 55:52; FHM 51:48; DP 47:44; SM4 43:40;
  SM3 39:36; SHA3 35:32; RDM 31:28; ATOMIC 23:20; CRC32 19:16; SHA2 15:12; SHA1 11:8; AES 7:4
ID_AA64ISAR1_EL1 3 0 0 6 1; LS64 63:60; XS 59:56; I8MM 55:52; DGH 51:48; BF16 47:44;
  SPECRES 43:40; SB 39:36; FRINTTS 35:32; GPI 31:28; GPA 27:24; LRCPC 23:20; FCMA 19:16;
  JSCVT 15:12; API 11:8; APA 7:4; DPB 3:0
ID_AA64ISAR2_EL1 3 0 0 6 2; ATS1A 63:60; LUT 59:56; CSSC 55:52; RPRFM 51:48; PCDPHINT 47:44;
  PRFMSLC 43:40; SYSINSTR_128 39:36; SYSREG_128 35:32; CLRBHB 31:28; PAC_frac 27:24; BC 23:20;
  MOPS 19:16; APA3 15:12; GPA3 11:8; RPRES 7:4; WFxT 3:0
ID_AA64ISAR3_EL1 3 0 0 6 3; FPRCVT 31:28; LSUI 27:24; OCCMO 23:20; LSFE 19:16; PACM 15:12;
  TLBIW 11:8; FAMINMAX 7:4; CPA 3:0
ID_AA64MMFR0_EL1 3 0 0 7 0; ECV 63:60; FGT 59:56; EXS 47:44; TGRAN4_2 43:40; TGRAN64_2 39:36;
  TGRAN16_2 35:32; TGRAN4 31:28 s; TGRAN64 27:24 s; TGRAN16 23:20; BIGENDEL0 19:16;
  SNSMEM 15:12; BIGEND 11:8; ASIDBITS 7:4; PARANGE 3:0
ID_AA64MMFR1_EL1 3 0 0 7 1; ECBHB 63:60; CMOW 59:56; TIDCP1 55:52; nTLBPA 51:48; AFP 47:44;
  HCX 43:40; ETS 39:36; TWED 35:32; XNX 31:28; SpecSEI 27:24; PAN 23:20; LO 19:16; HPDS 15:12;
  VH 11:8; VMIDBits 7:4; HAFDBS 3:0
ID_AA64MMFR2_EL1 3 0 0 7 2; E0PD 63:60; EVT 59:56; BBM 55:52; TTL 51:48; FWB 43:40; IDS 39:36;
  AT 35:32; ST 31:28; NV 27:24; CCIDX 23:20; VARange 19:16; IESB 15:12; LSM 11:8; UAO 7:4;
  CnP 3:0
ID_AA64MMFR3_EL1 3 0 0 7 3; Spec_FPACC 63:60; ADERR 59:56; SDERR 55:52; ANERR 47:44;
  SNERR 43:40; D128_2 39:36; D128 35:32; MEC 31:28; AIE 27:24; S2POE 23:20; S1POE 19:16;
  S2PIE 15:12; S1PIE 11:8; SCTLRX 7:4; TCRX 3:0
ID_AA64MMFR4_EL1 3 0 0 7 4; E3DSE 39:36; E2H0 27:24 s; NV_frac 23:20; FGWTE3 19:16;
  HACDBS 15:12; ASID2 11:8; EIESB 7:4 s
CLIDR_EL1 3 1 0 0 1; ICB 32:30; LoUU 29:27; LoC 26:24; LoUIS 23:21; Ctype7 20:18; Ctype6 17:15;
  Ctype5 14:12; Ctype4 11:9; Ctype3 8:6; Ctype2 5:3; Ctype1 2:0
CTR_EL0 3 3 0 0 1; TminLine 37:32; DIC 29:29; IDC 28:28; CWG 27:24; ERG 23:20; DminLine 19:16;
  L1Ip 15:14; IminLine 3:0
DCZID_EL0 3 3 0 0 7; DZP 4:4; BS 3:0
";

/// Signed here, and unsigned in that list: 0b1111 of each means "none" or "not this kind".
const SIGNED_HERE_ALONE: [Field; 3] = [
    fields::ID_AA64PFR1_EL1::MTE_frac,
    fields::ID_AA64DFR0_EL1::DoubleLock,
    fields::ID_AA64DFR0_EL1::PMUVer,
];

#[test]
fn linux_has_the_same_fields_at_the_same_bits() {
    let mut checked = 0;
    for register_text in LINUX.trim().replace("\n  ", " ").lines() {
        let mut parts = register_text.split(';').map(str::trim);
        let head: Vec<&str> = parts.next().unwrap().split(' ').collect();
        let register = Register::from_name(head[0]).unwrap();
        let number = |index: usize| head[index].parse::<u8>().unwrap();
        assert_eq!(
            register.encoding(),
            Encoding {
                op0: number(1),
                op1: number(2),
                crn: number(3),
                crm: number(4),
                op2: number(5)
            },
            "{register}"
        );
        for field_text in parts {
            let words: Vec<&str> = field_text.split(' ').collect();
            let (msb, lsb) = words[1].split_once(':').unwrap();
            let field = register
                .fields()
                .iter()
                .find(|field| field.name.eq_ignore_ascii_case(words[0]))
                .unwrap_or_else(|| panic!("{register}.{} is missing", words[0]));
            assert_eq!(field.lsb.to_string(), lsb, "{field}");
            assert_eq!((field.lsb + field.width - 1).to_string(), msb, "{field}");
            if !SIGNED_HERE_ALONE.contains(field) {
                assert_eq!(field.signed, words.len() == 3, "{field}");
            }
            checked += 1;
        }
    }
    assert_eq!(checked, LINUX.matches(';').count());
}

#[test]
fn fields_do_not_overlap_and_stand_highest_first() {
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
fn registers_differ_in_name_and_encoding_and_stand_at_their_index() {
    let names: HashSet<_> = Register::ALL
        .iter()
        .map(|register| register.name())
        .collect();
    let encodings: HashSet<_> = Register::ALL
        .iter()
        .map(|register| register.encoding())
        .collect();
    assert_eq!((names.len(), encodings.len()), (21, 21));
    for (index, register) in Register::ALL.iter().enumerate() {
        assert_eq!(*register as usize, index);
        assert_eq!(Register::from_name(register.name()), Some(*register));
    }
}

/// What an assembler makes of `mrs x0, midr_el1` and so on.
#[test]
fn encodings_are_those_of_an_assembler() {
    for (register, word) in [
        (Register::MIDR_EL1, 0xd538_0000_u32),
        (Register::REVIDR_EL1, 0xd538_00c0),
        (Register::CTR_EL0, 0xd53b_0020),
        (Register::DCZID_EL0, 0xd53b_00e0),
        (Register::CLIDR_EL1, 0xd539_0020),
        (Register::ID_AA64MMFR2_EL1, 0xd538_0740),
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

/// Words of real CPUs and what their manuals say about them.
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
        ("ID_AA64DFR0_EL1.PMUVer", 0x0f00, -1),
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
fn values_are_inserted_without_harm_to_their_neighbours() {
    for (name, word, value, expected) in [
        ("ID_AA64ISAR0_EL1.Atomic", 0x1021_1120, 0, 0x1001_1120),
        ("ID_AA64PFR0_EL1.FP", 0x0011_0022, -1, 0x001f_0022),
        ("ID_AA64MMFR4_EL1.E2H0", 0, -2, 0x0e00_0000),
        ("CTR_EL0.TminLine", 0x8444_c004, 63, 0x3f_8444_c004),
        ("ID_AA64SMFR0_EL1.FA64", 0, 1, 0x8000_0000_0000_0000),
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
        let expected = if field.signed { -1 } else { field.max_value() };
        assert_eq!(ones, expected, "{field}");
        assert_eq!(
            field.extract(!(u64::MAX >> (64 - field.width) << field.lsb)),
            0,
            "{field}"
        );
        let top = 1 << (field.lsb + field.width - 1);
        if field.signed {
            assert_eq!(field.extract(top), field.min_value(), "{field}");
        }
        if let Safe::Exact(value) = field.safe {
            assert!(
                (field.min_value()..=field.max_value()).contains(&value),
                "{field}"
            );
        }
    }
    assert_eq!(fields::ID_AA64PFR0_EL1::FP.min_value(), -8);
    assert_eq!(fields::ID_AA64PFR0_EL1::FP.max_value(), 7);
    assert_eq!(fields::MIDR_EL1::PartNum.max_value(), 0xfff);
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
