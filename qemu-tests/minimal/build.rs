//! Links with a script that has an init region.

fn main() -> std::io::Result<()> {
    alt_linker::provide_scripts()?;
    println!("cargo::rerun-if-changed=minimal.ld");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let dir = std::env::var("CARGO_MANIFEST_DIR").map_err(std::io::Error::other)?;
        println!("cargo::rustc-link-arg=-T{dir}/minimal.ld");
    }
    Ok(())
}
