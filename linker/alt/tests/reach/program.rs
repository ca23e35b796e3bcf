//! `alt reach`.

use std::process::Command;

use crate::link::Link;

const CBZ: &str =
    ".section .text.f, \"ax\"\n.globl f\n.type f, %function\nf: nop\ncbz x0, target\n";
const TARGET: &str = ".section .text.target, \"ax\"\n.globl target\ntarget: ret\n";

/// Exit status, standard output, standard error.
pub fn alt(link: &Link, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_alt"));
    let command = command.arg("reach").args(arguments).env("NO_COLOR", "1");
    let output = command.current_dir(link.path("")).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let status = output.status.code().unwrap();
    (status, text(output.stdout), text(output.stderr))
}

#[test]
fn exit_status_and_words() {
    let Some(link) = Link::new("exit_status_and_words") else {
        return;
    };
    link.object("entry", CBZ);
    link.object("target", TARGET);
    let expected = "\
error[other-section]: `cbz x0, target` reaches ±1 MiB, and target is in another section
  at: entry.o: .text.f+0x4 (f+0x4)
  target is in: target.o, section .text.target
  help: invert the condition and jump over a `b target`; or put both into the section .text.together.NAME
1 finding: 2 objects, 1 reference of short reach
";
    let found = alt(&link, &["entry.o", "target.o"]);
    assert_eq!(found, (1, expected.into(), String::new()));
    let allowed = alt(
        &link,
        &["entry.o", "target.o", "--allow", "other-section:target"],
    );
    let clean = "clean: 2 objects, 1 reference of short reach\n";
    assert_eq!(allowed, (0, clean.into(), String::new()));

    for (arguments, words) in [
        (&["missing.o"][..], "missing.o: No such file"),
        (
            &["entry.s"],
            "entry.s: neither an object file nor an archive",
        ),
        (
            &["entry.o", "--allow", "far"],
            "there is no kind of finding `far`",
        ),
        (&[], "required"),
    ] {
        let (status, out, error) = alt(&link, arguments);
        assert_eq!((status, out.as_str()), (2, ""), "{arguments:?}");
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn json() {
    let Some(link) = Link::new("json") else {
        return;
    };
    link.object("entry", CBZ);
    link.object("target", TARGET);
    let (status, out, _) = alt(&link, &["entry.o", "target.o", "--json"]);
    let expected = r#"{
  "version": 1,
  "objects": 2,
  "references": 1,
  "not_checked": [],
  "groups": [],
  "findings": [
    {
      "kind": "other-section",
      "file": "entry.o",
      "section": ".text.f",
      "offset": 4,
      "function": "f+0x4",
      "instruction": "cbz x0, target",
      "symbol": "target",
      "defined": "target.o, section .text.target",
      "distance": null,
      "explanation": "`cbz x0, target` reaches ±1 MiB, and target is in another section",
      "advice": "invert the condition and jump over a `b target`; or put both into the section .text.together.NAME"
    }
  ]
}
"#;
    assert_eq!((status, out.as_str()), (1, expected));
}
