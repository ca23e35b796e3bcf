//! What `alt-ld --alt-keep` keeps, and which builds it refuses.

use std::fs;
use std::path::Path;
use std::process::Command;

use alt_livepatch::archive::flags::{self, Flag};
use alt_livepatch::archive::{Build, folder_of};
use test_support::TARGET;

use crate::kernel::{FLAGS, Kernel, SOURCE, alt, said};

#[test]
fn a_build_is_kept_beside_the_image() {
    let Some(kernel) = Kernel::new("a_build_is_kept_beside_the_image") else {
        return;
    };
    let image = kernel.build("image", SOURCE);
    let folder = folder_of(&image);
    assert_eq!(folder, kernel.path("image.livepatch"));
    let build = Build::open(&image).unwrap();
    assert_eq!(
        fs::read(&image).unwrap(),
        fs::read(folder.join("image")).unwrap()
    );
    assert_eq!(build.image.data(), fs::read(&image).unwrap());
    // The note of the id is at the anchor (ELF: name 4, description 20, type 3).
    let note = build.image.bytes(build.build_id.anchor, 36).unwrap();
    assert_eq!(note[..16], *b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0");
    assert_eq!(note[16..], build.build_id.id);
    assert_eq!(build.info.build_id, build.build_id.to_string());

    // Each file of the map is kept, in the order of the arguments: the crate, then its libraries.
    let names: Vec<_> = build
        .inputs
        .iter()
        .map(|input| input.name.as_str())
        .collect();
    for placed in &build.map {
        let known = names.contains(&placed.file.as_str()) || placed.file == "<internal>";
        assert!(known, "{placed:?}");
    }
    let at = |part: &str| names.iter().position(|name| name.contains(part));
    assert!(at("kernel.").unwrap() < at("libcore-").unwrap());
    for (number, input) in build.inputs.iter().enumerate() {
        assert!(
            input.file.starts_with(&format!("{number:04}-")),
            "{}",
            input.file
        );
        assert!(input.file.ends_with(".o") && input.bytes.starts_with(b"\x7fELF"));
        assert_eq!(
            fs::read(folder.join("inputs").join(&input.file)).unwrap(),
            input.bytes
        );
    }
    let kept = fs::read_dir(folder.join("inputs")).unwrap().count();
    assert_eq!(kept, build.inputs.len());
    assert_eq!(build.info.toolchain.len(), 1);
    assert!(build.info.toolchain[0].starts_with("rustc version "));
    assert!(build.info.options.contains(&"--gc-sections".into()));
    assert!(!build.info.options.iter().any(|option| option.contains("/")));
    assert!(!build.info.arguments.contains(&flags::KEEP.into()));
    assert_eq!(build.info.cpucaps, None);
    // Nothing temporary is left.
    let left = fs::read_dir(kernel.path("")).unwrap();
    let left = left.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with('.')
    });
    assert_eq!(left.count(), 0);
}

/// The argument changes nothing in the image, and the next link replaces the folder.
#[test]
fn the_next_link_replaces_the_folder() {
    let Some(kernel) = Kernel::new("the_next_link_replaces_the_folder") else {
        return;
    };
    let image = kernel.build("image", SOURCE);
    let first = Build::open(&image).unwrap();
    fs::write(folder_of(&image).join("stale"), "").unwrap();
    kernel.build("image", &SOURCE.replace("hello", "good day"));
    let second = Build::open(&image).unwrap();
    assert_ne!(first.build_id.id, second.build_id.id);
    assert!(!folder_of(&image).join("stale").exists());

    let mut rustc = test_support::rustc();
    rustc.current_dir(kernel.path("image.src"));
    rustc.args([
        "--edition=2024",
        "--target",
        TARGET,
        "-Cpanic=abort",
        "-Copt-level=2",
    ]);
    rustc
        .args(FLAGS)
        .arg("kernel.rs")
        .arg("-o")
        .arg(kernel.path("plain"));
    assert!(rustc.status().unwrap().success());
    assert!(second.image.data() == fs::read(kernel.path("plain")).unwrap());
    assert!(!kernel.path("plain.livepatch").exists());
}

/// Each flag is missed, by what to write; the image is not left, and the last good build is.
#[test]
fn a_build_without_a_flag_is_refused() {
    let Some(kernel) = Kernel::new("a_build_without_a_flag_is_refused") else {
        return;
    };
    let image = kernel.build("image", SOURCE);
    let good = fs::read(&image).unwrap();
    let merged = format!("{SOURCE}{MERGED}");
    // LLVM merges statics of one kind, with -O3 only.
    let statics = SOURCE.replace("AtomicU32::new(0)", "AtomicU32::new(5)");
    let cases: [(Flag, &[&str], &[&str], &str); 10] = [
        (
            Flag::CodegenUnits,
            &["-Ccodegen-units=1"],
            &["-Ccodegen-units=16", "-Clto=off"],
            &UNITS,
        ),
        (Flag::Lto, &[], &["-Clto=thin"], SOURCE),
        (Flag::Debug, &["-Cdebuginfo=2"], &[], SOURCE),
        (Flag::Debug, &["-Cdebuginfo=2"], &["-Cdebuginfo=1"], SOURCE),
        (
            Flag::FramePointers,
            &["-Cforce-frame-pointers=yes"],
            &[],
            SOURCE,
        ),
        (
            Flag::GlobalMerge,
            &["-Cllvm-args=-enable-global-merge=false"],
            &["-Copt-level=3"],
            &statics,
        ),
        (
            Flag::MergeFunctions,
            &["-Cllvm-args=-mergefunc-use-aliases=false"],
            &[],
            &merged,
        ),
        (Flag::EmitRelocs, &["-Clink-arg=--emit-relocs"], &[], SOURCE),
        (Flag::BuildId, &["-Clink-arg=--build-id=sha1"], &[], SOURCE),
        (
            Flag::BuildId,
            &["-Clink-arg=--build-id=sha1"],
            &["-Clink-arg=--build-id=md5"],
            SOURCE,
        ),
    ];
    for flag in Flag::ALL {
        assert!(
            cases.iter().any(|(there, ..)| *there == flag),
            "{flag:?} has no case"
        );
    }
    for (flag, without, with, source) in cases {
        let mut flags: Vec<_> = FLAGS.into_iter().filter(|f| !without.contains(f)).collect();
        flags.extend(with);
        let output = kernel.run("image", source, &flags);
        let said = said(&output);
        assert!(!output.status.success(), "{flag:?}");
        let found: Vec<_> = said
            .lines()
            .filter(|line| line.contains("error[livepatch]"))
            .collect();
        assert_eq!(found.len(), 1, "{flag:?}: {said}");
        assert!(
            found[0].contains(&format!("write {flag}")),
            "{flag:?}: {said}"
        );
        assert!(
            said.contains("`alt livepatch flags` prints all flags"),
            "{said}"
        );
        assert!(!image.exists(), "{flag:?}");
        let kept = Build::open(&folder_of(&image)).unwrap();
        assert!(kept.image.data() == good, "{flag:?}");
    }
}

/// The same text twice, under names that other crates could use: LLVM joins local ones anyway.
const MERGED: &str = "
#[unsafe(export_name = \"_ZN6kernel3one17h0123456789abcdefE\")]
pub fn one(list: &[u32]) -> u32 {
    list.iter().fold(3, |sum, entry| sum.wrapping_mul(*entry) + tick(*entry))
}
#[unsafe(export_name = \"_ZN6kernel5other17h0123456789abcdefE\")]
pub fn other(list: &[u32]) -> u32 {
    list.iter().fold(3, |sum, entry| sum.wrapping_mul(*entry) + tick(*entry))
}
";

/// Modules, which rustc puts into units of their own.
static UNITS: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
    let mut text = SOURCE.replace(
        "greet(count);",
        "greet(count + a::f(1) + b::f(2) + c::f(3));",
    );
    for name in ["a", "b", "c"] {
        text += &format!(
            "mod {name} {{ #[inline(never)] pub fn f(x: u32) -> u32 {{ crate::greet(x); crate::work(&[x; 9]) }} }}\n"
        );
    }
    text
});

/// The caller's own map is written too, and arguments may come from files.
#[test]
fn arguments_of_the_caller_stay() {
    let Some(kernel) = Kernel::new("arguments_of_the_caller_stay") else {
        return;
    };
    kernel.build("image", SOURCE);
    let kept = kernel.path("image.livepatch");
    fs::rename(&kept, kernel.path("kept")).unwrap();
    let build = Build::open(&kernel.path("kept")).unwrap();
    fs::create_dir(kernel.path("rustlib")).unwrap();
    let objects = build.inputs.iter().map(|input| {
        // Crates of the toolchain are known by their folder.
        let folder = match input.name.contains("/rustlib/") {
            true => "rustlib",
            false => "",
        };
        let object = kernel.path(folder).join(&input.file);
        fs::write(&object, &input.bytes).unwrap();
        object
    });
    let mut text = String::from("--alt-keep -Map \"own map\" --emit-relocs --gc-sections\n");
    for object in objects {
        text += &format!("\"{}\"\n", object.display());
    }
    fs::write(kernel.path("arguments"), text).unwrap();
    let link = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_alt-ld"));
        command.current_dir(kernel.path(""));
        let arguments = [
            "-flavor",
            "gnu",
            "@arguments",
            "-o",
            "again",
            "--build-id=sha1",
        ];
        command.args(arguments).args(more).output().unwrap()
    };
    let output = link(&["--trace"]);
    assert!(output.status.success(), "{}", said(&output));
    let again = Build::open(&kernel.path("again")).unwrap();
    assert_eq!(again.inputs.len(), build.inputs.len());
    let map = fs::read(kernel.path("own map")).unwrap();
    assert_eq!(
        map,
        fs::read(kernel.path("again.livepatch/link.map")).unwrap()
    );
    // The trace that the caller asked for.
    let traced = String::from_utf8(output.stdout).unwrap();
    assert_eq!(traced.lines().count(), build.inputs.len());
    assert!(link(&[]).stdout.is_empty());

    // A partial link is no image: nothing is kept, and the linker does not see the argument.
    let output = link(&["-r", "--no-gc-sections", "-o", "part.o"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(kernel.path("part.o").exists() && !kernel.path("part.o.livepatch").exists());

    // The linker's own refusal is passed on.
    fs::write(
        kernel.path("bad.o"),
        fs::read(kernel.path("part.o")).unwrap(),
    )
    .unwrap();
    let output = link(&["--no-such-option"]);
    assert!(said(&output).contains("unknown argument '--no-such-option'"));
}

/// The flags that `alt livepatch flags` prints are those of the documents and of the tests.
#[test]
fn flags_are_stated_once() {
    let output = alt(&["livepatch", "flags"], Path::new("."));
    let text = String::from_utf8(output.stdout).unwrap();
    let document = test_support::workspace().join("docs/livepatch.md");
    let document = fs::read_to_string(document).unwrap();
    assert!(
        document.contains(&format!("```toml\n{text}```")),
        "docs/livepatch.md lacks:\n{text}"
    );
    for flag in FLAGS {
        let cargo = match flag
            .strip_prefix("-Ccodegen-units=")
            .or(flag.strip_prefix("-Cdebuginfo="))
        {
            Some(value) => format!(" = {value}\n"),
            None => format!("\"{flag}\""),
        };
        assert!(text.contains(&cargo), "{flag}");
    }
}

/// With `--alt-finish`, the build that is kept is that of the finished image, which boots.
#[test]
fn a_finished_build_is_kept() {
    let Some(kernel) = Kernel::new("a_finished_build_is_kept") else {
        return;
    };
    let flags = [&FLAGS[..], &["-Clink-arg=--alt-finish"]].concat();
    let output = kernel.run("image", SOURCE, &flags);
    assert!(output.status.success(), "{}", said(&output));
    let image = kernel.path("image");
    let build = Build::open(&image).unwrap();
    assert_eq!(build.image.data(), fs::read(&image).unwrap());
    let info = &build.info;
    assert!(
        !info
            .arguments
            .iter()
            .chain(&info.options)
            .any(|word| word.contains("alt-finish"))
    );
}
