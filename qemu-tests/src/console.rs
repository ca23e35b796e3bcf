//! Guests that print plain text and switch off.

use crate::{Error, Machine, Qemu, Result, process::Process};
use std::{
    io::Read,
    path::Path,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Boots `kernel` and returns what it prints on the serial line until it switches off.
///
/// # Errors
/// [`Error::QemuExited`] when QEMU exits with an error, [`Error::Hung`] when it does not exit
/// within `timeout`; it is killed then.
pub fn run(qemu: &Qemu, machine: &Machine, kernel: &Path, timeout: Duration) -> Result<String> {
    let mut command = qemu.command();
    command
        .args(machine.to_args())
        .args("-display none -nic none -monitor none -no-reboot -serial stdio".split(' '))
        .arg("-kernel")
        .arg(kernel);
    let deadline = Instant::now() + timeout;
    let (mut process, _input, mut output) =
        Process::spawn(&mut command).map_err(Error::io("starting QEMU"))?;
    let (printed, text) = mpsc::channel();
    // The thread ends when QEMU closes the pipe, at the latest when QEMU is killed.
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let result = output.read_to_end(&mut bytes).map(|_| bytes);
        printed.send(result)
    });
    let rest = deadline.saturating_duration_since(Instant::now());
    let Ok(bytes) = text.recv_timeout(rest) else {
        return Err(Error::Hung {
            after: timeout,
            cpus: Vec::new(),
            log: Vec::new(),
        });
    };
    let bytes = bytes.map_err(Error::io("reading the guest's serial line"))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = process.wait().map_err(Error::io("waiting for QEMU"))?;
    if !status.success() {
        return Err(Error::QemuExited {
            status,
            stderr: text,
            log: Vec::new(),
        });
    }
    Ok(text)
}
