use super::{
    circles,
    files::problems,
    imports,
    modules::{Crate, SourceError},
    packages, upwards,
};
use cargo_metadata::MetadataCommand;
use std::fs;
use tempfile::TempDir;

/// A crate of these files.
fn files(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn read(folder: &TempDir) -> Result<Crate, SourceError> {
    Crate::read(&folder.path().join("src/lib.rs"))
}

/// The circles of a crate, without their imports.
fn circles_of(sources: &[(&str, &str)]) -> Vec<String> {
    let krate = read(&files(sources)).unwrap();
    let found = circles("x", &krate, &imports::imports(&krate));
    let first = |text: String| text.lines().next().unwrap_or_default().to_owned();
    found.into_iter().map(first).collect()
}

#[test]
fn circle_of_siblings_is_found() {
    let found = circles_of(&[
        ("src/lib.rs", "mod a; mod b; mod c;"),
        ("src/a.rs", "use crate::b::B; pub struct A;"),
        ("src/b.rs", "pub struct B; fn f() { super::c::g() }"),
        ("src/c.rs", "pub fn g() { let _ = crate::a::A; }"),
    ]);
    assert_eq!(found, ["x: circle of a, b, c"]);
}

#[test]
fn circle_through_a_re_export_is_found() {
    let found = circles_of(&[
        ("src/lib.rs", "mod a; mod b; pub use a::A;"),
        ("src/a.rs", "use crate::b::*; pub struct A(B);"),
        ("src/b.rs", "use crate::A; pub struct B; fn f(_: A) {}"),
    ]);
    assert_eq!(found, ["x: circle of a, b"]);
}

#[test]
fn circle_below_a_folder_is_found() {
    let found = circles_of(&[
        ("src/lib.rs", "mod a; mod b;"),
        ("src/a/mod.rs", "mod deep; pub struct A;"),
        ("src/a/deep.rs", "use crate::b::B; struct Deep(B);"),
        ("src/b.rs", "use crate::a::A; pub struct B(A);"),
    ]);
    assert_eq!(found, ["x: circle of a, b"]);
}

#[test]
fn circle_within_a_macro_is_found() {
    let found = circles_of(&[
        ("src/lib.rs", "mod a; mod b;"),
        (
            "src/a.rs",
            "pub fn a() { println!(\"{}\", crate::b::b()); }",
        ),
        ("src/b.rs", "pub fn b() -> u8 { crate::a::a(); 1 }"),
    ]);
    assert_eq!(found, ["x: circle of a, b"]);
}

#[test]
fn parents_tests_and_one_way_are_no_circle() {
    let found = circles_of(&[
        ("src/lib.rs", "mod a; mod b; pub struct Root;"),
        ("src/a/mod.rs", "mod child; pub struct A; use child::Child;"),
        (
            "src/a/child.rs",
            "use super::A; use crate::Root; pub struct Child;",
        ),
        (
            "src/b.rs",
            "use crate::a::A; #[cfg(test)] mod tests { use crate::b; }",
        ),
    ]);
    assert_eq!(found, [""; 0]);
    // The same import of a test's, but not within one.
    let found = circles_of(&[
        ("src/lib.rs", "mod a; mod b;"),
        ("src/a.rs", "#[cfg(test)] use crate::b::B; pub struct A;"),
        ("src/b.rs", "use crate::a::A; pub struct B;"),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn import_of_a_higher_module_is_found() {
    let sources = files(&[
        ("src/lib.rs", "mod low; mod high; mod unknown;"),
        ("src/low.rs", "use crate::high::High;"),
        ("src/high.rs", "pub struct High;"),
        ("src/unknown.rs", ""),
    ]);
    let krate = read(&sources).unwrap();
    let imports = imports::imports(&krate);
    let found = upwards(&krate, &imports, &[&["low"], &["high"]]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("module unknown is in no layer"));
    assert!(found[1].starts_with("module low imports high, which is not below it\n"));
    let found = upwards(&krate, &imports, &[&["high"], &["low"], &["unknown"]]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn dependency_on_a_higher_package_is_found() {
    let sources = files(&[
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"a\", \"b\"]\nresolver = \"3\"",
        ),
        (
            "a/Cargo.toml",
            "[package]\nname = \"a\"\n[dev-dependencies]\nb = { path = \"../b\" }",
        ),
        ("b/Cargo.toml", "[package]\nname = \"b\""),
        ("a/src/lib.rs", ""),
        ("b/src/lib.rs", ""),
    ]);
    let manifest = sources.path().join("Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec();
    let found = |layers: &[&[&str]]| packages(&metadata.as_ref().unwrap().packages, layers);
    assert_eq!(found(&[&["b"], &["a"]]), [""; 0]);
    let upwards = ["a has a dev dependency on b, which is not below it"];
    assert_eq!(found(&[&["a"], &["b"]]), upwards);
    assert_eq!(found(&[&["a", "b"]]), upwards);
    let unknown = "package a is in no layer of xtask/src/layers/rules.rs";
    assert_eq!(found(&[&["b"]]), [unknown]);
    let stale = "xtask/src/layers/rules.rs: no package c";
    assert_eq!(found(&[&["b"], &["a"], &["c"]]), [stale]);
}

#[test]
fn path_attribute_is_refused() {
    let sources = files(&[
        (
            "a/src/lib.rs",
            "mod c;\n    #[path = \"../../b.rs\"] mod b;",
        ),
        ("a/src/c.rs", "#[cfg_attr(unix, path = \"d.rs\")]\nmod d;"),
        ("target/x.rs", "#[path = \"y.rs\"] mod y;"),
    ]);
    let found = problems(sources.path()).unwrap();
    let places = ["a/src/c.rs:1: ", "a/src/lib.rs:2: "];
    let is_at = |(text, place): (&String, &str)| text.contains(place);
    assert!(
        found.iter().zip(places).all(is_at) && found.len() == 2,
        "{found:#?}"
    );
}

#[test]
fn test_beside_its_folder_is_refused() {
    let sources = files(&[
        ("tests/one.rs", ""),
        ("tests/one/data", ""),
        ("tests/two/main.rs", ""),
        ("tests/three.rs", ""),
        ("src/four.rs", ""),
        ("src/four/five.rs", ""),
    ]);
    let found = problems(sources.path()).unwrap();
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains("one/main.rs"), "{found:#?}");
}

#[test]
fn file_that_is_missing_is_refused() {
    let refused = read(&files(&[("src/lib.rs", "mod gone;")])).err();
    assert!(matches!(refused, Some(SourceError::NoFile { name, .. }) if name == "gone"));
    let refused = read(&files(&[("src/lib.rs", "mod")])).err();
    assert!(matches!(refused, Some(SourceError::Parse { .. })));
    let refused = read(&files(&[])).err();
    assert!(matches!(refused, Some(SourceError::Read { .. })));
}
