//! Each mistake in a file and the exact message about it, as pairs of files in `tests/cpucaps/`.
//!
//! With `BLESS=1` the expected messages are rewritten; read the difference before committing it.

use std::{env, fs, path::Path};

use alt_cpucaps::check;

/// A file with one cpucap and no mistake.
const GOOD: &str = r#"
[A]
doc = "A."
scope = "system"
kind = "feature"
detect = "always"
"#;

#[test]
fn every_mistake_is_reported_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cpucaps");
    let bless = env::var_os("BLESS").is_some();
    let mut tested = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let input = entry.unwrap().path();
        if input
            .extension()
            .is_none_or(|extension| extension != "toml")
        {
            continue;
        }
        tested += 1;
        let name = input.file_name().unwrap().to_str().unwrap();
        let messages = match check(name, &fs::read_to_string(&input).unwrap()) {
            Ok(_) => panic!("{name} has no mistake"),
            Err(messages) => messages.join("\n\n") + "\n",
        };
        let output = input.with_extension("stderr");
        if bless {
            fs::write(&output, &messages).unwrap();
        }
        let expected = fs::read_to_string(&output).unwrap_or_default();
        assert_eq!(messages, expected, "{name}; BLESS=1 accepts the new text");
    }
    assert!(tested >= 30, "only {tested} files in {}", folder.display());
}

#[test]
fn a_257th_cap_is_refused() {
    let table = |caps: usize| {
        let text: String = (0..caps)
            .map(|n| GOOD.replace("[A]", &format!("[A{n}]")))
            .collect();
        check("many.toml", &text)
    };
    assert_eq!(table(256).ok().unwrap().caps.len(), 256);
    let messages = table(257).err().unwrap();
    let [message] = &messages[..] else {
        panic!("{messages:?}");
    };
    assert_eq!(
        message.lines().next(),
        Some("many.toml:1538:2: more than 256 cpucaps")
    );
}

#[test]
fn file_order_gives_the_number() {
    let text = ["[C]", "[A]", "[B]"]
        .map(|name| GOOD.replace("[A]", name))
        .concat();
    let table = check("order.toml", &text).unwrap();
    let names: Vec<&str> = table.caps.iter().map(|cap| cap.name.as_str()).collect();
    assert_eq!(names, ["C", "A", "B"]);
}

#[test]
fn there_is_no_nul_byte() {
    // Images store the text with a NUL byte at its end.
    for (text, place) in [
        (GOOD.replace("always", "al\0ways"), "nul.toml:6:13: "),
        (format!("# A comment \0\n{GOOD}"), "nul.toml:1:13: "),
        (format!("{GOOD}\0"), "nul.toml:7:1: "),
    ] {
        let messages = check("nul.toml", &text).unwrap_err();
        assert!(messages[0].starts_with(place), "{messages:?}");
    }
}
