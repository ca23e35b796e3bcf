//! The bytes that alt-runtime adds to a minimal kernel: 73 cpucaps, one site, fat LTO, `opt-level = "s"`.

use super::stack::Stack;
use alt_image::image::Image;
use qemu_tests::Profile;
use std::{error::Error, fmt, fs, path::PathBuf};
use test_support::{TARGET, cargo, target_dir};

const PACKAGE: &str = "minimal-guest";

/// A configuration: its name, the features of the guest, and those of the kernel to compare with.
pub(super) const CONFIGURATIONS: [(&str, &str, &str); 5] = [
    ("raw, without formatting", "raw", ""),
    ("raw, with formatting", "raw,format", "format"),
    (
        "raw, with formatting and names",
        "raw,format,names",
        "format",
    ),
    ("finished, without formatting", "finished", ""),
    ("finished, with formatting", "finished,format", "format"),
];

/// The bytes that a configuration adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) name: String,
    /// Instructions.
    text: u64,
    /// Constants, the table of cpucaps and the records included.
    constants: u64,
    /// The stack of the whole path from the kernel's `main`.
    stack: u64,
    /// The bytes outside of the init region, which remain after boot.
    resident: u64,
}

impl Row {
    /// The numbers in the order of the columns.
    pub(super) fn numbers(&self) -> [u64; 4] {
        [self.text, self.constants, self.stack, self.resident]
    }
}

/// The columns of the table.
pub(super) const HEADING: &str =
    "                                    text  constants   stack   resident";

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [text, constants, stack, resident] = self.numbers();
        write!(
            f,
            "{:<30}{text:>10}{constants:>11}{stack:>8}{resident:>11}",
            self.name
        )
    }
}

/// Links the kernel in each configuration and measures it.
pub(super) fn measure() -> Result<Vec<Row>, Box<dyn Error>> {
    let mut rows = Vec::new();
    for (name, features, base) in CONFIGURATIONS {
        let (image, base) = (open(features)?, open(base)?);
        let depth = Stack::new(&image).of("::kernel::main")?;
        let [text, constants, resident] = {
            let (with, without) = (bytes(&image)?, bytes(&base)?);
            [0, 1, 2].map(|part| with[part].saturating_sub(without[part]))
        };
        rows.push(Row {
            name: name.to_owned(),
            text,
            constants,
            stack: depth.ok_or("the guest has no `main`")?.bytes,
            resident,
        });
    }
    Ok(rows)
}

/// The bytes of an image that are instructions, those that are not, and those of both that stay after
/// boot.
fn bytes(image: &Image) -> Result<[u64; 3], Box<dyn Error>> {
    let init = image.between("__init_start", "__init_end");
    let init = init.ok_or("the guest has no init region")?;
    let (mut text, mut constants, mut resident) = (0, 0, 0);
    for section in image.loaded() {
        let len = image.contents(section).len() as u64;
        match image.is_text(section.range.start) {
            true => text += len,
            false => constants += len,
        }
        if !init.contains(&section.range.start) {
            resident += len;
        }
    }
    Ok([text, constants, resident])
}

fn open(features: &str) -> Result<Image, Box<dyn Error>> {
    Ok(Image::parse(fs::read(build(features)?)?)?)
}

/// Builds the guest with these features, in a folder of its own: cargo replaces the binary of other
/// features.
pub(super) fn build(features: &str) -> Result<PathBuf, Box<dyn Error>> {
    let folder = target_dir().join("guest/sizes");
    let mut command = cargo();
    command
        .args(["build", "--quiet", "--package", PACKAGE, "--bin", PACKAGE])
        .args(["--release", "--target", TARGET])
        .args(["--features", features, "--target-dir"])
        .arg(&folder)
        .envs(Profile::FatLto.settings().iter().copied())
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s");
    if !command.status()?.success() {
        return Err(format!("{PACKAGE} with the features {features:?} does not compile").into());
    }
    Ok(folder.join(TARGET).join("release").join(PACKAGE))
}
