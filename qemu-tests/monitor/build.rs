//! Links the monitor by its own script.

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=monitor.ld");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let dir = std::env::var("CARGO_MANIFEST_DIR").map_err(std::io::Error::other)?;
        println!("cargo::rustc-link-arg-bins=-T{dir}/monitor.ld");
    }
    Ok(())
}
