//! `alt dump`, `stats`, `verify`, `apply`, `diff` and `seal` on sites of outline atomics.

use std::fs;

use serde_json::Value;
use test_support::Image;

use crate::support::{Folder, LDADD, SWPA, word};

/// The calls of the fixture that are sites, and what each becomes.
const CALLS: [(&str, u32); 2] = [("add", LDADD), ("swap", SWPA)];

#[test]
fn dump_and_stats_show_the_operation() {
    let Some(folder) = Folder::new("dump_and_stats_show_the_operation") else {
        return;
    };
    let image = folder.image();
    let (status, json) = folder.alt(&["dump", "--json", "image"]);
    assert_eq!(status, 0);
    let dump: Value = serde_json::from_str(&json).unwrap();
    let mut sites = dump["sites"].as_array().unwrap().iter();
    let atomic: Vec<_> = sites
        .by_ref()
        .filter(|site| site["kind"] == "atomic")
        .collect();
    let expected = [("add", "ldadd8_relax"), ("swap", "swp4_acq")];
    assert_eq!(atomic.len(), expected.len(), "{json}");
    for (site, (symbol, operation)) in atomic.iter().zip(expected) {
        let address = format!("{:#x}", image.symbol(symbol).unwrap());
        assert_eq!(
            (&site["address"], &site["operation"]),
            (&address.into(), &operation.into())
        );
    }
    let (_, text) = folder.alt(&["dump", "image"]);
    assert!(text.contains("atomic ldadd8_relax"), "{text}");
    let (_, stats) = folder.alt(&["stats", "--json", "image"]);
    let stats: Value = serde_json::from_str(&stats).unwrap();
    let mut kinds = stats["kinds"].as_array().unwrap().iter();
    let atomic = kinds.find(|kind| kind["name"] == "atomic").unwrap();
    assert_eq!(atomic["sites"], 2, "{stats}");
}

#[test]
fn a_linked_image_has_no_findings() {
    let Some(folder) = Folder::new("a_linked_image_has_no_findings") else {
        return;
    };
    folder.image();
    let (status, said) = folder.alt(&["verify", "image"]);
    assert_eq!(status, 0, "{said}");
    assert!(!said.contains("atomic"), "{said}");
}

#[test]
fn apply_writes_the_instruction_where_the_cpus_have_it() {
    let Some(folder) = Folder::new("apply_writes_the_instruction_where_the_cpus_have_it") else {
        return;
    };
    let image = folder.image();
    // Cortex-A53 is Armv8.0, Cortex-A76 has FEAT_LSE (their TRMs).
    for (arguments, lse) in [
        (&["--caps", "LSE"][..], true),
        (&["--caps", ""], false),
        (&["--cpu", "cortex-a76"], true),
        (&["--cpu", "cortex-a53"], false),
        (
            &["--cpu", "cortex-a76", "--cmdline", "quiet arm64.nolse"],
            false,
        ),
    ] {
        let apply = [&["apply", "image", "-o", "applied"], arguments].concat();
        let (status, said) = folder.alt(&apply);
        assert_eq!(status, 0, "{said}");
        let applied = Image::open(&folder.path("applied")).unwrap();
        for (name, insn) in CALLS {
            let site = image.symbol(name).unwrap();
            let expected = if lse { insn } else { word(&image, site) };
            assert_eq!(word(&applied, site), expected, "{name} {arguments:?}");
        }
        // A tail call has no room for a RET.
        let tail = image.symbol("tail").unwrap();
        assert_eq!(word(&applied, tail), word(&image, tail), "{arguments:?}");
    }
}

/// A call in a function with two names: after `alt apply`, the word is no call any more.
#[test]
fn an_applied_image_has_no_findings() {
    let Some(folder) = Folder::new("an_applied_image_has_no_findings") else {
        return;
    };
    let two_names = ".globl add, plus\n.type add, %function\n.type plus, %function\n\
                     .size add, 8\n.size plus, 8\nplus:\nadd:\n";
    let change = |_: &str, text: String| text.replace(".globl add\nadd:\n", two_names);
    let linked = folder.kernel(&["--emit-relocs"], change, |_| {});
    assert!(linked.success, "{}", linked.said);
    let symbol = |name| folder.open().symbol(name).unwrap();
    assert_eq!(symbol("plus"), symbol("add"));
    folder.alt(&["apply", "image", "--caps", "LSE", "-o", "applied"]);
    for image in ["image", "applied"] {
        let (status, said) = folder.alt(&["verify", image]);
        assert_eq!(status, 0, "{image}: {said}");
    }
}

/// The text of the fixture with these words at these symbols.
fn memory(image: &Image, words: &[(&str, u32)]) -> (String, Vec<u8>) {
    let text = image.section(".text").unwrap();
    let mut bytes = text.bytes.clone();
    for (name, word) in words {
        let at = usize::try_from(image.symbol(name).unwrap() - text.range.start).unwrap();
        bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
    }
    (format!("{:#x}", text.range.start), bytes)
}

#[test]
fn diff_expects_the_instruction() {
    let Some(folder) = Folder::new("diff_expects_the_instruction") else {
        return;
    };
    let image = folder.image();
    let helpers = [
        ("__aarch64_ldadd8_relax", LDADD),
        ("__aarch64_swp4_acq", SWPA),
    ];
    let patched = [CALLS, helpers].concat();
    let diff = |words: &[(&str, u32)], caps: &str| {
        let (base, bytes) = memory(&image, words);
        fs::write(folder.path("memory"), bytes).unwrap();
        let dump = ["--dump", "memory", "--base", &base, "--caps", caps];
        folder.alt(&[&["diff", "image"], &dump[..]].concat())
    };
    let (status, said) = diff(&patched, "LSE");
    assert_eq!(status, 0, "{said}");
    let (status, said) = diff(&[], "");
    assert_eq!(status, 0, "{said}");
    // Calls that were not replaced, and calls that were replaced without LSE.
    for (words, caps) in [(&helpers[..], "LSE"), (&CALLS, "")] {
        let (status, said) = diff(words, caps);
        assert_eq!(status, 1, "{said}");
        for (name, insn) in CALLS {
            let line = format!("site {:#x} {name}\n", image.symbol(name).unwrap());
            assert!(said.contains(&line), "{said}");
            assert!(said.contains(&format!("{insn:08x}")), "{said}");
        }
        assert!(said.contains(" in 2 sites and 0 other places"), "{said}");
    }
}

#[test]
fn a_seal_holds_the_calls() {
    let Some(folder) = Folder::new("a_seal_holds_the_calls") else {
        return;
    };
    let image = folder.image();
    folder.alt(&["seal", "image", "-o", "seal"]);
    let seal: Value = serde_json::from_slice(&fs::read(folder.path("seal")).unwrap()).unwrap();
    // Those two, and two helpers.
    assert_eq!(seal["sites"].as_array().unwrap().len(), 4, "{seal}");
    let findings = |image: &str| {
        let (_, json) = folder.alt(&["verify", "--seal", "seal", "--json", image]);
        let json: Value = serde_json::from_str(&json).unwrap();
        let findings = json["findings"].as_array().unwrap().iter();
        let sealed = findings.filter(|finding| finding["rule"] == "sealed-site");
        sealed
            .map(|finding| finding["address"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert!(findings("image").is_empty());
    folder.alt(&["apply", "image", "--caps", "LSE", "-o", "applied"]);
    let found = findings("applied");
    for (name, _) in CALLS {
        let address = format!("{:#x}", image.symbol(name).unwrap());
        assert!(found.contains(&address), "{name} {address} {found:?}");
    }
    assert_eq!(found.len(), 4, "{found:?}");
}
