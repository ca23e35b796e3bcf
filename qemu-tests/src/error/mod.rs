//! Everything that can keep a guest from running to its end.

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

/// Why a guest could not be built, started, followed to its end or looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The QEMU binary cannot be executed.
    #[error(
        "cannot run `{binary}`: {source}; install QEMU for arm64 (`cargo xtask demo` does it on \
         Debian and Ubuntu), or set QEMU to the path of qemu-system-aarch64"
    )]
    NoQemu {
        /// What was executed.
        binary: String,
        /// What the system says.
        source: io::Error,
    },
    /// The binary does not answer `--version` and `-cpu help` as QEMU does.
    #[error("`{binary}` is not a QEMU that can be used: {problem}; check the variable QEMU")]
    NotQemu {
        /// What was executed.
        binary: String,
        /// What it answered.
        problem: String,
    },
    /// QEMU ended by itself: wrong arguments, a crash, or the guest left by semihosting.
    #[error("QEMU ended by itself ({status}){}{}", after(stderr), tail(log))]
    QemuExited {
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to its standard error.
        stderr: String,
        /// What the guest had logged until then.
        log: Vec<LogLine>,
    },
    /// The guest stopped in another way than PSCI `SYSTEM_OFF`.
    #[error("the guest did not switch off but ended by `{reason}`{}", tail(log))]
    GuestStopped {
        /// QEMU's name for the reason, such as `guest-reset`.
        reason: String,
        /// What the guest had logged until then.
        log: Vec<LogLine>,
    },
    /// The guest did not end in time; QEMU was killed.
    #[error(
        "the guest did not end within {after:?}; its CPUs are at: {}{}",
        if cpus.is_empty() { "unknown".into() } else { cpus.join(", ") },
        tail(log)
    )]
    Hung {
        /// How long it was given, wall time.
        after: Duration,
        /// Where each CPU was, by symbol.
        cpus: Vec<String>,
        /// What the guest had logged until then.
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
    /// A record table is not a whole number of records, or a record points nowhere.
    #[error("section {section}, record {index}: {problem}")]
    Record {
        /// The section the record is in.
        section: &'static str,
        /// Counted from 0.
        index: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// `cargo build` of a guest failed; cargo has said why on standard error.
    #[error("cargo could not build {package} (profile {profile}): {problem}")]
    Build {
        /// The guest's package.
        package: String,
        /// The cargo profile.
        profile: Profile,
        /// How cargo ended, or what it did not deliver.
        problem: String,
    },
    /// An example ran to its end, and not as it must.
    #[error("{package}: {problem}")]
    Example {
        /// Its package.
        package: &'static str,
        /// What is wrong, and what it printed.
        problem: String,
    },
    /// The monitor at EL2 could not do its work.
    #[error("the monitor at EL2: {problem}")]
    Monitor {
        /// What is in its way.
        problem: String,
    },
    /// A mutant could not be made.
    #[error(transparent)]
    Mutant(#[from] MutantError),
    /// The QEMU at hand cannot load the coherence plugin.
    #[error("QEMU {version} cannot load the coherence plugin: {problem}")]
    NoPlugin {
        /// Its version.
        version: Version,
        /// Why not.
        problem: String,
    },
    /// The coherence plugin did not see all that it must, or its report is damaged.
    #[error("the coherence plugin: {problem}")]
    Coherence {
        /// What was in its way.
        problem: String,
    },
    /// A file or process operation of the host failed.
    #[error("{what}: {source}")]
    Io {
        /// What was attempted.
        what: String,
        /// What the system says.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: an [`Error::Io`] that says what was attempted.
    pub(crate) fn io(what: impl fmt::Display) -> impl FnOnce(io::Error) -> Self {
        let what = what.to_string();
        move |source| Self::Io { what, source }
    }

    /// What the guest had logged when it failed; empty when it never ran.
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
