//! Links the kernel by its own script, which includes the fragment of alt-linker; and builds what
//! the kernel carries: a module, and two variants of a hypervisor.

use alt_linker::hyp::Link;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, error, fs, io};

// What is boxed shows as it is: the way to what the hypervisor may not name.
fn main() -> Result<(), Box<dyn error::Error>> {
    alt_linker::provide_scripts()?;
    println!("cargo::rerun-if-changed=kernel.ld");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let dir = variable("CARGO_MANIFEST_DIR")?;
        println!("cargo::rustc-link-arg=-T{dir}/kernel.ld");
        println!("cargo::rustc-link-arg=-Tdefmt.x");
        // What refers to what, for those who check the image.
        println!("cargo::rustc-link-arg=--emit-relocs");
        build_module()?;
        for variant in ["nvhe", "vhe"] {
            build_hypervisor(variant)?;
        }
    }
    Ok(())
}

/// Builds a variant of `hyp/` in the kernel's own profile, as code for another exception level,
/// and adds it to the kernel.
fn build_hypervisor(variant: &str) -> Result<(), Box<dyn error::Error>> {
    const TARGET: &str = "aarch64-unknown-none-softfloat";
    let out_dir = PathBuf::from(variable("OUT_DIR")?);
    let fixed_x18 = env::var_os("CARGO_FEATURE_FIXED_X18").is_some();
    let target_dir = target_dir(&out_dir, if fixed_x18 { "hyp-fixed-x18" } else { "hyp" });
    // OUT_DIR is …/PROFILE/build/PACKAGE/out.
    let folder = out_dir.ancestors().nth(3).and_then(Path::file_name);
    let folder = folder.and_then(|name| name.to_str()).unwrap_or("debug");
    let profile = if folder == "debug" { "dev" } else { folder };
    let mut features = match variant {
        "vhe" => "vhe",
        _ => "image",
    }
    .to_owned();
    let mut command = Command::new(variable("CARGO")?);
    command
        .args(["rustc", "--quiet", "--package", "demo-hyp", "--lib"])
        .args(["--crate-type", "staticlib"])
        .args(["--profile", profile, "--target", TARGET, "--target-dir"])
        .arg(&target_dir)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTC_WORKSPACE_WRAPPER");
    let mut manifest = PathBuf::from("hyp.toml");
    if fixed_x18 {
        // What was compiled with the flag must not be mixed with what was not, so `core` is
        // compiled as well; the variable lets a stable toolchain do so.
        command.arg("-Zbuild-std=core").env("RUSTC_BOOTSTRAP", "1");
        command.env("CARGO_ENCODED_RUSTFLAGS", "-Zfixed-x18");
        features.push_str(",fixed-x18");
        manifest = forbid_x18(&manifest, &out_dir)?;
    }
    if !command.args(["--features", &features]).status()?.success() {
        return Err("demo-hyp does not build; see above".into());
    }
    let built = target_dir.join(TARGET).join(folder);
    // The library is newer than the start of this script, so cargo must not look at it, as it would
    // without a name for the output; what it was made of will do.
    let object = Link::new(manifest)
        .name(&format!("hyp.{variant}"))
        .input(built.join("libdemo_hyp.a"))
        .output(out_dir.join(format!("hyp.{variant}.o")))
        .link()?;
    println!("cargo::rerun-if-changed=hyp.toml");
    println!("cargo::rustc-link-arg={}", object.display());
    Ok(rerun_if_changed(&built.join("libdemo_hyp.d"))?)
}

/// The manifest with the other rule for x18, in a file of its own.
fn forbid_x18(manifest: &Path, out_dir: &Path) -> Result<PathBuf, Box<dyn error::Error>> {
    let text = fs::read_to_string(manifest)?;
    let (before, after) = text
        .split_once("x18 = \"saved\"")
        .ok_or("hyp.toml has no `x18 = \"saved\"`")?;
    let forbidding = out_dir.join("hyp.fixed-x18.toml");
    fs::write(&forbidding, format!("{before}x18 = \"forbidden\"{after}"))?;
    Ok(forbidding)
}

/// Builds `module/` and says in DEMO_MODULE where it is. Cargo itself cannot yet
/// depend on another package's binary.
fn build_module() -> io::Result<()> {
    let (triple, out_dir) = (variable("TARGET")?, variable("OUT_DIR")?);
    let target_dir = target_dir(Path::new(&out_dir), "module");
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

    rerun_if_changed(&module.with_extension("d"))
}

/// Has the build script run again when one of the files changes that something was made of, as
/// cargo says in make's language.
fn rerun_if_changed(made_of: &Path) -> io::Result<()> {
    let made_of = fs::read_to_string(made_of)?;
    let files = made_of.split_once(": ").map_or("", |(_, files)| files);
    for file in files.trim_end().replace("\\ ", "\0").split(' ') {
        println!("cargo::rerun-if-changed={}", file.replace('\0', " "));
    }
    println!("cargo::rerun-if-changed=../Cargo.toml");
    Ok(())
}

/// One for all profiles of the kernel, of what is built for it under this name; not the
/// kernel's own, on which the cargo that runs this holds a lock.
fn target_dir(out_dir: &Path, name: &str) -> PathBuf {
    // OUT_DIR is …/TRIPLE/PROFILE/build/PACKAGE/out.
    let common = out_dir.ancestors().nth(5).unwrap_or(out_dir);
    common.join(name)
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(|why| io::Error::other(format!("{name}: {why}")))
}
