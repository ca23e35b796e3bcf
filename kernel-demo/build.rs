//! Links the kernel by its own script, which includes the fragment of alt-linker.

use std::{env, io};

fn main() -> io::Result<()> {
    alt_linker::provide_scripts()?;
    println!("cargo::rerun-if-changed=kernel.ld");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let dir = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
        println!("cargo::rustc-link-arg=-T{dir}/kernel.ld");
        println!("cargo::rustc-link-arg=-Tdefmt.x");
    }
    Ok(())
}
