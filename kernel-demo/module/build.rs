//! Links the module partially: the kernel does the rest when it loads it.

use std::{env, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=module.ld");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let dir = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
        for argument in [
            "--relocatable",
            // Drops what the operations do not need.
            "--gc-sections",
            "--undefined=demo_module",
            &format!("--script={dir}/module.ld"),
        ] {
            println!("cargo::rustc-link-arg-bins={argument}");
        }
    }
    Ok(())
}
