//! Links a position-independent image with the kernel's own script, which does not mention
//! alt-runtime.

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=kernel.ld");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let dir = std::env::var("CARGO_MANIFEST_DIR").map_err(std::io::Error::other)?;
        println!("cargo::rustc-link-arg=-T{dir}/kernel.ld");
        println!("cargo::rustc-link-arg=-pie");
        println!("cargo::rustc-link-arg=--no-dynamic-linker");
        // Constants contain addresses, too, which are relocated before they are mapped read-only.
        println!("cargo::rustc-link-arg=-znotext");
    }
    Ok(())
}
