//! Links the kernel with its own script, which includes the fragment of alt-linker, and builds the
//! other contents of the image: a module, and two variants of a hypervisor.

use alt_linker::partial_link::Link;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, error, fs, io};

// `Link::link` reports symbols that the hypervisor must not refer to, and cargo prints the error.
fn main() -> Result<(), Box<dyn error::Error>> {
    alt_linker::provide_scripts()?;
    println!("cargo::rerun-if-changed=kernel.ld");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let dir = variable("CARGO_MANIFEST_DIR")?;
        println!("cargo::rustc-link-arg=-T{dir}/kernel.ld");
        println!("cargo::rustc-link-arg=-Tdefmt.x");
        // Keeps the relocations, for `alt verify` and for tests that examine the image.
        println!("cargo::rustc-link-arg=--emit-relocs");
        // Payloads name the image by it.
        println!("cargo::rustc-link-arg=--build-id=sha1");
        build_module()?;
        for variant in ["nvhe", "vhe"] {
            build_hypervisor(variant)?;
        }
    }
    Ok(())
}

/// The flag of rustc by which atomics are calls, which alt-ld makes sites.
const OUTLINE_ATOMICS: &str = "-Ctarget-feature=+outline-atomics";

/// Builds a variant of `hyp/` in the kernel's profile, links it as a namespace of its own, and adds
/// the object to the kernel.
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
        .env_remove("RUSTC_WORKSPACE_WRAPPER");
    let mut manifest = PathBuf::from("hyp.toml");
    // Its atomics are as those of the kernel, which has another target.
    let mut flags = Vec::new();
    if env::var("CARGO_ENCODED_RUSTFLAGS").is_ok_and(|flags| flags.contains(OUTLINE_ATOMICS)) {
        flags.push(OUTLINE_ATOMICS);
    }
    if fixed_x18 {
        // Code compiled with the flag must not be mixed with code compiled without it, so `core` is
        // built, too. The variable permits that on a stable toolchain.
        command.arg("-Zbuild-std=core").env("RUSTC_BOOTSTRAP", "1");
        flags.push("-Zfixed-x18");
        features.push_str(",fixed-x18");
        manifest = forbid_x18(&manifest, &out_dir)?;
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    if !command.args(["--features", &features]).status()?.success() {
        return Err("demo-hyp does not build; see above".into());
    }
    let built = target_dir.join(TARGET).join(folder);
    // With `output`, `Link` does not print `rerun-if-changed` for the library, which is newer than
    // the start of this script; `rerun_if_changed` names its sources.
    let object = Link::new(manifest)
        .name(&format!("hyp.{variant}"))
        .input(built.join("libdemo_hyp.a"))
        .output(out_dir.join(format!("hyp.{variant}.o")))
        .link()?;
    println!("cargo::rerun-if-changed=hyp.toml");
    println!("cargo::rustc-link-arg={}", object.display());
    Ok(rerun_if_changed(&built.join("libdemo_hyp.d"))?)
}

/// Writes the manifest with `x18 = "forbidden"` to a file of its own.
fn forbid_x18(manifest: &Path, out_dir: &Path) -> Result<PathBuf, Box<dyn error::Error>> {
    let text = fs::read_to_string(manifest)?;
    let (before, after) = text
        .split_once("x18 = \"saved\"")
        .ok_or("hyp.toml has no `x18 = \"saved\"`")?;
    let forbidding = out_dir.join("hyp.fixed-x18.toml");
    fs::write(&forbidding, format!("{before}x18 = \"forbidden\"{after}"))?;
    Ok(forbidding)
}

/// Builds `module/` and sets DEMO_MODULE to its path. Stable cargo has no dependencies on binaries of
/// other packages.
fn build_module() -> io::Result<()> {
    let (triple, out_dir) = (variable("TARGET")?, variable("OUT_DIR")?);
    let target_dir = target_dir(Path::new(&out_dir), "module");
    let status = Command::new(variable("CARGO")?)
        .args(["build", "--quiet", "--package", "demo-module"])
        .args(["--bin", "demo-module", "--profile", "module"])
        .args(["--target", &triple, "--target-dir"])
        .arg(&target_dir)
        // These are meant for the kernel, or for a run of clippy.
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

/// Makes cargo run this script again when one of the sources in a `.d` file, in make's syntax,
/// changes.
fn rerun_if_changed(depfile: &Path) -> io::Result<()> {
    let text = fs::read_to_string(depfile)?;
    let files = text.split_once(": ").map_or("", |(_, files)| files);
    for file in files.trim_end().replace("\\ ", "\0").split(' ') {
        println!("cargo::rerun-if-changed={}", file.replace('\0', " "));
    }
    println!("cargo::rerun-if-changed=../Cargo.toml");
    Ok(())
}

/// The target directory `name`, for all profiles of the kernel. It is not the kernel's own, which the
/// cargo that runs this script has locked.
fn target_dir(out_dir: &Path, name: &str) -> PathBuf {
    // OUT_DIR is …/TRIPLE/PROFILE/build/PACKAGE/out.
    let common = out_dir.ancestors().nth(5).unwrap_or(out_dir);
    common.join(name)
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(|why| io::Error::other(format!("{name}: {why}")))
}
