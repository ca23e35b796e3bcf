//! The links in the documents lead to files of this repository, and published packages contain
//! their page and licences.

use std::path::{Path, PathBuf};
use std::{fs, io};

use pulldown_cmark::{Event, Parser, Tag};
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

/// The packages without `publish = false`, with the files that a kernel's build reads from them.
const PUBLISHED: [(&str, &[&str]); 9] = [
    ("alt-cpu", &[]),
    ("alt-cpucaps", &[]),
    ("alt-image", &[]),
    (
        "alt-linker",
        &[
            "alternatives-init.x",
            "alternatives-tables.x",
            "alternatives.x",
        ],
    ),
    ("alt-macros", &[]),
    ("alt-object", &[]),
    ("alt-runtime", &[]),
    ("alt-tool", &[]),
    ("alt-verify", &[]),
];

#[test]
fn published_packages_are_complete() {
    for (package, files) in PUBLISHED {
        let list = ["package", "--list", "--allow-dirty", "--package", package];
        let output = cargo().args(list).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{package}: {errors}");
        let listed = String::from_utf8_lossy(&output.stdout);
        for file in ["README.md", "LICENSE-APACHE", "LICENSE-MIT"]
            .iter()
            .chain(files)
        {
            assert!(
                listed.lines().any(|line| line == *file),
                "{package}: {file}"
            );
        }
    }
}

#[test]
fn relative_links_are_found() {
    let text = "[a](x/y.rs) [b](z.md#part) [c](#here) [d](https://example.org) `[e](code)`";
    assert_eq!(links(text), ["x/y.rs", "z.md"]);
}
