//! `alt seal`, and `alt verify --seal`.

use std::fs;

use crate::fixture::{Fixture, NOP, file_with};
use crate::run::alt;

#[test]
fn a_seal_knows_its_image_again() {
    let Some(fixture) = Fixture::new("a_seal_knows_its_image_again") else {
        return;
    };
    let image = fixture.path().to_str().unwrap();
    let seal = fixture.file("seal");
    let seal = seal.to_str().unwrap();
    assert_eq!(alt(["seal", image, "-o", seal]).clean(), "");
    let text = fs::read_to_string(seal).unwrap();
    assert_eq!(alt(["seal", image]).clean(), text);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["version"], 1);
    let site = format!("{:#x}", fixture.symbol("long_pad"));
    assert_eq!(json["sites"][0]["address"], site.as_str());
    assert_eq!(json["sites"].as_array().unwrap().len(), 13);

    let changed = fixture.file("changed");
    let changed = changed.to_str().unwrap();
    alt(["apply", image, "--caps", "PAN", "-o", changed]).clean();
    let sealed = |findings: &str| {
        let findings: serde_json::Value = serde_json::from_str(findings).unwrap();
        let findings = findings["findings"].as_array().unwrap().iter();
        let sealed = findings.filter(|finding| {
            let rule = finding["rule"].as_str().unwrap();
            rule.starts_with("sealed-")
        });
        let of = |finding: &serde_json::Value| {
            let text = |key: &str| finding[key].as_str().unwrap().to_owned();
            (text("rule"), text("address"))
        };
        sealed.map(of).collect::<Vec<_>>()
    };
    let verify = |image: &str| alt(["verify", image, "--seal", seal, "--json"]).stdout;
    assert!(sealed(&verify(image)).is_empty());
    // The sites that PAN changes, by address, and no others; `negated` has its arm without LSE.
    let names = [
        "short_pad",
        "arms",
        "negated",
        "near",
        "branch_if",
        "branch_unless",
        "nops",
        "init",
    ];
    let site = |name| {
        (
            "sealed-site".to_owned(),
            format!("{:#x}", fixture.symbol(name)),
        )
    };
    let expected: Vec<_> = names.into_iter().map(site).collect();
    assert_eq!(sealed(&verify(changed)), expected);

    // A word of no site: `ret` after the last one becomes NOP.
    let outside = fixture.symbol("outside");
    let text = fixture.range(".text");
    let file = file_with(&fixture.image, [(outside, NOP)]);
    let other = fixture.write("other", &file);
    let section = ("sealed-section".to_owned(), format!("{:#x}", text.start));
    assert_eq!(sealed(&verify(other.to_str().unwrap())), [section]);
}

#[test]
fn what_is_no_seal_is_refused() {
    let Some(fixture) = Fixture::new("what_is_no_seal_is_refused") else {
        return;
    };
    let image = fixture.path().to_str().unwrap();
    let seal = |text: &str| {
        let path = fixture.write("seal", text);
        alt(["verify", image, "--seal", path.to_str().unwrap()])
    };
    seal("text").refused(&["seal: not a seal: "]);
    seal("{\"version\": 1}").refused(&["not a seal: missing field"]);
    let newer = "{\"version\": 2, \"sections\": [], \"sites\": []}";
    seal(newer).refused(&["a seal of version 2", "take it again"]);
    for address in ["64", "0xg", "0x+1", ""] {
        seal(&format!(
            "{{\"version\": 1, \"sections\": [], \
             \"sites\": [{{\"address\": \"{address}\", \"sha256\": \"\"}}]}}"
        ))
        .refused(&["is not an address such as"]);
    }
    alt(["verify", image, "--seal", "not there"]).refused(&["not there: No such file"]);
}
