//! Links with a script that keeps the unwind tables; that of aarch64-rt discards them.

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=image.ld");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let dir = std::env::var("CARGO_MANIFEST_DIR").map_err(std::io::Error::other)?;
        println!("cargo::rustc-link-arg=-T{dir}/image.ld");
    }
    Ok(())
}
