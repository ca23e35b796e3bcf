//! Functions that sign their return address, and the same functions with a shadow call stack
//! instead, both assembled.

use std::fs;
use std::path::PathBuf;

use crate::{Cross, target_dir};

/// PACIASP (Arm ARM C6.2).
pub const PACIASP: u32 = 0xd503_233f;
/// AUTIASP (Arm ARM C6.2).
pub const AUTIASP: u32 = 0xd503_23bf;

/// Assembler text with `sign` and `authenticate` at the places of PACIASP and AUTIASP.
pub const SOURCE: &str = include_str!("functions.s");

const SIGNED: &str = ".macro sign\n paciasp\n .endm\n .macro authenticate\n autiasp\n .endm\n";
const SHADOWED: &str = ".macro sign\n str x30, [x18], #8\n .endm\n\
                        .macro authenticate\n ldr x30, [x18, #-8]!\n .endm\n";

/// Assembles and links `source` with PACIASP and AUTIASP. The files are named after `test`.
///
/// # Panics
/// If rustc fails.
pub fn signed(cross: &Cross, test: &str, source: &str) -> PathBuf {
    build(cross, test, &format!("{SIGNED}{source}"))
}

/// The same with pushes to and pops from the shadow call stack: the expected result of patching.
///
/// # Panics
/// If rustc fails.
pub fn shadowed(cross: &Cross, test: &str, source: &str) -> PathBuf {
    build(
        cross,
        &format!("{test}-shadowed"),
        &format!("{SHADOWED}{source}"),
    )
}

fn build(cross: &Cross, name: &str, source: &str) -> PathBuf {
    let dir = target_dir().join("tmp/shadow").join(name);
    fs::create_dir_all(&dir).expect("the directory can be created");
    let write = |name: &str, text: &str| {
        fs::write(dir.join(name), text).expect("the file can be written");
    };
    write("link.ld", include_str!("link.ld"));
    write("functions.s", source);
    write(
        "main.rs",
        "#![no_std]\n#![no_main]\n\
        core::arch::global_asm!(include_str!(\"functions.s\"), options(raw));\n\
        #[panic_handler]\nfn panic(_: &core::panic::PanicInfo<'_>) -> ! {\n    loop {}\n}\n",
    );
    let image = dir.join("image");
    let output = cross
        .rustc()
        .args(["-Cpanic=abort", "-Ccodegen-units=1"])
        .arg("-Crelocation-model=static")
        .arg(dir.join("main.rs"))
        .arg("-o")
        .arg(&image)
        .arg(format!("-Clink-arg=-T{}", dir.join("link.ld").display()))
        .output()
        .expect("rustc runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    image
}
