//! The assembler's part of it: functions that sign, and the same with a shadow call stack. For the
//! tests of alt-linker as well.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cross::{Cross, workspace};

/// As the Arm ARM has them (C6.2).
pub const PACIASP: u32 = 0xd503_233f;
pub const AUTIASP: u32 = 0xd503_23bf;

const SIGNED: &str = ".macro sign\n paciasp\n .endm\n .macro authenticate\n autiasp\n .endm\n";
const SHADOWED: &str = ".macro sign\n str x30, [x18], #8\n .endm\n\
                        .macro authenticate\n ldr x30, [x18, #-8]!\n .endm\n";

/// functions.s.
pub fn functions() -> String {
    fs::read_to_string(folder().join("functions.s")).unwrap()
}

fn folder() -> PathBuf {
    workspace().join("alt-runtime/tests/shadow_call_stack")
}

/// Assembles and links `source`; `name` is that of the test, for its files.
pub fn signed(cross: &Cross, name: &str, source: &str) -> PathBuf {
    build(cross, name, &format!("{SIGNED}{source}"))
}

/// The same with what must become of it in the source.
pub fn shadowed(cross: &Cross, name: &str, source: &str) -> PathBuf {
    build(
        cross,
        &format!("{name}-shadowed"),
        &format!("{SHADOWED}{source}"),
    )
}

fn build(cross: &Cross, name: &str, source: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("shadow")
        .join(name);
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("functions.s"), source).unwrap();
    let program = "#![no_std]\n#![no_main]\n\
        core::arch::global_asm!(include_str!(\"functions.s\"), options(raw));\n\
        #[panic_handler]\nfn panic(_: &core::panic::PanicInfo<'_>) -> ! {\n    loop {}\n}\n";
    fs::write(dir.join("main.rs"), program).unwrap();
    let image = dir.join("image");
    let output = cross
        .rustc()
        .args([
            "-Cpanic=abort",
            "-Ccodegen-units=1",
            "-Crelocation-model=static",
        ])
        .arg(dir.join("main.rs"))
        .arg("-o")
        .arg(&image)
        .arg(format!(
            "-Clink-arg=-T{}",
            folder().join("link.ld").display()
        ))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    image
}
