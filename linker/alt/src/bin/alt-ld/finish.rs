//! Finishes the tables of the linked image (`--alt-finish`).

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;

use alt_finish::table::{self, Finish};
use alt_image::image::Image;
use tempfile::NamedTempFile;

/// The argument, which the linker does not see.
pub const FINISH: &str = "--alt-finish";

/// Finishes the image, or removes it, so that no build can use it. Calls of outline atomics are sites
/// already, since the inputs have been rewritten.
pub fn finish(path: &Path) -> Result<(), Box<dyn Error>> {
    let name = path.display();
    let finished = finished(path);
    if finished.is_err() {
        fs::remove_file(path).map_err(|why| format!("{name}: {why}"))?;
    }
    let done = finished.map_err(|why| format!("{name}: removed, {FINISH} failed: {why}"))?;
    eprintln!("alt-ld: {done}");
    Ok(())
}

fn finished(path: &Path) -> Result<Finish, Box<dyn Error>> {
    let image = Image::parse(fs::read(path)?)?;
    let (done, data) = table::finish(&image)?;
    if let Some(data) = data {
        write(path, &data)?;
    }
    Ok(done)
}

/// Replaces a file as a whole, with its permissions.
fn write(path: &Path, data: &[u8]) -> Result<(), Box<dyn Error>> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(data)?;
    file.as_file()
        .set_permissions(fs::metadata(path)?.permissions())?;
    file.persist(path)?;
    Ok(())
}
