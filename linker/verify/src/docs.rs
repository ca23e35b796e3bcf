//! `docs/verify.md` names every rule.

use std::path::Path;
use std::{env, fs};

use alt_image::records::Format;

use crate::rules::rules;

const BEGIN: &str = "<!-- rules: UPDATE_DOCS=1 cargo nextest run -p alt-verify docs -->\n";
const END: &str = "<!-- end of rules -->\n";

#[test]
fn docs_have_all_rules() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/verify.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the table has a beginning");
    let (table, after) = rest.split_once(END).expect("the table has an end");
    let expected = expected();
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, [before, BEGIN, &expected, END, after].concat()).unwrap();
    } else {
        assert_eq!(table, expected, "UPDATE_DOCS=1 writes it anew");
    }
}

fn expected() -> String {
    let mut table = String::from("\n| rule | | format | what must be |\n|---|---|---|---|\n");
    for rule in rules() {
        let formats = match rule.formats {
            [Format::Alt] => "alt",
            [Format::Linux] => "linux",
            _ => "both",
        };
        let (id, severity, summary) = (rule.id, rule.severity, rule.summary);
        table += &format!("| `{id}` | {severity} | {formats} | {summary} |\n");
    }
    table + "\n"
}
