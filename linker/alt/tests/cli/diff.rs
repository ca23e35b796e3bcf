//! `alt diff`: dumps that are put together here, from the words that sites must hold.

use serde_json::Value;

use crate::fixture::{ANSWERS, Fixture, Has, NOP, poke};
use crate::run::{Ran, alt};

const BOTH: Has = Has {
    lse: true,
    pan: true,
};

struct Case {
    fixture: Fixture,
    base: u64,
    text: Vec<u8>,
}

impl Case {
    fn new(test: &str) -> Option<Self> {
        let fixture = Fixture::new(test)?;
        let text = fixture.memory(".text", &fixture.expected(BOTH, false));
        let base = fixture.range(".text").start;
        Some(Self {
            fixture,
            base,
            text,
        })
    }

    /// Compares pieces of memory with the image on a system with all caps.
    fn diff(&self, pieces: &[(u64, &[u8])], more: &[&str]) -> Ran {
        let mut arguments: Vec<String> = vec!["diff".into()];
        arguments.push(self.fixture.path().to_str().unwrap().into());
        arguments.extend(["--caps".into(), "0,1,2".into()]);
        for (index, (base, bytes)) in pieces.iter().enumerate() {
            let path = self.fixture.write(&format!("piece {index}"), bytes);
            arguments.extend(["--dump".into(), path.to_str().unwrap().into()]);
            arguments.extend(["--base".into(), format!("{base:#x}")]);
        }
        arguments.extend(more.iter().map(|text| String::from(*text)));
        alt(arguments)
    }

    fn site(&self, name: &str) -> u64 {
        self.fixture.symbol(name)
    }

    fn changed(&self, address: u64, word: u32) -> Vec<u8> {
        let mut text = self.text.clone();
        poke(&mut text, self.base, address, word);
        text
    }
}

#[test]
fn memory_as_it_must_be_has_no_difference() {
    let Some(case) = Case::new("memory_as_it_must_be_has_no_difference") else {
        return;
    };
    let out = case.diff(&[(case.base, &case.text)], &[]).clean();
    // The callbacks' three words are not compared; of .init.text nothing is there.
    let words = case.text.len() / 4 - 3;
    let expected = format!(
        "note: nothing of .init.text is in the dump\n\
         0 of {words} words of text differ, in 0 sites and 0 other places; 2 callbacks not judged\n"
    );
    assert_eq!(out, expected);
    // The default text is another one.
    let default = case.fixture.memory(".text", &[]);
    let out = case.diff(&[(case.base, &default)], &[]).found();
    assert!(out.contains(" in 8 sites and 0 other places"), "{out}");
}

#[test]
fn a_changed_word_is_found_where_it_is() {
    let Some(case) = Case::new("a_changed_word_is_found_where_it_is") else {
        return;
    };
    // The last word of the padding.
    let word = case.site("long_pad") + 16;
    let out = case.diff(&[(case.base, &case.changed(word, 0xd65f_03c0))], &[]);
    let out = out.found();
    let site = case.site("long_pad");
    assert!(out.starts_with(&format!(
        "site {site:#x} long_pad\n  {word:#x}  expected d503201f  nop"
    )));
    assert!(out.contains("found d65f03c0  ret"), "{out}");
    assert!(out.contains("\n1 of "), "{out}");
    assert!(out.contains(" in 1 site and 0 other places"), "{out}");

    // Two words of no site, in a row, and one elsewhere.
    let outside = case.site("outside");
    let mut text = case.changed(outside, NOP);
    poke(&mut text, case.base, case.site("arms") + 4, NOP);
    let out = case.diff(&[(case.base, &text)], &[]).found();
    assert!(
        out.contains(&format!("text {outside:#x} outside\n")),
        "{out}"
    );
    assert!(out.contains("\n2 of "), "{out}");
    assert!(out.contains(" in 0 sites and 2 other places"), "{out}");
    // What is patched at run time otherwise does not disturb.
    let out = case.diff(&[(case.base, &text)], &["--sites"]).clean();
    // The sites have 17 words, the text has one replacement, and five words are beside callbacks.
    assert!(out.contains("0 of 23 words of sites differ"), "{out}");
}

#[test]
fn sites_of_callbacks_are_judged_when_their_words_are_known() {
    let Some(case) = Case::new("sites_of_callbacks_are_judged_when_their_words_are_known") else {
        return;
    };
    let changed = case.changed(case.site("count") + 4, 0xd280_0326);
    case.diff(&[(case.base, &changed)], &[]).clean();
    let answers = case.fixture.write("answers.toml", ANSWERS);
    let answers = ["--callbacks", answers.to_str().unwrap()];
    let out = case.diff(&[(case.base, &changed)], &answers).found();
    assert!(
        out.contains("2 sites and 0 other places; 0 callbacks not judged"),
        "{out}"
    );
    let answered = case
        .fixture
        .memory(".text", &case.fixture.expected(BOTH, true));
    case.diff(&[(case.base, &answered)], &answers).clean();
}

#[test]
fn dumps_come_in_pieces() {
    let Some(case) = Case::new("dumps_come_in_pieces") else {
        return;
    };
    // In the middle of a site.
    let cut = case.site("long_pad") + 8;
    let index = usize::try_from(cut - case.base).unwrap();
    let (low, high) = case.text.split_at(index);
    let (low, high) = ((case.base, low), (cut, high));
    case.diff(&[low, high], &[]).clean();
    case.diff(&[high, low], &[]).clean();
    let error = case
        .diff(&[high], &[])
        .refused(&["lacks the site at", "long_pad"]);
    assert!(error.contains("--skip .text"), "{error}");
    // Where they overlap, neither may be wrong.
    let wrong = case.changed(case.site("arms"), NOP);
    for pieces in [[&case.text, &wrong], [&wrong, &case.text]] {
        let pieces = pieces.map(|text| (case.base, &text[..]));
        let out = case.diff(&pieces, &[]).found();
        assert!(out.contains(" in 1 site"), "{out}");
    }
    let base = ["--base", "0x40200000"];
    case.diff(&[low, high], &base)
        .refused(&["--dump is given 2 times and --base 3 times"]);
    // Memory around the text does not matter.
    let around = [&[0xaa; 64][..], &case.text, &[0xbb; 4]].concat();
    case.diff(&[(case.base - 64, &around)], &[]).clean();
}

#[test]
fn a_wrong_base_is_no_difference_but_an_error() {
    let Some(case) = Case::new("a_wrong_base_is_no_difference_but_an_error") else {
        return;
    };
    let text = format!("{:#x} to ", case.base);
    let far = case.diff(&[(0x1000, &case.text)], &[]);
    far.refused(&["has no byte of the text", &text, "--base"]);
    case.diff(&[(case.base, &[])], &[])
        .refused(&["has no byte of the text"]);
    let image = case.fixture.path().to_str().unwrap();
    let diff = ["diff", image, "--caps", "", "--dump", image, "--base"];
    let base = |base: &str| alt(diff.iter().copied().chain([base]));
    base("40200000h").refused(&["write it as 0x40200000"]);
    base("0x1ffffffffffffffff").refused(&["write it as 0x40200000"]);
}

#[test]
fn sections_that_were_given_back_are_left_out() {
    let Some(case) = Case::new("sections_that_were_given_back_are_left_out") else {
        return;
    };
    let init = case.fixture.range(".init.text");
    let len = usize::try_from(init.end - init.start).unwrap();
    let expected = case.fixture.expected(BOTH, false);
    let good = case.fixture.memory(".init.text", &expected);
    case.diff(&[(case.base, &case.text), (init.start, &good)], &[])
        .clean();
    let poison = vec![0xcc; len];
    let pieces = [(case.base, &case.text[..]), (init.start, &poison[..])];
    let out = case.diff(&pieces, &[]).found();
    let words = len / 4;
    let note = format!("{words} of {words} words of .init.text differ; if the kernel has given it");
    assert!(out.contains(&note), "{out}");
    let out = case.diff(&pieces, &["--skip", ".init.text"]).clean();
    assert!(!out.contains("note"), "{out}");
    let skip = case.diff(&pieces, &["--skip", ".init"]);
    skip.refused(&["no executable section .init to skip; there are .text, .init.text"]);
}

#[test]
fn json_has_addresses_and_words_in_hexadecimal() {
    let Some(case) = Case::new("json_has_addresses_and_words_in_hexadecimal") else {
        return;
    };
    let site = case.site("call");
    let changed = case.changed(site, NOP);
    let out = case.diff(&[(case.base, &changed)], &["--json"]).found();
    let json: Value = serde_json::from_str(&out).unwrap();
    let words = (case.site("outside") - site) / 4;
    let difference = serde_json::json!([{
        "address": format!("{site:#x}"),
        "place": "call",
        "site": true,
        "words": [{
            "address": format!("{site:#x}"),
            "expected": format!("{:#010x}", 0x9400_0000 | words),
            "found": "0xd503201f",
        }],
    }]);
    assert_eq!(json["version"], 1);
    assert_eq!(json["differences"], difference);
    assert_eq!((&json["words"], &json["left"]), (&1.into(), &2.into()));
    assert_eq!(json["sections"][1]["name"], ".init.text");
    assert_eq!(json["sections"][1]["compared"], 0);
}
