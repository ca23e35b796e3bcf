//! Guests that print plain text on the serial port instead of `defmt` frames.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::{Profile, Qemu, guest};

/// Builds a guest, boots it on a CPU model, and returns what it prints until it switches off.
///
/// # Panics
/// If the guest does not build or QEMU does not start.
pub fn printed(package: &str, cpu: &str) -> String {
    boot(&guest::build(package, Profile::Release).unwrap(), cpu)
}

/// Boots a kernel on a CPU model and returns what it prints until it switches off, or until it is
/// stopped after a minute.
///
/// # Panics
/// If QEMU does not start, or the output is not UTF-8.
pub fn boot(kernel: &Path, cpu: &str) -> String {
    let mut qemu = Command::new(Qemu::binary_name())
        .args([
            "-machine", "virt", "-display", "none", "-nic", "none", "-monitor", "none",
        ])
        .args(
            std::env::var("QEMU_ARGS")
                .unwrap_or_default()
                .split_whitespace(),
        )
        .args(["-serial", "stdio", "-cpu", cpu, "-kernel"])
        .arg(kernel)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while qemu.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            qemu.kill().unwrap();
        }
        sleep(Duration::from_millis(20));
    }
    let mut text = String::new();
    qemu.stdout
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    text
}
