//! `docs/verify.md` names every rule for payloads.

use std::path::Path;
use std::{env, fs};

use super::RULES;

const BEGIN: &str =
    "<!-- payload rules: UPDATE_DOCS=1 cargo nextest run -p alt-livepatch docs -->\n";
const END: &str = "<!-- end of payload rules -->\n";

#[test]
fn docs_have_all_rules() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/verify.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the table has a beginning");
    let (table, after) = rest.split_once(END).expect("the table has an end");
    let mut expected = String::from("\n| rule | what must be |\n|---|---|\n");
    for rule in RULES {
        expected += &format!("| `{}` | {} |\n", rule.id, rule.summary);
    }
    expected.push('\n');
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, [before, BEGIN, &expected, END, after].concat()).unwrap();
    } else {
        assert_eq!(table, expected, "UPDATE_DOCS=1 writes it anew");
    }
}
