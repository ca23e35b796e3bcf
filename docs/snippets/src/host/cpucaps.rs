//! docs/cpucaps.md.

use alt_image::caps::{Caps, ids};
use alt_runtime::cap::CapSet;
use std::error::Error;

fn on_the_host(bytes: &[u8]) -> Result<CapSet, Box<dyn Error>> {
    let caps = Caps::from_section(bytes)?; // or Caps::from_toml(name, text)?
    let machine = ids::builtin("cortex-a76")?; // or ids::read(name, text)?
    let present = caps[0].detect(&machine.ids, "arm64.nolse")?;
    Ok(present)
}
