//! Links with the linker script of aarch64-rt, which does not mention alt-runtime.

fn main() -> std::io::Result<()> {
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let dir = std::env::var("CARGO_MANIFEST_DIR").map_err(std::io::Error::other)?;
        println!("cargo::rustc-link-arg=-Timage.ld");
        println!("cargo::rustc-link-arg=-T{dir}/memory.ld");
    }
    Ok(())
}
