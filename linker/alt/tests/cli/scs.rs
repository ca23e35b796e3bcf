//! `alt scs`, over the image that the tests of alt-runtime have.

use std::fs;
use std::path::PathBuf;

use alt_image::image::Image as HostImage;
use alt_image::shadow_call_stack::{ShadowCallStack, ShadowError};
use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::signing::{self, AUTIASP, PACIASP, SOURCE};
use test_support::{Cross, Image};

use crate::fixture::file_with;
use crate::linux;
use crate::run::{Ran, alt};

/// The image without and with its shadow call stack, both by the assembler.
fn images(test: &str) -> Option<(Image, Image)> {
    let cross = Cross::new(test)?;
    let shadowed = signing::shadowed(&cross, test, SOURCE);
    let shadowed = Image::open(&shadowed).unwrap();
    Some((signed(&cross, test, SOURCE), shadowed))
}

/// An image that signs; `name` is that of the test, for its files.
fn signed(cross: &Cross, name: &str, source: &str) -> Image {
    Image::open(&signing::signed(cross, name, source)).unwrap()
}

fn scs(image: &Image, arguments: &[&str]) -> Ran {
    let path = image.path().to_str().unwrap();
    alt(["scs", path].iter().chain(arguments))
}

/// A place for an output, in a folder that goes with it.
fn output() -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("the image");
    (dir, path)
}

/// Address, old and new word where the texts of two images differ.
fn differences(image: &Image, other: &Image) -> Vec<(u64, u32, u32)> {
    let [text, other] = [image, other].map(|image| image.section(".text").unwrap());
    let words = |bytes: &[u8]| {
        let (words, _) = bytes.as_chunks::<4>();
        words.iter().map(|word| u32::from_le_bytes(*word)).collect()
    };
    let (old, new): (Vec<u32>, Vec<u32>) = (words(&text.bytes), words(&other.bytes));
    let places = text.range.clone().step_by(4).zip(old).zip(new);
    let places = places.map(|((at, old), new)| (at, old, new));
    places.filter(|(_, old, new)| old != new).collect()
}

const EXCLUDE: [&str; 2] = ["--exclude", ".hyp.text"];

#[test]
fn scs_shows_each_site_in_its_function() {
    let Some((image, shadowed)) = images("scs_shows_each_site_in_its_function") else {
        return;
    };
    let out = scs(&image, &EXCLUDE).clean();
    let never = image.function("never").unwrap().start;
    let lines = format!(
        "never {never:#x}\n  {never:#x}  d503233f  paciasp                           \
         | f800865e  str x30, [x18], #0x8\nlong "
    );
    assert!(out.contains(&lines), "{out}");
    let last = "10 sites, and 0 that push or pop already; 9 functions, 2 of them excluded";
    assert_eq!(out.lines().last(), Some(last));
    assert_eq!(out.lines().count(), 10 + 4 + 1);

    let found: Value =
        serde_json::from_str(&scs(&image, &[&EXCLUDE[..], &["--json"]].concat()).clean()).unwrap();
    let sites: Vec<_> = differences(&image, &shadowed)
        .into_iter()
        .map(|(address, before, after)| {
            let place = image.place(address).unwrap();
            json!({
                "address": format!("{address:#x}"),
                "function": place.symbol,
                "offset": place.offset,
                "operation": if before == PACIASP { "push" } else { "pop" },
                "before": format!("{before:#010x}"),
                "after": format!("{after:#010x}"),
            })
        })
        .collect();
    assert_eq!(sites.len(), 10);
    let all = json!({ "version": 1, "functions": 9, "excluded": 2, "already": 0, "sites": sites });
    assert_eq!(found, all);

    // The two of the hypervisor, unless it is excluded.
    let out = scs(&image, &[]).clean();
    assert!(
        out.ends_with(
            "12 sites, and 0 that push or pop already; 9 functions, 0 of them excluded\n"
        )
    );
}

#[test]
fn scs_writes_the_image_with_its_shadow_call_stack() {
    let Some((image, shadowed)) = images("scs_writes_the_image_with_its_shadow_call_stack") else {
        return;
    };
    let (_dir, path) = output();
    let to = ["-o", path.to_str().unwrap()];
    scs(&image, &[&EXCLUDE[..], &to].concat()).clean();
    let changes = differences(&image, &shadowed);
    assert!(
        changes
            .iter()
            .all(|change| [PACIASP, AUTIASP].contains(&change.1))
    );
    let changes = changes
        .into_iter()
        .map(|(address, _, after)| (address, after));
    let expected = file_with(&image, changes);
    let written = fs::read(&path).unwrap();
    assert!(written == expected, "more than the sites has changed");

    // Onto itself, with nothing left to do.
    let again = ["scs", to[1], "--exclude", ".hyp.text", "-o", to[1]];
    let out = alt(again).clean();
    assert_eq!(
        out,
        "0 sites, and 10 that push or pop already; 9 functions, 2 of them excluded\n"
    );
    assert!(fs::read(&path).unwrap() == expected);
}

#[test]
fn scs_refuses_unwind_tables_with_code_and_entry() {
    let test = "scs_refuses_unwind_tables_with_code_and_entry";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let good = SOURCE;
    let begin = "function outer\n";
    assert!(good.contains(begin));
    let other = |directive: &str| good.replace(begin, &format!("{begin}{directive}\n"));
    for (source, texts) in [
        (
            other(".cfi_b_key_frame"),
            &["error: ", ".eh_frame+0x", "\"zR\"", "(Linux's code 1)"][..],
        ),
        (
            other(".cfi_escape 0x2c"),
            &[
                ", function 0x40200000",
                "opcode 0x2c",
                "(Linux's code 4)",
                "(outer)",
            ],
        ),
        // Unmarked: `epilogue` has its mark after `authenticate`.
        (
            good.replace("authenticate\n    .cfi_negate_ra_state", "authenticate"),
            &["has no mark, and the function has some", "(outer)"],
        ),
    ] {
        let image = signed(&cross, test, &source);
        let (_dir, path) = output();
        let to = ["-o", path.to_str().unwrap()];
        scs(&image, &[&EXCLUDE[..], &to].concat()).refused(texts);
        assert!(!path.exists());
    }
}

/// A function that signs without unwind tables, or without marks in them, is no success.
#[test]
fn scs_counts_functions_that_stay_unprotected() {
    let test = "scs_counts_functions_that_stay_unprotected";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let body = "sign\nauthenticate\nret\n";
    let source = format!(
        ".globl outer\nouter:\n.cfi_startproc\n{body}.cfi_endproc\n.globl inner\ninner: {body}"
    );
    let image = signed(&cross, test, &source);
    let out = scs(&image, &[]).found();
    let expected = "\
        left 0x40200000 outer: it signs, and no unwind table marks the instruction\n\
        left 0x4020000c inner: it signs, and no unwind table marks the instruction\n\
        0 sites, and 0 that push or pop already; ";
    assert!(out.starts_with(expected), "{out}");
    let json: Value = serde_json::from_str(&scs(&image, &["--json"]).found()).unwrap();
    assert_eq!(
        json["left"][1],
        json!({ "address": "0x4020000c", "function": "inner" })
    );
    // Excluded, it is not reported.
    scs(&image, &["--exclude", ".text"]).clean();
}

#[test]
fn scs_refuses_sites_of_alternatives() {
    let test = "scs_refuses_sites_of_alternatives";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    // A record of ours for a branch (docs/records.md), and one of Linux's.
    let ours = "\
        .globl __alt_layout_version\n.set __alt_layout_version, 2\n\
        .section alt_branches, \"ao\", %progbits, outer\n\
        .word outer - .\n.hword 0, 1\n";
    let linux = "\
        .section .altinstructions, \"a\"\n\
        .word outer - ., leaf - .\n.hword 1\n.byte 4, 4\n";
    for (name, records) in [("ours", ours), ("linux", linux)] {
        let source = format!("{}{records}", SOURCE);
        let image = signed(&cross, &format!("{test}-{name}"), &source);
        let (_dir, path) = output();
        let to = ["-o", path.to_str().unwrap()];
        scs(&image, &[&EXCLUDE[..], &to].concat())
            .refused(&["belongs to the alternative at 0x40200000", "(outer)"]);
        assert!(!path.exists());
    }
}

#[test]
fn scs_leaves_namespaces_alone() {
    let test = "scs_leaves_namespaces_alone";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let manifest = |text: &str| {
        let section = ".section .alt_namespaces, \"\", %progbits\n";
        format!("{}{section}.ascii \"{text}\"\n.byte 0\n", SOURCE)
    };
    let good = manifest("name = \\\"hyp\\\"\\nexports = [\\\"hypervisor\\\"]\\n");
    let out = scs(&signed(&cross, test, &good), &[]).clean();
    assert!(
        out.ends_with(
            "10 sites, and 0 that push or pop already; 9 functions, 2 of them excluded\n"
        ),
        "{out}"
    );
    let bad = signed(&cross, &format!("{test}-bad"), &manifest("name"));
    scs(&bad, &[]).refused(&["the manifests of namespaces cannot be read"]);
}

#[test]
fn scs_of_one_image_is_not_written_over_another() {
    let test = "scs_of_one_image_is_not_written_over_another";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let open = |image: &Image| HostImage::parse(fs::read(image.path()).unwrap()).unwrap();
    let stack = open(&signed(&cross, test, SOURCE));
    let stack = ShadowCallStack::new(&stack, &[], &[]).unwrap();
    let other = ".globl outer\nouter: ret\n";
    let other = open(&signed(&cross, &format!("{test}-other"), other));
    // The second site of `outer`; the first is there.
    assert_eq!(
        stack.write(&other),
        Err(ShadowError::NotInFile(0x4020_0014))
    );
}

#[test]
fn scs_says_what_is_missing() {
    let test = "scs_says_what_is_missing";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let image = signed(&cross, test, SOURCE);
    scs(&image, &["--exclude", ".hyp"]).refused(&["no section `.hyp`", ".text, .hyp.text"]);
    // Its script discards the unwind tables.
    let dir = TempDir::new().unwrap();
    let bare = linux::records(&cross, dir.path());
    alt(["scs", bare.to_str().unwrap()]).refused(&["there is no .eh_frame"]);
    alt(["scs", file!()]).refused(&["scs.rs: "]);
}
