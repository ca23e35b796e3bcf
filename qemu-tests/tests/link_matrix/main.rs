//! One guest, linked by every linker with each combination of its options: folding of equal
//! functions, collection of unused ones, relaxation of address pairs. Objects are built once for
//! each profile. The results of the guest must be the same for every link.
//!
//! GNU ld folds nothing.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use qemu_tests::{Image, Machine, Qemu, console, skip};
use tempfile::TempDir;
use test_support::{Cross, GNU_LD, Linker, rust_lld, workspace};

/// The results of the guest's functions, in its order. The models' features are those of their
/// manuals: a Cortex-A53 has CRC32, and neither LSE nor PAN.
const BEFORE: &str = "before: 0 0 0 0 0 1 1 1 1 1 1 7 7 9 9 10 10 default default 42";
const AFTER: [(&str, &str); 2] = [
    (
        "cortex-a53",
        "after: 0 1 0 0 1 1 2 1 4 5 6 7 1 9 8 10 11 right right 42",
    ),
    (
        "max",
        "after: 1 1 1 1 1 2 2 3 2 5 6 1 1 8 8 11 11 right right 42",
    ),
];

/// A linker and its arguments.
struct Link {
    program: PathBuf,
    args: Vec<String>,
    gc: bool,
    /// The linker makes NOP and ADR of the guest's ADRP and ADD.
    relaxes: bool,
}

/// All ways to link; reports that `test` is skipped for GNU ld if that is missing.
fn links(test: &str) -> Vec<Link> {
    let lld = rust_lld();
    let mut linkers = Vec::new();
    for icf in ["none", "safe", "all"] {
        let args = ["-flavor".into(), "gnu".into(), format!("--icf={icf}")];
        linkers.push((lld.clone(), args.to_vec()));
    }
    if Linker::installed(test).contains(&Linker::Gnu) {
        linkers.push((GNU_LD.into(), Vec::new()));
    }
    let mut links = Vec::new();
    for (program, args) in linkers {
        for gc in [true, false] {
            for relax in ["--relax", "--no-relax"] {
                let gc_option = if gc {
                    "--gc-sections"
                } else {
                    "--no-gc-sections"
                };
                let mut args = args.clone();
                args.extend([gc_option.to_owned(), relax.to_owned()]);
                links.push(Link {
                    program: program.clone(),
                    args,
                    gc,
                    relaxes: program == lld && relax == "--relax",
                });
            }
        }
    }
    links
}

/// The guest as a library of objects.
fn objects(cross: &Cross, dir: &Path, flags: &[&str]) -> PathBuf {
    let library = dir.join("libguest.a");
    let source = workspace().join("qemu-tests/tests/link_matrix/fixtures");
    let output = cross
        .rustc()
        .args(["--crate-type=staticlib", "--crate-name=guest", "-o"])
        .arg(&library)
        .args(flags)
        .arg(source.join("guest.rs"))
        .env("CARGO_MANIFEST_DIR", source)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    library
}

/// Boots a kernel on a CPU model and returns what it prints.
fn boot(kernel: &Path, cpu: &str) -> String {
    let (qemu, machine) = (Qemu::find().unwrap(), Machine::new(cpu));
    console::run(&qemu, &machine, kernel, Duration::from_secs(60)).unwrap()
}

/// Links the guest in each way, boots it on each CPU, and compares.
fn judge(profile: &str, flags: &[&str]) {
    let test = format!("link_matrix {profile}");
    if skip::without_guests(&test) {
        return;
    }
    let Some(cross) = Cross::new(&test) else {
        return;
    };
    let dir = TempDir::new().unwrap();
    alt_linker::write_scripts(dir.path()).unwrap();
    let library = objects(&cross, dir.path(), flags);
    let image = dir.path().join("guest");
    // Some ways give the same image.
    let mut seen = HashMap::new();
    for link in links(&test) {
        let at = format!(
            "{profile}: {} {}",
            link.program.display(),
            link.args.join(" ")
        );
        let output = Command::new(&link.program)
            .args(&link.args)
            .arg("-L")
            .arg(dir.path())
            .arg("-T")
            .arg(workspace().join("qemu-tests/tests/link_matrix/fixtures/guest.ld"))
            .arg("-o")
            .arg(&image)
            .arg(&library)
            .output()
            .unwrap();
        assert!(output.status.success(), "{at}: {output:?}");
        let loaded = Image::open(&image).unwrap();
        // The unused function and its record are both kept or both dropped.
        assert_eq!(loaded.symbol("dead").is_err(), link.gc, "{at}");
        let records = loaded.section("alt_branches").unwrap().bytes.len() / 8;
        assert_eq!(records, 7 + usize::from(!link.gc), "{at}");
        let replacements = loaded.section("alt_replacements").unwrap();
        assert_eq!(has_relaxed(&replacements.bytes), link.relaxes, "{at}");
        let printed = seen
            .entry(fs::read(&image).unwrap())
            .or_insert_with(|| AFTER.map(|(cpu, _)| boot(&image, cpu)));
        for ((cpu, after), printed) in AFTER.iter().zip(printed) {
            assert_eq!(printed, &format!("{BEFORE}\n{after}\n"), "{at}, {cpu}");
        }
    }
}

/// Whether an ADR follows a NOP (Arm ARM C6.2).
fn has_relaxed(replacements: &[u8]) -> bool {
    let words: Vec<_> = replacements
        .chunks(4)
        .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
        .collect();
    words
        .windows(2)
        .any(|pair| pair[0] == 0xd503_201f && pair[1] & 0x9f00_0000 == 0x1000_0000)
}

#[test]
fn dev() {
    judge("dev", &["-Copt-level=0", "-Ccodegen-units=256"]);
}

#[test]
fn release() {
    judge("release", &["-Copt-level=3"]);
}

#[test]
fn fat_lto() {
    let flags = ["-Copt-level=3", "-Clto=fat", "-Ccodegen-units=1"];
    judge("fat LTO", &flags);
}

#[test]
fn thin_lto() {
    judge("thin LTO", &["-Copt-level=3", "-Clto=thin"]);
}

#[test]
fn size() {
    let flags = ["-Copt-level=s", "-Clto=off", "-Ccodegen-units=16"];
    judge("size", &flags);
}
