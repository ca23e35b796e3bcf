//! Files that QEMU's device `guest-loader` puts into the guest's memory and names in its device tree.

use crate::{Error, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where the first file begins: above the image and the memory for loaded payloads, below the monitor.
const FIRST: u64 = 0x4800_0000;

/// Files begin on multiples of this.
const ALIGN: u64 = 0x20_0000;

/// The arguments for these files, in ascending order of their addresses.
pub(super) fn arguments(files: &[PathBuf]) -> Result<Vec<String>> {
    let mut address = FIRST;
    let mut arguments = Vec::new();
    for file in files {
        let size = fs::metadata(file).map_err(unreadable(file))?.len();
        // A comma in a name is written twice.
        let name = file.display().to_string().replace(',', ",,");
        arguments.push("-device".into());
        arguments.push(format!("guest-loader,addr={address:#x},initrd={name}"));
        address += size.next_multiple_of(ALIGN).max(ALIGN);
    }
    Ok(arguments)
}

/// The contents of the files.
pub(super) fn read(files: &[PathBuf]) -> Result<Vec<Vec<u8>>> {
    let read = |file: &PathBuf| fs::read(file).map_err(unreadable(file));
    files.iter().map(read).collect()
}

fn unreadable(file: &Path) -> impl FnOnce(std::io::Error) -> Error {
    Error::io(format!("reading {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_do_not_overlap_and_keep_their_order() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = |name: &str, size: usize| {
            let path = folder.path().join(name);
            fs::write(&path, vec![0; size]).unwrap();
            path
        };
        let files = [file("b", 0), file("a,1", 0x20_0001), file("c", 1)];
        let arguments = arguments(&files).unwrap();
        let devices: Vec<_> = arguments.iter().skip(1).step_by(2).collect();
        assert!(devices[0].starts_with("guest-loader,addr=0x48000000,initrd="));
        assert!(devices[1].starts_with("guest-loader,addr=0x48200000,initrd="));
        assert!(devices[1].ends_with("a,,1"));
        assert!(devices[2].starts_with("guest-loader,addr=0x48600000,initrd="));
        assert!(super::arguments(&[folder.path().join("none")]).is_err());
    }
}
