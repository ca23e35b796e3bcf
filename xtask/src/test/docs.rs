//! The documentation: for the host and for the target, with the whole API in both.

use std::{fs, io};

use super::{cargo, check, summary::Count};
use test_support::{TARGET, target_dir};

/// Items of `alt-runtime` whose bodies need the target: page, and the item's anchor in it.
const TARGET_ONLY: [(&str, &str); 13] = [
    ("boot/struct.Booted.html", "method.finalise"),
    ("boot/struct.Detected.html", "method.patch"),
    ("boot/struct.Detected.html", "method.patch_boot"),
    ("boot/struct.Finalised.html", "method.patch_region"),
    ("boot/struct.Finalised.html", "method.shadow_call_stack"),
    ("boot/struct.System.html", "method.boot"),
    ("boot/fn.forget_fetched.html", "main-content"),
    ("cap/struct.IdRegs.html", "method.read"),
    ("patch/struct.Plan.html", "method.commit"),
    ("shadow_call_stack/struct.ShadowPlan.html", "method.commit"),
    ("struct.Image.html", "method.new"),
    ("struct.Maintenance.html", "method.sync"),
    ("macro.text.html", "main-content"),
];

/// Documents all packages for the host, and `alt-runtime` for the target.
pub(super) fn run() -> io::Result<Count> {
    let document = |arguments: &[&str]| {
        let doc = ["doc", "--no-deps", "--all-features"];
        let mut command = cargo();
        command.args(doc).args(arguments);
        check(command.env("RUSTDOCFLAGS", "-Dwarnings"))
    };
    let mut total = document(&["--workspace"])?;
    total += document(&["--package", "alt-runtime", "--target", TARGET])?;
    let missing = missing();
    for (page, anchor) in &missing {
        anstream::eprintln!("not in the host's documentation of alt-runtime: {page}#{anchor}");
    }
    total += Count::one(missing.is_empty());
    Ok(total)
}

/// The target-only items that the host's documentation lacks.
fn missing() -> Vec<(&'static str, &'static str)> {
    let docs = target_dir().join("doc/alt_runtime");
    let is_there = |(page, anchor): &(&str, &str)| {
        fs::read_to_string(docs.join(page))
            .is_ok_and(|html| html.contains(&format!("id=\"{anchor}\"")))
    };
    let mut items = TARGET_ONLY.to_vec();
    items.retain(|item| !is_there(item));
    items
}
