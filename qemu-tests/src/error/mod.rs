//! Errors of running a guest.

mod mutant;

use crate::{
    log_line::{LogLine, tail},
    profile::Profile,
    version::Version,
};
use std::{fmt, io, path::PathBuf, process::ExitStatus, time::Duration};

pub use mutant::MutantError;

/// Result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a guest could not be built, started, run to its end or inspected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The QEMU binary cannot be executed.
    #[error(
        "cannot run `{binary}`: {source}; install QEMU for arm64 (`cargo xtask demo` does it on \
         Debian and Ubuntu), or set QEMU to the path of qemu-system-aarch64"
    )]
    NoQemu {
        /// The program that was executed.
        binary: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The binary does not answer `--version` and `-cpu help` as QEMU does.
    #[error("`{binary}` is not a QEMU that can be used: {problem}; check the variable QEMU")]
    NotQemu {
        /// The program that was executed.
        binary: String,
        /// What is wrong with its answer.
        problem: String,
    },
    /// A file is not a livepatch payload.
    #[error("{} is not a livepatch payload", path.display())]
    Payload {
        /// Its path.
        path: PathBuf,
    },
    /// QEMU exited: wrong arguments, a crash, or an exit of the guest by semihosting.
    #[error("QEMU exited ({status}){}{}", after(stderr), tail(log))]
    QemuExited {
        /// Its exit status.
        status: ExitStatus,
        /// Its standard error.
        stderr: String,
        /// The log of the guest until then.
        log: Vec<LogLine>,
    },
    /// The guest stopped in another way than PSCI `SYSTEM_OFF`.
    #[error("the guest did not switch off but ended by `{reason}`{}", tail(log))]
    GuestStopped {
        /// QEMU's name for the reason, such as `guest-reset`.
        reason: String,
        /// The log of the guest until then.
        log: Vec<LogLine>,
    },
    /// The guest did not end in time; QEMU was killed.
    #[error(
        "the guest did not end within {after:?}; its CPUs are at: {}{}",
        if cpus.is_empty() { "unknown".into() } else { cpus.join(", ") },
        tail(log)
    )]
    Hung {
        /// The time limit, in wall time.
        after: Duration,
        /// The address of each CPU, by symbol.
        cpus: Vec<String>,
        /// The log of the guest until then.
        log: Vec<LogLine>,
    },
    /// QEMU refused a command or did not answer as its protocol (QMP) says.
    #[error("QMP `{command}`: {problem}")]
    Qmp {
        /// The command sent.
        command: String,
        /// The error it returned, or what was wrong with the answer.
        problem: String,
    },
    /// The image cannot be read, or lacks a symbol that the harness requires.
    #[error(transparent)]
    Image(#[from] test_support::ImageError),
    /// The defmt data of the image cannot be decoded.
    #[error("{path}: {problem}", path = path.display())]
    Log {
        /// The file of the image.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Memory was asked for that was not captured.
    #[error(
        "{length} bytes at {address:#x} were not captured; add the range with `Launch::capture`"
    )]
    NotCaptured {
        /// Guest physical address.
        address: u64,
        /// In bytes.
        length: usize,
    },
    /// The size of a record table is not a multiple of a record's, or a record has an invalid
    /// address.
    #[error("section {section}, record {index}: {problem}")]
    Record {
        /// The section the record is in.
        section: &'static str,
        /// Counted from 0.
        index: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// `cargo build` of a guest failed; cargo has printed the reason on standard error.
    #[error("cargo could not build {package} (profile {profile}): {problem}")]
    Build {
        /// The guest's package.
        package: String,
        /// The cargo profile.
        profile: Profile,
        /// Cargo's exit status, or the file that is missing.
        problem: String,
    },
    /// An example ran to its end with a wrong result.
    #[error("{package}: {problem}")]
    Example {
        /// Its package.
        package: &'static str,
        /// What is wrong, and the output of the example.
        problem: String,
    },
    /// The monitor at EL2 failed.
    #[error("the monitor at EL2: {problem}")]
    Monitor {
        /// The reason.
        problem: String,
    },
    /// A mutant could not be made.
    #[error(transparent)]
    Mutant(#[from] MutantError),
    /// The installed QEMU cannot load the coherence plugin.
    #[error("QEMU {version} cannot load the coherence plugin: {problem}")]
    NoPlugin {
        /// Its version.
        version: Version,
        /// The reason.
        problem: String,
    },
    /// The coherence plugin missed events, or its report is damaged.
    #[error("the coherence plugin: {problem}")]
    Coherence {
        /// The reason.
        problem: String,
    },
    /// A file or process operation of the host failed.
    #[error("{what}: {source}")]
    Io {
        /// The operation that failed.
        what: String,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: an [`Error::Io`] that names the operation.
    pub(crate) fn io(what: impl fmt::Display) -> impl FnOnce(io::Error) -> Self {
        let what = what.to_string();
        move |source| Self::Io { what, source }
    }

    /// The log of the guest when it failed; empty if it never ran.
    pub fn log(&self) -> &[LogLine] {
        match self {
            Self::QemuExited { log, .. }
            | Self::GuestStopped { log, .. }
            | Self::Hung { log, .. } => log,
            _ => &[],
        }
    }
}

fn after(stderr: &str) -> String {
    match stderr.trim() {
        "" => String::new(),
        text => format!(": {text}"),
    }
}
