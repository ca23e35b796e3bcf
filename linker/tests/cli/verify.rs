//! `alt verify`: the frame, without the rules.

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
    assert_eq!(alt(["verify", image, "--json"]).clean(), "[]\n");
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
