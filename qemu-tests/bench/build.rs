//! Links with aarch64-rt's unchanged linker script, and compiles the peers' atomics three times,
//! with different flags.

use std::path::Path;
use std::process::Command;
use std::{env, io};

/// Name and target features.
///
/// `outline-atomics` is not stable: rustc warns that its behaviour can change. The generated code
/// calls helpers in the toolchain's `compiler_builtins`.
const VARIANTS: [(&str, &str); 3] = [
    ("llsc", "-lse"),
    ("outline", "+outline-atomics"),
    ("lse", "+lse"),
];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=memory.ld");
    println!("cargo::rerun-if-changed=peers/atomics.rs");
    if variable("CARGO_CFG_TARGET_OS")? != "none" {
        return Ok(());
    }
    let dir = variable("CARGO_MANIFEST_DIR")?;
    println!("cargo::rustc-link-arg=-Timage.ld");
    println!("cargo::rustc-link-arg=-T{dir}/memory.ld");
    for (name, features) in VARIANTS {
        println!("cargo::rustc-link-arg={}", compile(name, features)?);
    }
    Ok(())
}

fn compile(name: &str, features: &str) -> io::Result<String> {
    let object = Path::new(&variable("OUT_DIR")?).join(format!("{name}.o"));
    let object = object.to_string_lossy().into_owned();
    // As in the release profile, because these are counted, whatever the profile of the guest.
    let output = Command::new(variable("RUSTC")?)
        .args([
            "--edition",
            "2024",
            "--crate-type",
            "lib",
            "--crate-name",
            name,
        ])
        .args(["--target", &variable("TARGET")?, "--cfg", name])
        .args(["-O", "-C", "panic=abort", "-C", "codegen-units=1"])
        .args(["-C", &format!("target-feature={features}")])
        .args(["--emit", &format!("obj={object}"), "peers/atomics.rs"])
        .output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!(
            "peers/atomics.rs ({name}): {}",
            String::from_utf8_lossy(&output.stderr)
        )));
    }
    Ok(object)
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(|why| io::Error::other(format!("{name}: {why}")))
}
