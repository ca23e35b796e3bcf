//! The link as a build script calls it: in a process of its own, as cargo would run it.

use std::path::Path;
use std::process::{Command, Output};

use alt_linker::partial_link::{Link, PartialLinkError};

use crate::support::{Bench, MANIFEST, PLAIN, expect};

/// Set for the process that plays the build script: the folder with `hyp.toml` and `libhyp.a`.
const FOLDER: &str = "ALT_TEST_HYP";

fn build_script(bench: &Bench, manifest: &str) -> Output {
    bench.write("hyp.toml", manifest);
    let out_dir = bench.path("out");
    let _ = std::fs::create_dir(&out_dir);
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "build_script::cargo_is_told_what_the_object_is_made_of",
            "--nocapture",
        ])
        .env(FOLDER, bench.dir.path())
        .env("OUT_DIR", out_dir)
        .output()
        .unwrap()
}

/// What the `main` of a build script does.
fn play(folder: &Path) -> Result<(), PartialLinkError> {
    println!();
    let link = Link::new(folder.join("hyp.toml")).name("hyp.nvhe");
    let object = link.input(folder.join("libhyp.a")).link()?;
    println!("cargo::rustc-link-arg={}", object.display());
    Ok(())
}

#[test]
fn cargo_is_told_what_the_object_is_made_of() -> Result<(), PartialLinkError> {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return play(Path::new(&folder));
    }
    let Some(bench) = Bench::new("cargo_is_told_what_the_object_is_made_of") else {
        return Ok(());
    };
    bench.library(&[]);
    let output = build_script(&bench, MANIFEST);
    let stdout = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = stdout
        .lines()
        .filter(|line| line.starts_with("cargo::"))
        .collect();
    let path = |name: &str| bench.path(name).display().to_string();
    assert_eq!(
        lines,
        [
            format!("cargo::rerun-if-changed={}", path("libhyp.a")),
            format!("cargo::rerun-if-changed={}", path("hyp.toml")),
            format!("cargo::rustc-link-arg={}", path("out/hyp.nvhe.o")),
        ]
    );
    assert!(bench.path("out/hyp.nvhe.o").exists());
    // What is generated is not among the sources.
    assert!(bench.path("out/hyp.nvhe.ld").exists());
    let others = std::fs::read_dir(bench.dir.path()).unwrap();
    let mut others: Vec<_> = others.map(|entry| entry.unwrap().file_name()).collect();
    others.sort();
    assert_eq!(others, ["fixture.rs", "hyp.toml", "libhyp.a", "out"]);
    Ok(())
}

#[test]
fn a_refusal_is_shown_as_it_is() {
    let Some(bench) = Bench::new("a_refusal_is_shown_as_it_is") else {
        return;
    };
    bench.library(&[]);
    let output = build_script(&bench, PLAIN);
    assert!(!output.status.success());
    let shown = [output.stdout, output.stderr].concat();
    let path = "\n  SHARED\n    at: init+";
    expect(
        &String::from_utf8_lossy(&shown),
        &[path, "\n    from: init\n      to: SHARED\n"],
    );
    assert!(!bench.path("out/hyp.nvhe.o").exists());
}

/// Without OUT_DIR there is no place for it.
#[test]
fn other_programs_say_where_the_object_goes() {
    if std::env::var_os("OUT_DIR").is_some() {
        return;
    }
    let error = Link::new("hyp.toml").input("libhyp.a").link().unwrap_err();
    assert!(matches!(error, PartialLinkError::NoOutDir));
    assert!(error.to_string().contains("OUT_DIR is not set"));
    let error = Link::new("hyp.toml").name("Hyp").link().unwrap_err();
    assert!(matches!(error, PartialLinkError::Name(_)));
}
