//! Links the module partially (`-r`): the kernel applies the relocations when it loads it.

use std::{env, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=module.ld");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let dir = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
        for argument in [
            "--relocatable",
            // Drops everything that the operations do not use.
            "--gc-sections",
            "--undefined=demo_module",
            &format!("--script={dir}/module.ld"),
        ] {
            println!("cargo::rustc-link-arg-bins={argument}");
        }
    }
    Ok(())
}
