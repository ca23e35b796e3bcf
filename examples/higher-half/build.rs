//! Links with the kernel's own script, which does not mention alt-runtime.

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=kernel.ld");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let dir = std::env::var("CARGO_MANIFEST_DIR").map_err(std::io::Error::other)?;
        println!("cargo::rustc-link-arg=-T{dir}/kernel.ld");
    }
    Ok(())
}
