//! Links with aarch64-rt's unchanged linker script, and compiles the peers' atomics five times,
//! with different flags.

use std::path::Path;
use std::process::Command;
use std::{env, fs, io};

/// Name and target features.
///
/// `outline-atomics` is not stable: rustc warns that its behaviour can change. The generated code
/// calls helpers in the toolchain's `compiler_builtins`.
const VARIANTS: [(&str, &str); 5] = [
    ("llsc", "-lse"),
    (OUTLINE, "+outline-atomics"),
    // Calls of alt-runtime's helpers, and calls that alt-ld makes sites.
    ("helper", "+outline-atomics"),
    ("call", "+outline-atomics"),
    ("lse", "+lse"),
];

/// The peer that calls the toolchain's helpers.
const OUTLINE: &str = "outline";

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
    println!("cargo::rustc-link-arg={}", toolchain_helpers()?);
    Ok(())
}

fn compile(name: &str, features: &str) -> io::Result<String> {
    let object = Path::new(&variable("OUT_DIR")?).join(format!("{name}.o"));
    let object = object.to_string_lossy().into_owned();
    // As in the release profile, because their instructions are counted; the profile of the guest does not matter.
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
    if name == OUTLINE {
        rename_helpers(Path::new(&object), Path::new(&object))?;
    }
    Ok(object)
}

/// Links the toolchain's own helpers beside those of alt-runtime, under names of the same length.
fn toolchain_helpers() -> io::Result<String> {
    let output = Command::new(variable("RUSTC")?)
        .args(["--print", "target-libdir", "--target", &variable("TARGET")?])
        .output()?;
    let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("libcompiler_builtins") && name.ends_with(".rlib") {
            let renamed = Path::new(&variable("OUT_DIR")?).join("libtoolchain.a");
            rename_helpers(&path, &renamed)?;
            return Ok(renamed.to_string_lossy().into_owned());
        }
    }
    Err(io::Error::other("the target has no compiler_builtins"))
}

/// Copies an object or archive with other names for the helpers.
fn rename_helpers(from: &Path, to: &Path) -> io::Result<()> {
    const OLD: &[u8] = b"__aarch64_";
    const NEW: &[u8] = b"__toolch__";
    let mut bytes = fs::read(from)?;
    for at in 0..bytes.len().saturating_sub(OLD.len()) {
        if bytes[at..].starts_with(OLD) {
            bytes[at..at + NEW.len()].copy_from_slice(NEW);
        }
    }
    fs::write(to, bytes)
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(|why| io::Error::other(format!("{name}: {why}")))
}
