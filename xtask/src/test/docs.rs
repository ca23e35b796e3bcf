//! The documentation for the host and for the target, without warnings.

use std::{fs, io};

use super::{GUESTS, cargo, check, summary::Count};
use test_support::{HYP_TARGET, TARGET, target_dir};

/// Items of `alt-runtime` whose bodies need the target: page, and the item's anchor in it.
const TARGET_ONLY: [(&str, &str); 13] = [
    ("boot/struct.Booted.html", "method.finalise"),
    ("boot/struct.Detected.html", "method.patch"),
    ("boot/struct.Detected.html", "method.patch_boot"),
    ("boot/struct.Finalised.html", "method.patch_region"),
    ("boot/struct.Finalised.html", "method.shadow_call_stack"),
    ("boot/struct.System.html", "method.boot"),
    ("boot/fn.invalidate_icache.html", "main-content"),
    ("cap/struct.IdRegs.html", "method.read"),
    ("patch/struct.Plan.html", "method.commit"),
    ("shadow_call_stack/struct.ShadowPlan.html", "method.commit"),
    ("struct.Image.html", "method.new"),
    ("struct.Maintenance.html", "method.sync"),
    ("macro.text.html", "main-content"),
];

/// Packages beside the [`GUESTS`] that a guest is built of. The host's documentation has them, too.
const LIBRARIES: [&str; 3] = ["alt-cpu", "alt-runtime", "demo-object"];

/// A package and its feature with which it is not documented for the target.
///
/// With this one, the build script of kernel-demo compiles `core` for the hypervisor. No item of
/// the kernel depends on it, and demo-hyp is documented with its own feature of that name.
const LEFT_OUT: (&str, &str) = ("kernel-demo", "fixed-x18");

/// Documents all packages for the host, and those of guests for the target, with all features.
///
/// For the target, each package has a command of its own, because cargo unifies the features of the
/// packages of one command: with all features of alt-runtime, a guest must have cpucaps that few of them
/// have, and with all features of demo-hyp, which is an image of its own, kernel-demo has two panic
/// handlers.
pub(super) fn run() -> io::Result<Count> {
    let document = |arguments: &[&str]| {
        let mut command = cargo();
        command.args(["doc", "--no-deps"]).args(arguments);
        check(command.env("RUSTDOCFLAGS", "-Dwarnings"))
    };
    let mut total = document(&["--workspace", "--all-features"])?;
    let packages = LIBRARIES.iter().chain(&GUESTS);
    for package in packages.filter(|package| **package != LEFT_OUT.0) {
        total += document(&["--package", package, "--all-features", "--target", TARGET])?;
    }
    total += document(&["--package", LEFT_OUT.0, "--target", TARGET])?;
    total += document(&[
        "--package",
        "demo-hyp",
        "--all-features",
        "--target",
        HYP_TARGET,
    ])?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use cargo_metadata::MetadataCommand;
    use std::collections::BTreeSet;
    use test_support::workspace;

    /// A package exists on the target if the root of one of its crates is `no_std`, if only there.
    #[test]
    fn all_packages_of_the_target_are_documented_for_it() {
        let metadata = MetadataCommand::new()
            .manifest_path(workspace().join("Cargo.toml"))
            .no_deps()
            .exec()
            .unwrap();
        let exists = |package: &&cargo_metadata::Package| {
            let mut targets = package.targets.iter().filter(|t| t.is_lib() || t.is_bin());
            targets.any(|target| {
                let text = fs::read_to_string(&target.src_path).unwrap();
                let mut attributes = text.lines().filter(|line| line.starts_with("#!["));
                attributes.any(|line| line.contains("no_std"))
            })
        };
        let packages = metadata.packages.iter().filter(exists);
        let found: BTreeSet<_> = packages.map(|p| p.name.as_str()).collect();
        let documented = LIBRARIES.iter().chain(&GUESTS).copied();
        assert_eq!(found, documented.chain(["demo-hyp"]).collect());
    }

    /// With the feature that is left out, the kernel itself is the same.
    #[test]
    fn no_item_depends_on_the_feature_that_is_left_out() {
        let (package, feature) = LEFT_OUT;
        let condition = format!("feature = \"{feature}\"");
        let mut folders = vec![workspace().join(package).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let text = fs::read_to_string(&path).unwrap();
                    assert!(!text.contains(&condition), "{}", path.display());
                }
            }
        }
    }
}
