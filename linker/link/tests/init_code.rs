//! The fragments for the init code take the functions and constants that they name, in both manglings of
//! rustc, and leave all others.

use std::fs;

use object::{Object as _, ObjectSection as _, ObjectSymbol as _};
use tempfile::TempDir;
use test_support::{Linker, TARGET, rustc, skip};

/// Which fragments must take an input section.
#[derive(Clone, Copy, PartialEq)]
enum Takes {
    Boot,
    Detect,
    Patch,
    None,
}
use Takes::*;

/// Input sections as rustc names them. The names of version 0 are of `-Csymbol-mangling-version=v0`.
const SECTIONS: [(&str, Takes); 22] = [
    (
        ".text._ZN11alt_runtime4boot8detected8Detected5patch17h1E",
        Boot,
    ),
    (
        ".text._RINvMNtNtCs1_11alt_runtime4boot8detectedNtB3_8Detected5patchE",
        Boot,
    ),
    (
        ".text._ZN11alt_runtime4boot6booted6Booted8finalise17h1E",
        Boot,
    ),
    (
        ".text._RINvMNtNtCs1_11alt_runtime4boot6bootedNtB3_6Booted8finaliseE",
        Boot,
    ),
    (
        ".text._ZN11alt_runtime4boot6system6System10boot_early17h1E",
        Boot,
    ),
    (
        ".text.unlikely._ZN11alt_runtime5patch6commit9try_alias17h1E",
        Patch,
    ),
    (
        ".text._ZN71_$LT$alt_runtime..boot..error..FinaliseError$u20$as$u20$Display$GT$3fmt17h1E",
        Patch,
    ),
    (
        ".text._ZN11alt_runtime3cap5table8CapTable6detect17h1E",
        Detect,
    ),
    (
        ".text._RNvMs_NtNtCs1_11alt_runtime3cap5tableNtB4_8CapTable6detect",
        Detect,
    ),
    (
        ".text._ZN11alt_runtime4boot6booted6Booted7add_cpu17h1E",
        Detect,
    ),
    (".text._ZN7alt_cpu8register5Field5value17h1E", Detect),
    (".rodata.alt_cap_table", Detect),
    (".text._ZN11alt_runtime5patch4walk4walk17h1E", Patch),
    (
        ".text._RINvNtNtCs1_11alt_runtime5patch4walk4walkKb1_E",
        Patch,
    ),
    (".text.alt_patcher.commit", Patch),
    (".rodata._ZN11alt_runtime4insn4form4ROWS17h1E", Patch),
    (".text.alt_patcher.wait", None),
    (
        ".text._ZN11alt_runtime4boot9finalised9Finalised3has17h1E",
        None,
    ),
    (".text._ZN11alt_runtime4boot6system6System4join17h1E", None),
    (".text._ZN11alt_runtime3cap3set6CapSet8contains17h1E", None),
    (".text._ZN11alt_runtime9livepatch4load4load17h1E", None),
    (".text._ZN6kernel5patch4walk17h1E", None),
];

fn script(fragments: &[Takes]) -> String {
    let include = |file: &str, takes| match fragments.contains(&takes) {
        true => format!("INCLUDE {file} "),
        false => String::new(),
    };
    format!(
        "SECTIONS {{ . = 0x40000000;\n\
         .init.rodata : {{ {} {} }}\n\
         .init.text : {{ *(.init.text) {} {} {} }}\n\
         .text : {{ *(.text .text.*) }}\n\
         .rodata : {{ *(.rodata .rodata.*) }} }}\n",
        include("init-detect-rodata.x", Detect),
        include("init-patch-rodata.x", Patch),
        include("init-boot.x", Boot),
        include("init-detect.x", Detect),
        include("init-patch.x", Patch),
    )
}

#[test]
fn fragments_take_what_they_name() {
    const TEST: &str = "fragments_take_what_they_name";
    if skip::without_target(TEST) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name);
    alt_linker::write_scripts(dir.path()).unwrap();
    let assembly = SECTIONS.iter().enumerate().map(|(number, (section, _))| {
        let flags = if section.contains("rodata") {
            "a"
        } else {
            "ax"
        };
        format!(".section \"{section}\",\"{flags}\"\n.globl s{number}\ns{number}: .word 0\n")
    });
    fs::write(path("a.s"), assembly.collect::<String>()).unwrap();
    let shim = "#![no_std]\ncore::arch::global_asm!(include_str!(env!(\"ASM\")));\n";
    fs::write(path("a.rs"), shim).unwrap();
    let mut rustc = rustc();
    rustc
        .args([
            "--target",
            TARGET,
            "--crate-type=lib",
            "--emit=obj",
            "-Cpanic=abort",
        ])
        .env("ASM", path("a.s"))
        .arg(path("a.rs"))
        .arg("-o")
        .arg(path("a.o"));
    assert!(rustc.status().unwrap().success());
    for linker in Linker::installed(TEST) {
        for fragments in [
            &[][..],
            &[Boot],
            &[Boot, Detect],
            &[Boot, Patch],
            &[Boot, Detect, Patch],
        ] {
            fs::write(path("kernel.ld"), script(fragments)).unwrap();
            let mut command = linker.command();
            command.current_dir(dir.path()).args([
                "-L",
                ".",
                "-T",
                "kernel.ld",
                "a.o",
                "-o",
                "image",
            ]);
            let output = command.output().unwrap();
            assert!(
                output.status.success(),
                "{linker:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            let file = fs::read(path("image")).unwrap();
            let image = object::File::parse(&*file).unwrap();
            for (number, (name, takes)) in SECTIONS.iter().enumerate() {
                let symbol = image.symbol_by_name(&format!("s{number}")).unwrap();
                let section = symbol.section_index().unwrap();
                let section = image
                    .section_by_index(section)
                    .unwrap()
                    .name()
                    .unwrap()
                    .to_owned();
                assert_eq!(
                    section.starts_with(".init"),
                    fragments.contains(takes),
                    "{linker:?}: {name} is in {section}"
                );
            }
        }
    }
}
