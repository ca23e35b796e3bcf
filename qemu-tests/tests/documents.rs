//! The links in the documents lead to files of this repository, and published packages contain
//! their page and licences.

use std::path::{Path, PathBuf};
use std::{fs, io};

use pulldown_cmark::{Event, Parser, Tag};
use serde_json::Value;
use test_support::{cargo, workspace};

#[test]
fn links_lead_to_files() {
    let mut files = Vec::new();
    find(workspace(), &mut files).unwrap();
    for name in ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"] {
        assert!(files.contains(&workspace().join(name)), "{name}");
    }
    let mut broken = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        for link in links(&text) {
            let target = file.parent().unwrap().join(&link);
            if !target.exists() {
                broken.push(format!("{}: {link}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The relative destinations of links, without their fragments.
fn links(text: &str) -> Vec<String> {
    let destinations = Parser::new(text).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. }) => Some(dest_url.to_string()),
        _ => None,
    });
    let files = destinations.filter(|url| !url.contains("://"));
    let paths = files.map(|url| url.split('#').next().unwrap_or_default().to_owned());
    paths.filter(|path| !path.is_empty()).collect()
}

/// Adds all documents of a folder, without what cargo builds and hidden folders.
fn find(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                find(&path, files)?;
            }
        } else if name.ends_with(".md") {
            files.push(path);
        }
    }
    Ok(())
}

/// Files of a package other than sources, which its users or its own sources read.
const DATA: [(&str, &str); 16] = [
    ("alt-image", "cpus/qemu.toml"),
    ("alt-runtime", "cpucaps.toml"),
    ("alt-linker", "alternatives-init.x"),
    ("alt-linker", "alternatives-tables.x"),
    ("alt-linker", "bss.x"),
    ("alt-linker", "build-id.x"),
    ("alt-linker", "data.x"),
    ("alt-linker", "init-boot.x"),
    ("alt-linker", "init-detect.x"),
    ("alt-linker", "init-detect-rodata.x"),
    ("alt-linker", "init-patch.x"),
    ("alt-linker", "init-patch-rodata.x"),
    ("alt-linker", "rodata.x"),
    ("alt-linker", "text.x"),
    ("alt-linker", "alternatives.x"),
    ("alt-linker", "together.x"),
];

#[test]
fn published_packages_are_complete() {
    let packages = published();
    for (package, _) in DATA {
        assert!(packages.iter().any(|name| name == package), "{package}");
    }
    for package in &packages {
        let listed = output(&["package", "--list", "--allow-dirty", "--package", package]);
        let data = DATA.iter().filter(|(of, _)| of == package);
        let files = ["README.md", "LICENSE-APACHE", "LICENSE-MIT"];
        for file in files.into_iter().chain(data.map(|(_, file)| *file)) {
            assert!(listed.lines().any(|line| line == file), "{package}: {file}");
        }
    }
}

/// The packages of the workspace without `publish = false`.
fn published() -> Vec<String> {
    let metadata = output(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let is_published = |package: &&Value| package["publish"].is_null();
    let names = packages.filter(is_published);
    names
        .map(|package| package["name"].as_str().unwrap().to_owned())
        .collect()
}

fn output(arguments: &[&str]) -> String {
    let output = cargo().args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn relative_links_are_found() {
    let text = "[a](x/y.rs) [b](z.md#part) [c](#here) [d](https://example.org) `[e](code)`";
    assert_eq!(links(text), ["x/y.rs", "z.md"]);
}
