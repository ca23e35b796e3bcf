//! Links the kernel by its own script, which includes the fragment of alt-linker; and
//! builds the module that the kernel embeds.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    alt_linker::provide_scripts()?;
    println!("cargo::rerun-if-changed=kernel.ld");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let dir = variable("CARGO_MANIFEST_DIR")?;
        println!("cargo::rustc-link-arg=-T{dir}/kernel.ld");
        println!("cargo::rustc-link-arg=-Tdefmt.x");
        // What refers to what, for those who check the image.
        println!("cargo::rustc-link-arg=--emit-relocs");
        build_module()?;
    }
    Ok(())
}

/// Builds `module/` and says in DEMO_MODULE where it is. Cargo itself cannot yet
/// depend on another package's binary.
fn build_module() -> io::Result<()> {
    let (triple, out_dir) = (variable("TARGET")?, variable("OUT_DIR")?);
    let target_dir = target_dir(Path::new(&out_dir));
    let status = Command::new(variable("CARGO")?)
        .args(["build", "--quiet", "--package", "demo-module"])
        .args(["--bin", "demo-module", "--profile", "module"])
        .args(["--target", &triple, "--target-dir"])
        .arg(&target_dir)
        // These are for the kernel, or for what clippy looks at.
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .status()?;
    if !status.success() {
        return Err(io::Error::other("demo-module does not build; see above"));
    }
    let module = target_dir.join(triple).join("module").join("demo-module");
    println!("cargo::rustc-env=DEMO_MODULE={}", module.display());

    // What it was made of, as cargo says in make's language.
    let made_of = fs::read_to_string(module.with_extension("d"))?;
    let files = made_of.split_once(": ").map_or("", |(_, files)| files);
    for file in files.trim_end().replace("\\ ", "\0").split(' ') {
        println!("cargo::rerun-if-changed={}", file.replace('\0', " "));
    }
    println!("cargo::rerun-if-changed=../Cargo.toml");
    Ok(())
}

/// One for all profiles of the kernel, since the module is the same in all; not the
/// kernel's own, on which the cargo that runs this holds a lock.
fn target_dir(out_dir: &Path) -> PathBuf {
    // OUT_DIR is …/TRIPLE/PROFILE/build/PACKAGE/out.
    let common = out_dir.ancestors().nth(5).unwrap_or(out_dir);
    common.join("module")
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(|why| io::Error::other(format!("{name}: {why}")))
}
