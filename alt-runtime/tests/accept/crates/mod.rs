//! The macros find alt-runtime in every way to import them: by another name, or through a
//! crate that re-exports them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::relocatable::{Kind, Relocatable};
use test_support::{Cross, workspace};

struct Crates {
    cross: Cross,
    dir: PathBuf,
}

impl Crates {
    fn new(test: &str) -> Option<Self> {
        let cross = Cross::new(test)?;
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        fs::create_dir_all(&dir).unwrap();
        Some(Self { cross, dir })
    }

    /// Compiles a crate whose dependency has a name and a path.
    fn compile(&self, name: &str, kind: &str, dependency: (&str, &Path)) -> PathBuf {
        let (out, output) = self.try_compile(name, kind, dependency);
        assert!(output.status.success(), "{name}: {output:?}");
        out
    }

    fn try_compile(&self, name: &str, kind: &str, dependency: (&str, &Path)) -> (PathBuf, Output) {
        let out = self.dir.join(match kind {
            "link" => format!("lib{name}.rlib"),
            _ => format!("{name}.o"),
        });
        let (dependency, path) = dependency;
        let source = format!("alt-runtime/tests/accept/crates/{name}.rs");
        let output = self
            .cross
            .rustc_alone()
            .args(["--crate-type=lib", "-Copt-level=2", "-Ccodegen-units=1"])
            .arg(format!("--emit={kind}"))
            .arg(format!("--extern={dependency}={}", path.display()))
            .arg(format!(
                "--extern=alt_macros={}",
                self.cross.macros().display()
            ))
            .arg("-o")
            .arg(&out)
            .arg(workspace().join(source))
            .env("CARGO_MANIFEST_DIR", workspace().join("alt-runtime"))
            .output();
        (out, output.unwrap())
    }
}

/// Kind and condition of the only record of each function.
fn records(object: &Path) -> BTreeMap<String, (&'static str, u16)> {
    let file = fs::read(object).unwrap();
    let object = Relocatable::parse(&file);
    let records = object.records();
    let count = records.len();
    let by_function: BTreeMap<_, _> = records
        .into_iter()
        .map(|record| {
            let kind = match record.kind {
                Kind::Branch { .. } => "branch",
                Kind::Alternative { .. } => "alternative",
                Kind::Callback { .. } => "callback",
                Kind::Nops { .. } => "nops",
            };
            (record.function, (kind, record.condition))
        })
        .collect();
    assert_eq!(by_function.len(), count);
    by_function
}

const KIND: u16 = 1 << 15;

#[test]
fn a_driver_needs_only_the_layer_that_re_exports() {
    let Some(crates) = Crates::new("a_driver_needs_only_the_layer_that_re_exports") else {
        return;
    };
    let runtime = crates.cross.runtime();
    let hal = crates.compile("hal", "link", ("alt_runtime", &runtime));
    let driver = crates.compile("driver", "obj", ("hal", &hal));
    let expected = [
        ("assembly", ("branch", 3)),
        ("computed", ("callback", 3 | KIND)),
        ("function", ("branch", 3 | KIND)),
        ("handed_on", ("alternative", 3)),
        ("macro_of_the_layer", ("branch", 3 | KIND)),
        ("table", ("branch", 1)),
    ];
    let expected = expected.map(|(name, record)| (name.to_owned(), record));
    assert_eq!(records(&driver), BTreeMap::from(expected));
}

#[test]
fn a_renamed_dependency_is_found() {
    let Some(crates) = Crates::new("a_renamed_dependency_is_found") else {
        return;
    };
    let object = crates.compile("renamed", "obj", ("rt", &crates.cross.runtime()));
    let expected = [
        ("branch", ("branch", 3 | KIND)),
        ("site", ("alternative", 3)),
    ];
    let expected = expected.map(|(name, record)| (name.to_owned(), record));
    assert_eq!(records(&object), BTreeMap::from(expected));
}

/// An arm64 host executes the default, and has no tables.
#[test]
fn an_arm64_host_has_the_default_and_no_record() {
    let Some(crates) = Crates::new("an_arm64_host_has_the_default_and_no_record") else {
        return;
    };
    let runtime = crates.cross.runtime();
    let object = crates.compile("arm64_host", "obj", ("alt_runtime", &runtime));
    let file = fs::read(object).unwrap();
    let object = Relocatable::parse(&file);
    assert_eq!(object.sections().find(|name| name.contains("alt_")), None);
    let words = object.code("site").words;
    // yield; mov x<out>, #1
    assert!(words.contains(&0xd503_203f), "{words:x?}");
    assert!(
        words.iter().any(|word| word & !0x1f == 0xd280_0020),
        "{words:x?}"
    );
    // mov w0, wzr; ret
    assert_eq!(object.code("branch").words, [0x2a1f_03e0, 0xd65f_03c0]);
}

/// Elsewhere the error is at the default, and says what to write.
#[test]
fn another_host_needs_a_block() {
    let Some(crates) = Crates::new("another_host_needs_a_block") else {
        return;
    };
    let runtime = crates.cross.runtime();
    let (_, output) = crates.try_compile("elsewhere", "obj", ("alt_runtime", &runtime));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(
        error.contains("add `host => { … }` after the arms"),
        "{error}"
    );
    assert!(error.contains("elsewhere.rs:21:45"), "{error}");
    assert_eq!(error.matches("error: ").count(), 2, "{error}");
}
