//! A child process that does not outlive its owner.

use std::{
    io,
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
};

/// Kills its process when dropped. On Linux the kernel kills it too when this process ends in a
/// way that drops nothing.
pub(crate) struct Process(Child);

impl Process {
    /// Starts the command; its standard input and output are returned.
    pub(crate) fn spawn(command: &mut Command) -> io::Result<(Self, ChildStdin, ChildStdout)> {
        #[cfg(target_os = "linux")]
        die_with_parent(command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Self(command.spawn()?);
        match (process.0.stdin.take(), process.0.stdout.take()) {
            (Some(input), Some(output)) => Ok((process, input, output)),
            _ => Err(io::Error::other("no pipes to the process")),
        }
    }

    /// Waits for a process that is about to end by itself.
    pub(crate) fn wait(&mut self) -> io::Result<ExitStatus> {
        self.0.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when the process has already been waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The signal follows the *thread* that spawns: correct here, because that thread also waits for
/// the process.
#[cfg(target_os = "linux")]
fn die_with_parent(command: &mut Command) {
    use rustix::process::{Signal, set_parent_process_death_signal};
    use std::os::unix::process::CommandExt;
    // SAFETY: the closure makes one system call and neither allocates nor takes a lock, which is
    // all that a child may do between fork and exec.
    unsafe {
        command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?));
    }
}
