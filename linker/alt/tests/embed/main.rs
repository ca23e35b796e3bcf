//! The section `.alt_cpucaps` through compiler and linker: there once, whole, and not loaded.
//!
//! By rust-lld always, and by GNU ld where it is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use alt_image::caps::Caps;
use tempfile::TempDir;
use test_support::{Cross, Linker, unloaded_section, workspace};

/// Optimisation, as flags of rustc.
const BUILDS: [(&str, &[&str]); 5] = [
    ("dev", &["-Copt-level=0", "-Ccodegen-units=256"]),
    ("release", &["-Copt-level=3"]),
    (
        "fat LTO",
        &["-Copt-level=3", "-Clto=fat", "-Ccodegen-units=1"],
    ),
    ("thin LTO", &["-Copt-level=3", "-Clto=thin"]),
    (
        "size",
        &["-Copt-level=s", "-Clto=off", "-Ccodegen-units=16"],
    ),
];

/// `cpucaps!` of the second crate, if there is one.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Second {
    None,
    Same,
    Other,
}

struct Link {
    cross: Cross,
    dir: TempDir,
}

impl Link {
    fn new(test: &str) -> Option<Self> {
        let cross = Cross::new(test)?;
        let dir = TempDir::new().unwrap();
        alt_linker::write_scripts(dir.path()).unwrap();
        Some(Self { cross, dir })
    }

    /// Compiles a fixture, for which its folder is the package.
    fn compile(&self, source: &str, configure: impl FnOnce(&mut Command)) -> PathBuf {
        let output = self.dir.path().join(source).with_extension("out");
        let mut rustc = self.cross.rustc();
        rustc
            .arg(fixtures().join(source))
            .arg("-o")
            .arg(&output)
            .env("CARGO_MANIFEST_DIR", fixtures());
        configure(&mut rustc);
        assert!(rustc.status().unwrap().success(), "{source}");
        output
    }

    /// The bytes of the section, which must be the only one and in no segment.
    fn section(&self, linker: Linker, script: &str, build: &[&str], second: Second) -> Vec<u8> {
        let library = (second != Second::None).then(|| {
            let library = self.compile("second.rs", |rustc| {
                rustc.args([
                    "--crate-type",
                    "lib",
                    "-Cembed-bitcode=yes",
                    "-Copt-level=3",
                ]);
                if second == Second::Other {
                    rustc.args(["--cfg", "other"]);
                }
            });
            let named = library.with_file_name("libsecond.rlib");
            fs::rename(&library, &named).unwrap();
            named
        });
        let image = self.compile("kernel.rs", |rustc| {
            rustc.args(build).arg("-L").arg(self.dir.path());
            let script = workspace()
                .join("linker/link/tests/link/fixtures")
                .join(script);
            rustc.arg(format!("-Clink-arg=-T{}", script.display()));
            linker.select(rustc);
            if let Some(library) = &library {
                rustc
                    .arg(format!("--extern=second={}", library.display()))
                    .args(["--cfg", "second"]);
            }
        });
        unloaded_section(&fs::read(image).unwrap(), Caps::SECTION)
    }
}

fn fixtures() -> PathBuf {
    workspace().join("linker/alt/tests/embed/fixtures")
}

fn toml(name: &str) -> Vec<u8> {
    fs::read(Path::new(&fixtures()).join(name)).unwrap()
}

/// The contents of the section: FIRST and LAST are possible, NEVER is not.
fn odd() -> Vec<u8> {
    [&toml("odd.toml")[..], b"\x00101\x00"].concat()
}

#[test]
fn the_text_is_in_the_image_once_and_not_loaded() {
    let test = "the_text_is_in_the_image_once_and_not_loaded";
    let Some(link) = Link::new(test) else { return };
    for &linker in Linker::installed(test) {
        for (name, build) in BUILDS {
            for script in ["plain.ld", "include.ld"] {
                let bytes = link.section(linker, script, build, Second::None);
                assert!(bytes == odd(), "{name}, {linker:?}, {script}");
            }
        }
    }
    let caps = Caps::from_section(&odd()).unwrap();
    let [caps] = &caps[..] else {
        panic!("{caps:?}")
    };
    let impossible = caps.table().iter().filter(|info| !info.cap.is_possible());
    assert_eq!(
        impossible.map(|info| info.name).collect::<Vec<_>>(),
        ["NEVER"]
    );
    assert!(caps.undecided().is_empty());
}

#[test]
fn two_crates_have_one_file_or_two() {
    let test = "two_crates_have_one_file_or_two";
    let Some(link) = Link::new(test) else { return };
    for &linker in Linker::installed(test) {
        for (name, build) in BUILDS {
            let at = format!("{name}, {linker:?}");
            let bytes = link.section(linker, "plain.ld", build, Second::Same);
            assert!(bytes == odd().repeat(2), "{at}");
            assert_eq!(Caps::from_section(&bytes).unwrap().len(), 1, "{at}");

            let bytes = link.section(linker, "plain.ld", build, Second::Other);
            let caps = Caps::from_section(&bytes).unwrap();
            let mut texts: Vec<_> = caps.iter().map(|caps| caps.text().as_bytes()).collect();
            texts.sort();
            assert_eq!(
                texts,
                [&toml("odd.toml")[..], &toml("other.toml")[..]],
                "{at}"
            );
        }
    }
}
