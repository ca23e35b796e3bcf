//! What alt-runtime adds to a minimal kernel: 73 cpucaps, one site, fat LTO, `opt-level = "s"`.

use super::stack::Stack;
use alt_image::image::Image;
use qemu_tests::Profile;
use std::{error::Error, fmt, fs, path::PathBuf};
use test_support::{TARGET, cargo, target_dir};

const PACKAGE: &str = "minimal-guest";

/// A configuration: its name, the features of the guest, and those of the kernel to compare with.
const CONFIGURATIONS: [(&str, &str, &str); 5] = [
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
    pub(super) text: u64,
    /// Constants, the table of cpucaps and the records included.
    pub(super) rodata: u64,
    /// Of the rest, what a fragment places in the init region.
    pub(super) freed: u64,
    /// The stack of the whole path from the kernel's `main`.
    pub(super) stack: u64,
}

impl Row {
    /// What stays after boot.
    pub(super) fn resident(&self) -> u64 {
        self.text + self.rodata - self.freed
    }

    /// The numbers in the order of the columns.
    pub(super) fn numbers(&self) -> [u64; 4] {
        [self.text, self.rodata, self.stack, self.resident()]
    }
}

/// The columns of the table.
pub(super) const HEADING: &str =
    "                                    text  constants   stack   resident";

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [text, rodata, stack, resident] = self.numbers();
        write!(
            f,
            "{:<30}{text:>10}{rodata:>11}{stack:>8}{resident:>11}",
            self.name
        )
    }
}

/// Links the kernel in each configuration and measures it.
pub(super) fn measure() -> Result<Vec<Row>, Box<dyn Error>> {
    let mut rows = Vec::new();
    for (name, features, base) in CONFIGURATIONS {
        let (image, base) = (open(features)?, open(base)?);
        let added = |is: fn(&str) -> bool| bytes(&image, is).saturating_sub(bytes(&base, is));
        let depth = Stack::new(&image).of("::kernel::main")?;
        rows.push(Row {
            name: name.to_owned(),
            text: added(is_text),
            rodata: added(is_constant),
            freed: bytes(&image, is_table),
            stack: depth.ok_or("the guest has no `main`")?.bytes,
        });
    }
    Ok(rows)
}

fn is_text(section: &str) -> bool {
    section == ".text" || section == ".init"
}

fn is_constant(section: &str) -> bool {
    section == ".rodata" || section == ".data" || is_table(section)
}

/// The sections that the fragments place in the init region.
fn is_table(section: &str) -> bool {
    ["alt_branches", "alt_records", "alt_replacements"].contains(&section)
}

fn bytes(image: &Image, is: fn(&str) -> bool) -> u64 {
    let sections = image.loaded().filter(|section| is(&section.name));
    sections
        .map(|section| section.range.end - section.range.start)
        .sum()
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
