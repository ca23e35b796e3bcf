//! Parsed command lines, and tables of one cpucap.

use alt_runtime::cap::{
    Cap, CapInfo, CapKind, CapTable, OverrideError, Overrides, Rejected, Rule, idregs::Field,
};

use crate::cpucaps::TABLE;

/// The overrides of a line without errors, as `register.field=value`.
#[track_caller]
pub fn overrides(cmdline: &str) -> Vec<String> {
    let overrides = Overrides::parse(&TABLE, cmdline, |rejected| panic!("{rejected}"));
    assert_eq!(overrides.is_empty(), overrides.iter().next().is_none());
    overrides
        .iter()
        .map(|(field, value)| format!("{field}={value}"))
        .collect()
}

/// The errors in a line, and the number of fields that it overrides.
pub fn errors(table: &CapTable, cmdline: &str) -> (Vec<(String, OverrideError)>, usize) {
    let mut errors = Vec::new();
    let overrides = Overrides::parse(table, cmdline, |Rejected { word, error }| {
        errors.push((word.to_owned(), error));
    });
    (errors, overrides.iter().count())
}

pub const fn info(name: &'static str, kind: CapKind, rule: Rule) -> CapInfo {
    CapInfo {
        kind,
        rule,
        ..CapInfo::new(Cap::new(0, true), name)
    }
}

pub const fn field(field: &'static Field, min: i64, max: i64) -> Rule {
    Rule::Field { field, min, max }
}
