//! docs/hypervisor.md.

use std::{error::Error, path::Path};

fn build_script(archive: &Path) -> Result<(), Box<dyn Error>> {
    // build.rs: `archive` is the crate for EL2, built by cargo as a staticlib
    let object = alt_linker::partial_link::Link::new("hyp.toml")
        .name("hyp.nvhe")
        .input(archive)
        .link()?;
    println!("cargo::rustc-link-arg={}", object.display());
    Ok(())
}
