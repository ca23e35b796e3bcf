//! Images whose tables cannot be finished.

use std::fs;

use alt_finish::table::{self, TableError};
use alt_image::image::Image;
use tempfile::TempDir;
use test_support::{Linker, TARGET, rustc, skip};

/// A site whose record has its replacement as an address: as a macro that is not ours might write it.
const SOURCE: &str = r#"
.globl __alt_layout_version
.set __alt_layout_version, 2
.section .text._start, "ax"
.globl _start
_start:
site:
    nop
    ret
.section alt_records, "ao", @progbits, site
    .long site - .
    .long new - .
    .hword 1
    .byte 1, 1
    .xword site
    .long 0
.section alt_replacements, "ao", @progbits, site
new:
    yield
"#;

/// A position-independent kernel whose loader would add the load address inside of the table.
#[test]
fn a_table_that_a_loader_changes_is_refused() {
    if skip::without_target("a_table_that_a_loader_changes_is_refused") {
        return;
    }
    let dir = TempDir::new().unwrap();
    let file = |name| dir.path().join(name);
    alt_linker::write_scripts(dir.path()).unwrap();
    fs::write(file("site.s"), SOURCE).unwrap();
    let rust = "#![no_std]\ncore::arch::global_asm!(include_str!(\"site.s\"), options(raw));\n";
    fs::write(file("site.rs"), rust).unwrap();
    let mut command = rustc();
    command.args(["--edition=2024", "--crate-type=lib", "--emit=obj"]);
    command.args(["--target", TARGET, "-o"]);
    let output = command.args([file("site.o"), file("site.rs")]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
    let script = "ENTRY(_start)\nSECTIONS {\n . = 0x40200000;\n INCLUDE alternatives-init.x\n \
                  .text : { *(.text .text.*) }\n .rela.dyn : { *(.rela.dyn) }\n}\n";
    fs::write(file("kernel.ld"), script).unwrap();
    let mut linker = Linker::Lld.command();
    linker.args(["-pie", "-znotext", "-L"]).arg(dir.path());
    linker.arg("-T").arg(file("kernel.ld")).arg("-o");
    let output = linker.args([file("image"), file("site.o")]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
    let image = Image::parse(fs::read(file("image")).unwrap()).unwrap();
    let records = image.section("alt_records").unwrap().range.start;
    let error = table::finish(&image).unwrap_err();
    let expected = matches!(error, TableError::Dynamic(at) if at == records + 12);
    assert!(expected, "{error}");
    assert!(
        error.to_string().contains("a dynamic relocation at"),
        "{error}"
    );
}
