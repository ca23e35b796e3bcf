//! kernel-demo does not build if its hypervisor refers to a symbol of the kernel that `hyp.toml`
//! does not allow. Each case runs the workspace's own build in a copy of the sources with one
//! change.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use test_support::{TARGET, missing_target, skip, workspace};

/// A copy of the workspace that is changed, and its target directory.
struct Copy {
    source: PathBuf,
    target: PathBuf,
}

impl Copy {
    /// Its path is fixed, so that its dependencies are built once.
    fn new() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hyp-build");
        let (source, target) = (folder.join("source"), folder.join("target"));
        if source.exists() {
            fs::remove_dir_all(&source).unwrap();
        }
        copy(workspace(), &source);
        Self { source, target }
    }

    /// Changes a file of the workspace and returns its old contents.
    fn change(&self, file: &str, change: impl FnOnce(&str) -> String) -> String {
        let path = self.source.join(file);
        let text = fs::read_to_string(&path).unwrap();
        let changed = change(&text);
        assert_ne!(text, changed, "{file}");
        fs::write(&path, changed).unwrap();
        text
    }

    /// The message of the build of kernel-demo, which must fail.
    #[track_caller]
    fn refused(&self) -> String {
        let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(&self.source)
            .args(["build", "--package", "kernel-demo", "--profile", "release"])
            .args(["--target", TARGET, "--target-dir"])
            .arg(&self.target)
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // Neither the kernel nor an object to link it with.
        let built = self.target.join(TARGET).join("release");
        let left = objects(&built.join("build"));
        if output.status.success() || built.join("kernel-demo").exists() || !left.is_empty() {
            // It would be there the next time, too.
            fs::remove_dir_all(&self.target).unwrap();
            panic!("{}, and {left:?} is left: {said}", output.status);
        }
        // Cargo indents what build scripts say.
        let lines = said
            .lines()
            .map(|line| line.strip_prefix("  ").unwrap_or(line));
        lines.flat_map(|line| [line, "\n"]).collect()
    }
}

/// The sources: neither what was built of them nor what is hidden.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        let is_folder = entry.file_type().unwrap().is_dir();
        let hidden = name.to_string_lossy().starts_with('.');
        // Cargo marks its target folder, whose name may differ.
        let built = name == "target" || entry.path().join("CACHEDIR.TAG").exists();
        match is_folder {
            true if hidden || built => {}
            true => copy(&entry.path(), &to.join(name)),
            false => fs::copy(entry.path(), to.join(name)).map(drop).unwrap(),
        }
    }
}

/// The objects of hypervisors that build scripts have left here.
fn objects(build: &Path) -> Vec<String> {
    let folders = fs::read_dir(build).unwrap();
    let outs = folders.filter_map(|folder| fs::read_dir(folder.unwrap().path().join("out")).ok());
    let names = outs.flatten().map(|file| file.unwrap().file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    names
        .filter(|name| ["hyp.nvhe.o", "hyp.vhe.o"].contains(&name.as_str()))
        .collect()
}

/// All of these words must be in a message, in this order.
#[track_caller]
fn expect(message: &str, words: &[&str]) {
    let mut rest = message;
    for words in words {
        let Some((_, behind)) = rest.split_once(words) else {
            panic!("no {words:?} in:\n{message}");
        };
        rest = behind;
    }
}

const REFUSED: &str =
    "Error: symbols that are not the hypervisor's own, and that its manifest does not allow:\n";

/// One test, since there is one copy.
#[test]
fn what_the_manifest_does_not_allow_fails_the_build() {
    if let Some(target) = missing_target() {
        let test = "what_the_manifest_does_not_allow_fails_the_build";
        skip::because(&format!("{test}: the Rust target {target} is missing"));
        return;
    }
    let copy = Copy::new();
    each_entry_is_needed(&copy);
    call_is_told_with_the_way_to_it(&copy);
}

/// The allow list with each of its entries deleted in turn.
fn each_entry_is_needed(copy: &Copy) {
    let manifest = fs::read_to_string(workspace().join("kernel-demo/hyp.toml")).unwrap();
    let table: toml::Table = manifest.parse().unwrap();
    let entries: Vec<&str> = table["allow"]
        .as_table()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert!(entries.len() >= 7, "{entries:?}");
    for entry in entries {
        let is_entry = |line: &str| line.starts_with(&format!("{entry} ="));
        let whole = copy.change("kernel-demo/hyp.toml", |text| {
            let lines = text.lines().filter(|line| !is_entry(line));
            lines.flat_map(|line| [line, "\n"]).collect()
        });
        let said = copy.refused();
        let symbol = format!("{REFUSED}  {entry}\n    at: ");
        expect(
            &said,
            &[&symbol, "    from: ", &format!("      to: {entry}\n")],
        );
        // And that alone.
        assert_eq!(said.matches("    from: ").count(), 1, "{said}");
        copy.change("kernel-demo/hyp.toml", |_| whole);
    }
}

/// `demo_report` is a function of the kernel's; a service calls it.
fn call_is_told_with_the_way_to_it(copy: &Copy) {
    let exports = include_str!("../../kernel-demo/src/module/exports.rs");
    assert!(exports.contains("extern \"C\" fn demo_report(value: u64) -> u64"));
    copy.change("kernel-demo/hyp/src/image/services/state.rs", |text| {
        let answer = "ARRAY[index as usize]\n";
        assert_eq!(text.matches(answer).count(), 1, "{text}");
        let called = "// SAFETY: none, and it must not link.\n        \
                      unsafe { demo_report(ARRAY[index as usize]) }\n";
        let declared = "unsafe extern \"C\" {\n    fn demo_report(value: u64) -> u64;\n}\n";
        text.replace(answer, called) + declared
    });
    let said = copy.refused();
    expect(
        &said,
        &[
            REFUSED,
            "  demo_report\n    at: <demo_hyp::image::services::state::Element as \
             demo_hyp::image::services::Service>::run+0x",
            "    from: enter\n      to: demo_hyp::image::services::dispatch\n      \
             to: demo_hyp::image::services::SERVICES\n",
            "      to: <demo_hyp::image::services::state::Element as \
             demo_hyp::image::services::Service>::run\n      to: demo_report\n",
            "help: ",
        ],
    );
}
