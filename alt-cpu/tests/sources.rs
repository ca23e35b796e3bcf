//! The table against published descriptions of the same registers.
//!
//! `data/` has the facts of four sources; each file states its origin. [`EXPLAINED`] lists every
//! difference with its reason. A difference that it does not list fails the test, and so does an
//! entry without a difference.

use std::collections::{BTreeMap, BTreeSet};

use alt_cpu::{Encoding, Field, Register, Safe, Scheme};

/// `(source, register or field, difference, reason)`.
const EXPLAINED: &[(&str, &str, &str, &str)] = &[
    ("linux", "MPAMIDR_EL1", "missing here", TRAPS),
    ("arm", "MPAMIDR_EL1", "missing here", TRAPS),
    ("arm-sysregs", "MPAMIDR_EL1", "missing here", TRAPS),
    (
        "linux",
        "ID_AA64AFR0_EL1",
        "missing here",
        "IMPLEMENTATION DEFINED: no condition can test it",
    ),
    (
        "arm",
        "ID_AA64ISAR0_EL1.TME",
        "missing here",
        "FEAT_TME is withdrawn from the architecture; Linux dropped the field",
    ),
    (
        "linux",
        "ID_AA64MMFR4_EL1.EIESB",
        "unsigned",
        "0b1111 (\"before or after\") is the least, so it must be below 0b0001; Linux has no rule for the field",
    ),
    (
        "freebsd",
        "ID_AA64DFR0_EL1.DoubleLock",
        "unsigned",
        "0b1111 is \"not implemented\" and 0b0000 is \"implemented\"; Linux has it signed",
    ),
    (
        "freebsd",
        "ID_AA64MMFR0_EL1.TGran4",
        "unsigned",
        "0b1111 is \"not supported\"; FreeBSD compares the whole value, Linux has it signed",
    ),
    (
        "freebsd",
        "ID_AA64MMFR0_EL1.TGran64",
        "unsigned",
        "as TGran4",
    ),
    (
        "linux",
        "DCZID_EL0.DZP",
        "exact=1 strict",
        "the field has one bit, so both rules give the same: DC ZVA is prohibited if any CPU prohibits it",
    ),
];

const TRAPS: &str = "reading it traps to EL3 if firmware leaves MPAM3_EL3.TRAPLOWER set";

struct Facts {
    source: &'static str,
    lines: Vec<(&'static str, Vec<&'static str>)>,
}

/// Lines of a file: a register with its words, then its fields with theirs.
fn facts(source: &'static str, text: &'static str) -> Facts {
    let mut lines = Vec::new();
    let mut register = "";
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if !line.starts_with(' ') {
            register = words[0];
        }
        lines.push((register, words));
    }
    assert!(lines.len() > 100, "{source}");
    Facts { source, lines }
}

fn linux() -> Facts {
    facts("linux", include_str!("data/linux-7.2.13.txt"))
}
fn arm() -> Facts {
    facts("arm", include_str!("data/arm-2025-06.txt"))
}
fn arm_sysregs() -> Facts {
    facts("arm-sysregs", include_str!("data/arm-sysregs-0.5.2.txt"))
}
fn freebsd() -> Facts {
    facts("freebsd", include_str!("data/freebsd.txt"))
}

/// The field of this name; the sources differ in case.
fn find(register: &str, name: &str) -> Option<&'static Field> {
    let fields = Register::from_name(register)?.fields();
    fields
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case(name))
}

fn position(field: &Field) -> String {
    format!("{}:{}", field.lsb + field.width - 1, field.lsb)
}

fn rule(field: &Field) -> String {
    let rule = match field.safe {
        Safe::LowerSafe => "lower".to_owned(),
        Safe::HigherSafe => "higher".to_owned(),
        Safe::HigherOrZeroSafe => "higher-or-zero".to_owned(),
        Safe::Exact(value) => format!("exact={value}"),
    };
    let strict = if field.may_differ { "lax" } else { "strict" };
    format!("{rule} {strict}")
}

fn sign(field: &Field) -> &'static str {
    match field.scheme {
        // Except for 0b1111, which the sources handle in code.
        Scheme::Unsigned | Scheme::Alternative => "unsigned",
        Scheme::Signed => "signed",
    }
}

/// The facts of a source that differ from the table, as `(name, fact)`.
fn differences(of: &Facts) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    let mut compared = 0;
    for (register, words) in &of.lines {
        let is_register = words[0] == *register;
        let Some(known) = Register::from_name(register) else {
            found.insert((register.to_string(), "missing here".to_owned()));
            continue;
        };
        let mut differ = |name: String, is: &str, ours: &str| {
            compared += 1;
            if is != ours {
                found.insert((name, is.to_owned()));
            }
        };
        if is_register {
            if let [_, op0, op1, crn, crm, op2] = words[..] {
                let Encoding {
                    op0: a,
                    op1: b,
                    crn: c,
                    crm: d,
                    op2: e,
                } = known.encoding();
                differ(
                    register.to_string(),
                    &format!("{op0} {op1} {crn} {crm} {op2}"),
                    &format!("{a} {b} {c} {d} {e}"),
                );
            }
            continue;
        }
        let Some(field) = find(register, words[0]) else {
            found.insert((
                format!("{register}.{}", words[0]),
                "missing here".to_owned(),
            ));
            continue;
        };
        let mut differ = |is: &str, ours: &str| differ(field.to_string(), is, ours);
        match (of.source, &words[1..]) {
            ("linux", [bits, is_signed, rest @ ..]) => {
                differ(bits, &position(field));
                differ(is_signed, sign(field));
                // Linux has no rule; ours follows the architecture's ID scheme.
                if rest != ["-", "-"] {
                    differ(&rest.join(" "), &rule(field));
                }
            }
            ("freebsd", [is_signed, is_lower]) => {
                differ(is_signed, sign(field));
                if *is_lower == "lower" {
                    differ("lower", rule(field).split(' ').next().unwrap());
                }
            }
            (_, [bits]) => differ(bits, &position(field)),
            _ => panic!("{}: {words:?}", of.source),
        }
    }
    assert!(compared > 100, "{}: {compared}", of.source);
    found
}

#[test]
fn every_difference_from_a_source_is_explained() {
    for facts in [linux(), arm(), arm_sysregs(), freebsd()] {
        let explained: BTreeSet<(String, String)> = EXPLAINED
            .iter()
            .filter(|(source, ..)| *source == facts.source)
            .map(|(_, name, what, _)| ((*name).to_owned(), (*what).to_owned()))
            .collect();
        let found = differences(&facts);
        let unexplained: Vec<_> = found.difference(&explained).collect();
        let out_of_date: Vec<_> = explained.difference(&found).collect();
        assert!(
            unexplained.is_empty() && out_of_date.is_empty(),
            "{}: unexplained {unexplained:#?}, no longer so {out_of_date:#?}",
            facts.source
        );
    }
}

/// Fields that fewer than two of the sources have. Those of the last entry are unsigned by the general
/// ID scheme only.
const OF_ONE_SOURCE: &[(&str, &[&str])] = &[
    (
        "reserved as one, without a name; Linux's ftr_ctr has bit 31",
        &["CTR_EL0.RES1"],
    ),
    (
        "newer than Arm's release 2025-06: F16MM2 is in Linux alone, arm-sysregs alone has the others",
        &[
            "ID_AA64PFR2_EL1.VMTETCL",
            "ID_AA64PFR2_EL1.VMTETC",
            "ID_AA64PFR2_EL1.VMTE",
            "ID_AA64PFR2_EL1.MPAM2",
            "ID_AA64PFR2_EL1.FGDT",
            "ID_AA64PFR2_EL1.MTEEIRG",
            "ID_AA64FPFR0_EL1.F16MM2",
            "ID_AA64ISAR3_EL1.LSCP",
            "ID_AA64ISAR3_EL1.LSCSHINT",
            "ID_AA64ISAR3_EL1.MTETC",
            "ID_AA64ISAR3_EL1.PAC_frac2",
            "ID_AA64MMFR4_EL1.MTEFGT",
            "ID_AA64MMFR4_EL1.SCRX",
            "ID_AA64MMFR4_EL1.TEV",
            "ID_AA64MMFR4_EL1.TPS",
            "ID_AA64MMFR4_EL1.TLBID",
            "ID_AA64MMFR4_EL1.EAESR",
        ],
    ),
];

#[test]
fn two_sources_have_each_field_or_the_reason_is_stated() {
    let mut sources: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for facts in [linux(), arm(), arm_sysregs()] {
        for (register, words) in &facts.lines {
            if let Some(field) = find(register, words[0])
                && words.get(1) == Some(&position(field).as_str())
            {
                sources
                    .entry(field.to_string())
                    .or_default()
                    .push(facts.source);
            }
        }
    }
    let lonely: Vec<String> = Register::ALL
        .iter()
        .flat_map(|register| register.fields())
        .map(|field| field.to_string())
        .filter(|name| sources.get(name).map_or(0, Vec::len) < 2)
        .collect();
    let stated: Vec<&str> = OF_ONE_SOURCE
        .iter()
        .flat_map(|(_, names)| *names)
        .copied()
        .collect();
    assert_eq!(lonely, stated);
}
