//! What `alt verify` says of an image with a namespace in it, as compilers and the partial link
//! make it.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::process::Command;

use alt_image::image::Image;
use alt_image::names::CapNames;
use alt_image::records::Records;
use alt_verify::{Context, Diagnostic, verify};

use crate::support::{Bench, MANIFEST};

/// A kernel in assembler: what the hypervisor of the tests names, and a site.
const KERNEL: &str = "
.globl _start, SHARED
.type _start, %function
_start:
    adrp x0, __hyp_vectors
    add x0, x0, :lo12:__hyp_vectors
    adrp x1, __hyp_text_end
    add x1, x1, :lo12:__hyp_text_end
    adrp x2, __hyp_rodata_start
    add x2, x2, :lo12:__hyp_rodata_start
    branch_if_cap 1, 1f
1:  b .
.size _start, . - _start
.section .shared.rodata, \"a\"
.balign 8
SHARED: .quad 1
.size SHARED, 8
";

const SHIM: &str = "#![no_std]\n#![no_main]\n#[panic_handler]\n\
                    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {\n    loop {}\n}\n";

const SCRIPT: &str = "
ENTRY(_start)
SECTIONS
{
  . = 0x40200000;
  .text : { *(.text .text.*) }
  .rodata : ALIGN(4096) { *(.rodata .rodata.*) }
  .shared.rodata : ALIGN(4096) { *(.shared.rodata) }
  .hyp.text : { *(.hyp.text) }
  .hyp.rodata : { *(.hyp.rodata) }
  .hyp.data : { *(.hyp.data) }
  .hyp.data.percpu : { *(.hyp.data.percpu) }
  .hyp.pointers : { KEEP(*(.hyp.pointers)) }
  INCLUDE alternatives-init.x
  .data : ALIGN(4096) { *(.data .data.*) }
  .hyp.bss : { *(.hyp.bss) }
  .bss : { *(.bss .bss.*) }
  /DISCARD/ : { *(.eh_frame*) }
}
";

/// Links a hypervisor of this manifest into the kernel.
fn image(bench: &Bench, manifest: &str) -> Vec<u8> {
    image_by(bench, manifest, SCRIPT)
}

fn image_by(bench: &Bench, manifest: &str, script: &str) -> Vec<u8> {
    image_with(bench, manifest, script, KERNEL)
}

fn image_with(bench: &Bench, manifest: &str, script: &str, kernel: &str) -> Vec<u8> {
    image_of(bench, manifest, script, kernel, &[])
}

/// The last are flags of rustc, for the hypervisor.
fn image_of(bench: &Bench, manifest: &str, script: &str, kernel: &str, flags: &[&str]) -> Vec<u8> {
    let hypervisor = bench.link(manifest, &[&bench.library(flags)]).unwrap();
    // As alt-runtime has it: makes the room that the script reserves writable.
    let room = ".pushsection alt_plan_room, \"awR\", @nobits\n.popsection\n.text\n";
    let text = [alt_runtime::ASM_MACROS, room, kernel].concat();
    let kernel = bench.assemble(&text, "kernel.o");
    alt_linker::write_scripts(bench.dir.path()).unwrap();
    let script = bench.write("kernel.ld", script);
    let script = format!("-T{}", script.display());
    let [hypervisor, kernel] = [hypervisor, kernel].map(|path| path.display().to_string());
    let flags = [&kernel, &hypervisor, &script, "--emit-relocs"].map(link_arg);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    fs::read(bench.rust(SHIM, "kernel", &flags)).unwrap()
}

fn link_arg(argument: &str) -> String {
    format!("-Clink-arg={argument}")
}

fn findings(image: Vec<u8>) -> Vec<Diagnostic> {
    let image = Image::parse(image).unwrap();
    let records = Records::find(&image, None).unwrap();
    let names = CapNames::default();
    verify(&Context::new(&image, &records, &names).unwrap())
}

/// The hypervisor of the tests formats text, so it contains `core`, which has indirect calls; it
/// is compiled for a target that has vector registers.
const CODE: &str = "[code]\nindirect-calls = [\"init\", \"*core::fmt*\"]\nfp-simd = \"allowed\"\n";

/// The functions of the findings, by rule.
fn functions<'a>(findings: &'a [Diagnostic], rule: &str) -> Vec<&'a str> {
    let findings = findings.iter().filter(|finding| finding.rule == rule);
    let last = findings.filter_map(|finding| finding.path.last());
    last.map(String::as_str).collect()
}

#[test]
fn what_compilers_make_keeps_to_its_manifest() {
    let Some(bench) = Bench::new("what_compilers_make_keeps_to_its_manifest") else {
        return;
    };
    let image = image(&bench, &[MANIFEST, CODE].concat());
    assert_eq!(findings(image.clone()), []);

    // The program says which it has checked.
    let path = bench.write("image", &image);
    for (arguments, expected) in [
        (&[][..], ", namespace hyp\n"),
        (&["--json"], "\"namespaces\": [\n    \"hyp\"\n  ]"),
    ] {
        let mut alt = Command::new(env!("CARGO_BIN_EXE_alt"));
        let alt = alt.arg("verify").arg(&path).args(arguments);
        let output = alt.env("NO_COLOR", "1").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{text}");
        assert!(text.contains(expected), "{text}");
    }

    // As if the allow list of the image had one entry less.
    let entry = b"SHARED = \"data-ro\"";
    let at = image.windows(entry.len()).position(|part| part == entry);
    let mut damaged = image.clone();
    damaged[at.unwrap()] = b'#';
    let found = findings(damaged);
    let [missing] = &found[..] else {
        panic!("{found:#?}");
    };
    assert_eq!(missing.rule, "region-reference");
    assert_eq!(missing.path, ["__hyp_vectors", "__hyp_init", "SHARED"]);
}

/// The linker has made machine code of it, to which the same rules apply.
#[test]
fn bitcode_keeps_to_its_manifest_as_well() {
    let Some(bench) = Bench::new("bitcode_keeps_to_its_manifest_as_well") else {
        return;
    };
    let flags = ["-Clinker-plugin-lto"];
    let linked = |manifest: &str| image_of(&bench, manifest, SCRIPT, KERNEL, &flags);
    assert_eq!(findings(linked(&[MANIFEST, CODE].concat())), []);
    let code = CODE.replace("\"init\", ", "");
    let found = findings(linked(&[MANIFEST, &code].concat()));
    assert_eq!(functions(&found, "region-indirect-branch"), ["__hyp_init"]);
    assert_eq!(found.len(), 1, "{found:#?}");
}

#[test]
fn code_is_listed_by_functions() {
    let Some(bench) = Bench::new("code_is_listed_by_functions") else {
        return;
    };
    let code = "[code]\nx18 = \"forbidden\"\n";
    let found = findings(image(&bench, &[MANIFEST, code].concat()));
    // The prebuilt `core` uses x18, and the target has vector registers.
    let registers = functions(&found, "region-register");
    assert!(
        registers.iter().any(|name| name.contains("core::fmt")),
        "{found:#?}"
    );
    let calls = functions(&found, "region-indirect-branch");
    assert!(calls.contains(&"__hyp_init"), "{found:#?}");
    for functions in [registers, calls] {
        let once: BTreeSet<_> = functions.iter().collect();
        assert_eq!(once.len(), functions.len(), "{found:#?}");
        assert!(functions.len() > 1, "{found:#?}");
    }
    let rules: BTreeSet<_> = found.iter().map(|finding| finding.rule).collect();
    let code = [
        "region-indirect-branch",
        "region-instruction",
        "region-register",
    ];
    assert_eq!(rules, BTreeSet::from(code));
    assert!(
        found
            .iter()
            .all(|finding| finding.path[0] == "__hyp_vectors")
    );
}

/// A linker script that lets the table of pointers be collected.
#[test]
fn a_lost_table_is_found() {
    let Some(bench) = Bench::new("a_lost_table_is_found") else {
        return;
    };
    let script = SCRIPT.replace("KEEP(*(.hyp.pointers))", "*(.hyp.pointers)");
    let found = findings(image_by(&bench, &[MANIFEST, CODE].concat(), &script));
    assert!(!found.is_empty());
    assert!(
        found
            .iter()
            .all(|finding| finding.rule == "namespace-pointer"),
        "{found:#?}"
    );
}

/// A call of the kernel's: to what is not exported, the linker refuses it; to what is, so that its
/// address can be used, the rules do. A variant that is freed at boot is not called after that.
#[test]
fn the_kernel_cannot_call() {
    let Some(bench) = Bench::new("the_kernel_cannot_call") else {
        return;
    };
    let manifest = [MANIFEST, CODE].concat();
    let calling = |name| KERNEL.replace("1:  b .", &format!("1:  bl {name}"));
    let link = |name| image_with(&bench, &manifest, SCRIPT, &calling(name));

    let refused = panic::catch_unwind(AssertUnwindSafe(|| link("__hyp_constant"))).unwrap_err();
    let said = refused
        .downcast_ref::<String>()
        .expect("what the linker says");
    assert!(said.contains("undefined symbol: __hyp_constant"), "{said}");

    let found = findings(link("__hyp_init"));
    let [call] = &found[..] else {
        panic!("{found:#?}");
    };
    assert_eq!(call.rule, "region-caller");
    assert_eq!(call.path, ["_start", "__hyp_init"]);
}

/// Without a table of sites and without a rules file, the manifests are checked all the same.
#[test]
fn an_image_without_sites_is_checked() {
    let Some(bench) = Bench::new("an_image_without_sites_is_checked") else {
        return;
    };
    let manifest = [MANIFEST, CODE].concat();
    // The fragment of alternatives has bounds of tables, also of empty ones.
    let script = SCRIPT.replace("  INCLUDE alternatives-init.x\n", "");
    let without = KERNEL.replace("branch_if_cap 1, 1f", "nop");
    let verify = |kernel: &str| {
        let image = bench.write("image", image_of(&bench, &manifest, &script, kernel, &[]));
        let mut alt = Command::new(env!("CARGO_BIN_EXE_alt"));
        let output = alt.arg("verify").arg(image).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap(), text)
    };
    let (status, text) = verify(&without);
    assert_eq!(status, 0, "{text}");
    assert!(
        text.starts_with("clean: 0 sites, 0 records, ") && text.contains(", namespace hyp\n"),
        "{text}"
    );
    let (status, text) = verify(&without.replace("1:  b .", "1:  bl __hyp_init"));
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("error[region-caller]"), "{text}");
}

/// What only the whole image shows fails the link of the kernel, where `alt-ld` does it.
#[test]
fn the_link_by_alt_ld_fails() {
    let Some(bench) = Bench::new("the_link_by_alt_ld_fails") else {
        return;
    };
    let good = [MANIFEST, CODE].concat();
    image(&bench, &good);
    let objects = ["kernel.o", "out.o"].map(|name| bench.path(name));
    let link = |arguments: &[&str]| {
        let mut alt_ld = Command::new(env!("CARGO_BIN_EXE_alt-ld"));
        alt_ld.current_dir(bench.dir.path()).args(&objects);
        let output = alt_ld.args(["-Tkernel.ld", "-okernel"]);
        let output = output.args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), said)
    };
    let assemble = |kernel: &str| {
        // As alt-runtime has it: makes the room that the script reserves writable.
        let room = ".pushsection alt_plan_room, \"awR\", @nobits\n.popsection\n.text\n";
        let text = [alt_runtime::ASM_MACROS, room, kernel].concat();
        bench.assemble(&text, "kernel.o");
    };
    assert_eq!(link(&[]), (Some(0), String::new()));
    assert_eq!(findings(fs::read(bench.path("kernel")).unwrap()), []);

    // A kind that fits what is done with the symbol, and not where it is.
    assemble(&KERNEL.replace(".section .shared.rodata, \"a\"", ".text"));
    let (code, said) = link(&[]);
    assert_eq!(code, Some(1), "{said}");
    for words in [
        "error[namespace-symbol]: the namespace hyp names SHARED as data-ro: it is a function, in .text",
        "help: Correct the kind in the manifest",
        "alt-ld: kernel: removed, ",
    ] {
        assert!(said.contains(words), "{said}");
    }
    assert!(!bench.path("kernel").exists());

    // [code]
    assemble(KERNEL);
    bench.link(MANIFEST, &[&bench.path("libhyp.a")]).unwrap();
    let (code, said) = link(&[]);
    assert_eq!(code, Some(1), "{said}");
    for words in [
        "error[region-indirect-branch]: the region hyp branches to an address in a register: ",
        "  from: __hyp_vectors\n    to: __hyp_init\n",
    ] {
        assert!(said.contains(words), "{said}");
    }
    assert!(!bench.path("kernel").exists());

    // A partial link is not complete, and an image without symbols cannot be checked.
    assert_eq!(link(&["-r"]), (Some(0), String::new()));
    let (code, said) = link(&["--strip-all"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("alt-ld: not checked: kernel: its namespaces"),
        "{said}"
    );
}
