//! A finished image: the same sites, the same words, on CPUs with few and with many cpucaps.

use qemu_tests::{Image, Profile};
use tempfile::TempDir;

use crate::machines::TestMachine;
use crate::{Result, kernel, words};

pub const CPUS: [&str; 3] = ["cortex-a53", "cortex-a76", "max"];

/// Finishes the image in place and boots it. What its memory must hold is what that of the raw image
/// must hold, and what `alt apply` makes of the finished one.
pub fn is_as_raw(cpu: &str) -> Result<()> {
    let raw = kernel(Profile::Release)?;
    let image = alt_image::image::Image::parse(raw.file().to_vec())?;
    let finished = alt_finish::finish(image, "kernel-demo")?;
    if !matches!(finished.table, alt_finish::table::Finish::Finished(_)) {
        return Err(format!("the image stays raw: {:?}", finished.table).into());
    }
    let dir = TempDir::new()?;
    let path = dir.path().join("kernel-demo");
    std::fs::write(&path, finished.data)?;
    let finished = Image::open(&path)?;
    words::judge(&finished, &raw, &TestMachine::new(cpu), &mut Vec::new())?;
    Ok(())
}
