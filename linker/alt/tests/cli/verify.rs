//! `alt verify`: the frame, without the rules.

use serde_json::{Value, json};

use crate::fixture::Fixture;
use crate::run::alt;

#[test]
fn a_clean_image_says_so() {
    let Some(fixture) = Fixture::new("a_clean_image_says_so") else {
        return;
    };
    let image = fixture.path().to_str().unwrap();
    let out = alt(["verify", image]).clean();
    assert!(out.starts_with("clean: 13 sites, 16 records, "), "{out}");
    assert!(out.contains("\nnot checked: "), "{out}");
    let json = alt(["verify", image, "--json"]).clean();
    let mut json: Value = serde_json::from_str(&json).unwrap();
    // The image has no bounds of usual names, and no relocations were kept.
    let not_checked = json.as_object_mut().unwrap().remove("not_checked").unwrap();
    assert_eq!(not_checked.as_array().unwrap().len(), 2, "{not_checked}");
    let clean = json!({ "version": 1, "sites": 13, "records": 16, "findings": [] });
    assert_eq!(json, clean);
}

#[test]
fn a_rule_can_be_allowed_to_be_broken() {
    let Some(fixture) = Fixture::new("a_rule_can_be_allowed_to_be_broken") else {
        return;
    };
    let image = fixture.path().to_str().unwrap();
    let seal = fixture.write("seal", "{\"version\": 1, \"sections\": [], \"sites\": []}");
    let sealed = ["verify", image, "--seal", seal.to_str().unwrap()];
    let allowed = [&sealed[..], &["--allow", "sealed-site"]].concat();
    alt(sealed).found();
    let out = alt(allowed.iter().copied()).clean();
    assert!(out.starts_with("clean: "), "{out}");
    let unknown = [&sealed[..], &["--allow", "no-such-rule"]].concat();
    alt(unknown.iter().copied()).refused(&["there is no such rule"]);
}

/// The test of the rules is `cargo xtask mutate`.
#[test]
fn mutate_is_no_command() {
    alt(["mutate", "kernel"]).refused(&["unrecognized subcommand 'mutate'"]);
}

#[test]
fn findings_are_status_1() {
    let Some(fixture) = Fixture::new("findings_are_status_1") else {
        return;
    };
    let image = fixture.path().to_str().unwrap();
    // A seal of nothing: everything is new.
    let seal = fixture.write("seal", "{\"version\": 1, \"sections\": [], \"sites\": []}");
    let seal = seal.to_str().unwrap();
    let out = alt(["verify", image, "--seal", seal]).found();
    let site = fixture.symbol("arms");
    assert!(
        out.starts_with("error[sealed-site]: there was no site here"),
        "{out}"
    );
    assert!(
        out.contains(&format!("\n  at: {site:#x}, arms\n  help: ")),
        "{out}"
    );
    assert!(
        out.contains("\n13 findings: 13 sites, 16 records, "),
        "{out}"
    );
}
