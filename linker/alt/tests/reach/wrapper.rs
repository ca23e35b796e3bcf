//! `alt-ld`, as rustc's linker and called directly.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use test_support::rust_lld;

use crate::link::{Link, address, succeed};

const WRAPPER: &str = env!("CARGO_BIN_EXE_alt-ld");

/// A kernel of a few lines, with TEXT as its assembly.
const KERNEL: &str = r#"
    #![no_std]
    #![no_main]
    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! { loop {} }
    core::arch::global_asm!(env!("TEXT"));
    unsafe extern "C" { fn text(); }
    #[unsafe(no_mangle)]
    extern "C" fn _start() { unsafe { text() } }
"#;

const NEAR: &str = ".globl text\ntext: cbz x0, 1f\n nop\n1: ret\n";
const FAR: &str = ".section .text.text, \"ax\"\n.globl text\n.type text, %function\n\
                   text: cbz x0, _start\n ret\n";

fn kernel(link: &Link, text: &str, flags: &[&str], configure: impl FnOnce(&mut Command)) -> Output {
    let source = link.write("kernel.rs", KERNEL);
    let mut rustc = link.rustc();
    rustc.env("TEXT", text).env("NO_COLOR", "1").arg(source);
    rustc.args(flags).arg("-o").arg(link.path("image"));
    configure(&mut rustc);
    rustc.output().unwrap()
}

fn linker(path: impl Into<PathBuf>) -> String {
    format!("-Clinker={}", path.into().display())
}

fn words(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The linker that rustc would have taken, with the same arguments: the same bytes.
#[test]
fn clean_inputs_are_linked_as_ever() {
    let Some(link) = Link::new("clean_inputs_are_linked_as_ever") else {
        return;
    };
    let mut images = Vec::new();
    let wrapper = linker(WRAPPER);
    for flags in [&[][..], &[wrapper.as_str()]] {
        let output = kernel(&link, NEAR, flags, |_| {});
        assert!(output.status.success(), "{}", words(&output));
        images.push(fs::read(link.path("image")).unwrap());
        fs::remove_file(link.path("image")).unwrap();
    }
    assert!(images[0] == images[1]);
}

/// Also with link-time optimisation, which rustc does before it calls the linker.
#[test]
fn findings_fail_the_build() {
    let Some(link) = Link::new("findings_fail_the_build") else {
        return;
    };
    for lto in ["-Clto=off", "-Clto=fat", "-Clto=thin"] {
        let flags = [&linker(WRAPPER), lto, "-Ccodegen-units=1"];
        let output = kernel(&link, FAR, &flags, |_| {});
        let words = words(&output);
        assert_eq!(output.status.code(), Some(1), "{lto}: {words}");
        for part in [
            "`cbz x0, _start` reaches ±1 MiB, and _start is in another section",
            ": .text.text+0x0 (text)",
            "alt-ld: not linked, 1 found",
        ] {
            assert!(words.contains(part), "{lto}: {words}");
        }
        assert!(!link.path("image").exists(), "{lto}");

        let allow = "too-far, other-section:_start";
        let output = kernel(&link, FAR, &flags, |rustc| {
            rustc.env("ALT_REACH_ALLOW", allow);
        });
        assert!(output.status.success(), "{lto}");
        fs::remove_file(link.path("image")).unwrap();
    }
}

/// With linker-plugin-lto the linker itself generates the code: that much is said.
#[test]
fn bitcode_is_linked_and_said_not_to_be_checked() {
    let Some(link) = Link::new("bitcode_is_linked_and_said_not_to_be_checked") else {
        return;
    };
    let source = link.write("kernel.rs", KERNEL);
    let object = link.path("kernel.o");
    let mut rustc = link.rustc();
    rustc.env("TEXT", FAR).arg(source);
    succeed(
        rustc
            .args(["--emit=obj", "-Clinker-plugin-lto", "-Copt-level=2", "-o"])
            .arg(&object),
    );
    let mut command = Command::new(WRAPPER);
    command.arg("-o").arg(link.path("image")).arg(&object);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    let said = "alt-ld: not checked: kernel.o: LLVM bitcode";
    assert!(words(&output).contains(said), "{}", words(&output));
}

/// What the macros write keeps functions apart that differ in their records alone; a record that
/// was written otherwise does not.
#[test]
fn sites_that_icf_would_fold_are_not_linked() {
    let Some(link) = Link::new("sites_that_icf_would_fold_are_not_linked") else {
        return;
    };
    let start = ".section .text._start, \"ax\"\n.globl _start\n.type _start, %function\n";
    let site = "_start:\n branch_if_cap 3, 1f\n nop\n1: ret\n";
    let by_macro = [alt_runtime::ASM_MACROS, start, site].concat();
    link.object("macro", &by_macro);
    let record = "_start:\n nop\n ret\n\
                  .section alt_branches, \"ao\", %progbits, .text._start\n\
                  .long _start - .\n.hword 3, 1\n";
    link.object("record", &[start, record].concat());
    for (name, icf, linked) in [
        ("macro", "--icf=all", true),
        ("record", "--icf=all", false),
        ("record", "--icf=safe", true),
        ("record", "--icf=none", true),
    ] {
        let image = link.path("image");
        let _ = fs::remove_file(&image);
        let output = called(&link, &[icf, "-o", "image", &format!("{name}.o")]);
        let words = words(&output);
        assert_eq!(output.status.success(), linked, "{name} {icf}: {words}");
        assert_eq!(image.exists(), linked, "{name} {icf}");
        for said in [
            "error[folding]: the site does not refer to its record",
            "  at: record.o: .text._start+0x0",
            "  help: link with --icf=safe",
        ] {
            assert_eq!(words.contains(said), !linked, "{name} {icf}: {words}");
        }
    }
}

fn called(link: &Link, arguments: &[&str]) -> Output {
    let mut command = Command::new(WRAPPER);
    let command = command.args(arguments).current_dir(link.path(""));
    command.output().unwrap()
}

#[test]
fn called_with_a_file_of_arguments() {
    let Some(link) = Link::new("called_with_a_file_of_arguments") else {
        return;
    };
    link.object("text", FAR);
    link.object(
        "start",
        ".section .text.s, \"ax\"\n.globl _start\n_start: ret\n",
    );
    fs::rename(link.path("start.o"), link.path("st art.o")).unwrap();
    link.write("arguments", "-o\nimage\ntext.o\nst\\ art.o\n");
    let output = called(&link, &["@arguments"]);
    assert_eq!(output.status.code(), Some(1), "{}", words(&output));
    assert!(words(&output).contains("_start is in: st art.o, section .text.s"));
    assert!(!link.path("image").exists());

    // To one object: what comes out is linked again, and looked at then.
    let output = called(&link, &["-r", "@arguments"]);
    assert!(output.status.success(), "{}", words(&output));
    let output = called(&link, &["-flavor", "gnu", "image", "-o", "again"]);
    assert_eq!(output.status.code(), Some(1), "{}", words(&output));
    assert!(words(&output).contains("at: image: .text.text+0x0 (text)"));
}

#[test]
fn called_in_vain() {
    let Some(link) = Link::new("called_in_vain") else {
        return;
    };
    link.object("a", ".globl _start\n_start: ret\n");
    let run = |variable: &str, value: &str| {
        let mut command = Command::new(WRAPPER);
        let command = command.args(["a.o", "-o", "image"]).env(variable, value);
        let output = command.current_dir(link.path("")).output().unwrap();
        (output.status.code(), words(&output))
    };
    let (status, said) = run("ALT_REACH_ALLOW", "near");
    assert_eq!(status, Some(2));
    assert!(
        said.contains("ALT_REACH_ALLOW: there is no kind of finding `near`"),
        "{said}"
    );
    let (status, said) = run("ALT_LD_LINKER", "/no/such/linker");
    assert_eq!(status, Some(2));
    assert!(said.contains("/no/such/linker: No such file"), "{said}");
    // What the linker itself finds is its to say.
    let output = called(&link, &["a.o", "--no-such-option", "-o", "image"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(words(&output).contains("unknown argument '--no-such-option'"));
    // Nor does it always link.
    for arguments in [&["--version"][..], &["a.o", "--version"], &["--help"]] {
        let output = called(&link, arguments);
        assert!(output.status.success(), "{}", words(&output));
        assert!(!output.stdout.is_empty(), "{arguments:?}");
    }
    // A damaged input is not linked unseen.
    fs::write(link.path("damaged.o"), b"\x7fELF\x02\x01\x01").unwrap();
    let output = called(&link, &["a.o", "damaged.o", "-o", "image"]);
    assert_eq!(output.status.code(), Some(2), "{}", words(&output));
    assert!(!link.path("image").exists());
}

#[test]
fn another_linker_can_be_named() {
    let Some(link) = Link::new("another_linker_can_be_named") else {
        return;
    };
    link.object("a", ".globl _start\n_start: ret\n");
    // Which does not know its kind by itself.
    let mut command = Command::new(WRAPPER);
    command.args(["-flavor", "gnu", "a.o", "-o", "image"]);
    command.env("ALT_LD_LINKER", rust_lld());
    succeed(command.current_dir(link.path("")));
    assert_ne!(address(&link.path("image"), "_start"), 0);
}
