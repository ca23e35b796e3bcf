//! Code and records that `alternative!` and `cpu_has_cap!` expand to.
//!
//! The files in `fixtures/` are compiled for the target at three levels of optimisation, and the
//! object files are compared with hand-written expectations.

mod assembly;
mod crates;
mod relocatable;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use relocatable::{Kind, Record, Relocatable};
use test_support::{Cross, workspace};

/// Compiles a fixture at each level and hands the object file to `judge`.
fn at_each_level(fixture: &str, mut judge: impl FnMut(&Relocatable<'_>, &str)) {
    let Some(cross) = Cross::new(&format!("accept/{fixture}.rs")) else {
        return;
    };
    for level in ["0", "3", "s"] {
        let object = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{fixture}-{level}.o"));
        let status = cross
            .rustc()
            .args(["--crate-type=lib", "--emit=obj"])
            .arg(format!("-Copt-level={level}"))
            .arg("-o")
            .arg(&object)
            .arg(workspace().join(format!("alt-runtime/tests/accept/fixtures/{fixture}.rs")))
            .status();
        assert!(
            status.unwrap().success(),
            "{fixture} must compile at level {level}"
        );
        let file = fs::read(object).unwrap();
        judge(&Relocatable::parse(&file), level);
    }
}

/// The code around and in a site is what `asm!` gives for the default, the
/// replacement what it gives for the arm.
#[test]
fn operands_are_those_of_asm() {
    at_each_level("operands", |object, level| {
        let records = object.records();
        let variants = object
            .functions()
            .filter(|name| name.ends_with(".arm"))
            .count();
        assert_eq!(records.len(), variants, "one record for each function");
        for Record {
            function,
            offset,
            condition,
            kind,
        } in records
        {
            let at = format!("{function}, level {level}");
            let variant = |variant| object.code(&format!("{function}.{variant}"));
            assert_eq!(object.code(&function), variant("default"), "{at}");

            assert_eq!(condition, 3, "{at}");
            let Kind::Alternative { replacement, .. } = kind else {
                panic!("{at}")
            };
            let site = offset as usize / 4;
            let arm = &variant("arm").words[site..site + replacement.len()];
            // How far a branch goes, and only that, depends on the place.
            let near = |word: &u32| word & 0xff00_0000 == 0xb500_0000;
            let fixed = |word: &u32| {
                if near(word) {
                    word & !0x00ff_ffe0
                } else {
                    *word
                }
            };
            let fixed = |words: &[u32]| words.iter().map(fixed).collect::<Vec<_>>();
            assert_eq!(fixed(&replacement), fixed(arm), "{at}");
        }
    });
}

/// Each function has the records that its `//=` lines say, and no other.
#[test]
fn forms_make_the_records_they_say() {
    let source = workspace().join("alt-runtime/tests/accept/fixtures/forms.rs");
    let expected = expected(&fs::read_to_string(source).unwrap());
    at_each_level("forms", |object, level| {
        let mut found = BTreeMap::<String, Vec<String>>::new();
        for record in object.records() {
            let line = describe(object, &record);
            found.entry(record.function).or_default().push(line);
        }
        assert_eq!(found, expected, "level {level}");
    });
}

/// Where configuration rules out every cpucap, the image holds no trace.
#[test]
fn impossible_cpucaps_leave_nothing() {
    at_each_level("impossible", |object, level| {
        let traces: Vec<_> = object
            .sections()
            .filter(|name| name.contains("alt_"))
            .collect();
        assert_eq!(traces, [""; 0], "level {level}");
        // `cpu_has_cap!` leaves no site either.
        assert!(
            !object.code("branch").words.contains(&0xd503_201f),
            "level {level}"
        );
    });
}

/// The `//=` lines by the function they stand above.
fn expected(source: &str) -> BTreeMap<String, Vec<String>> {
    let mut expected = BTreeMap::new();
    let mut lines = Vec::new();
    for line in source.lines() {
        let words: Vec<_> = line.split([' ', ':', '(']).collect();
        // `pub fn NAME(`, `pub extern "C" fn NAME(`, `site! { /** … */ NAME:`
        let after = |word| words.iter().rposition(|&w| w == word).map(|i| words[i + 1]);
        if let Some(record) = line.strip_prefix("//= ") {
            lines.push(record.to_owned());
        } else if let Some(name) = after("fn").or_else(|| after("*/"))
            && !lines.is_empty()
        {
            expected.insert(name.to_owned(), std::mem::take(&mut lines));
        }
    }
    assert!(lines.is_empty());
    expected
}

/// A record in the way of the `//=` lines.
fn describe(object: &Relocatable<'_>, record: &Record) -> String {
    let code = object.code(&record.function).words;
    let site = record.offset as usize / 4;
    let bit = |bit: u32| record.condition >> bit & 1 != 0;
    let condition = format!(
        "{}{}{}{}",
        if bit(14) { "!" } else { "" },
        record.condition & 0x1fff,
        if bit(13) { "&" } else { "" },
        match record.kind {
            Kind::Branch { .. } if bit(15) => " likely",
            _ => "",
        },
    );
    let names = |words: &[u32]| {
        words
            .iter()
            .map(|&word| name(word))
            .collect::<Vec<_>>()
            .join(" ")
    };
    match &record.kind {
        &Kind::Branch { displacement } => {
            let target = site.checked_add_signed(displacement.into());
            assert!(
                target.is_some_and(|target| target < code.len()),
                "{record:?}"
            );
            if code[site] >> 26 == 5 {
                assert_eq!(
                    (code[site] << 6) as i32 >> 6,
                    i32::from(displacement),
                    "{record:?}"
                );
            }
            format!("{}: {condition}", name(code[site]))
        }
        Kind::Alternative {
            site_len,
            replacement,
        } => {
            let site = names(&code[site..site + site_len]);
            format!("{site}: {condition} => {}", names(replacement))
        }
        Kind::Callback { site_len, symbol } => {
            let site = names(&code[site..site + site_len]);
            format!("{site}: {condition} => {symbol}")
        }
        Kind::Nops { site_len } => {
            let site = names(&code[site..site + site_len]);
            format!("{site}: {condition} => nops")
        }
    }
}

/// The instructions of the fixture, by the Arm ARM's encodings (C6.2).
fn name(word: u32) -> &'static str {
    match word {
        0xd503_201f => "nop",
        0xd503_203f => "yield",
        0xd503_205f => "wfe",
        0xd503_209f => "sev",
        0xd503_3fdf => "isb",
        0xb400_0000..=0xb4ff_ffff => "cbz",
        0x1400_0000..=0x17ff_ffff => "b",
        _ => panic!("{word:#010x} is not in the fixture"),
    }
}
