//! The linkers that tests use: rust-lld always, GNU ld where it is installed.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::{skip, toolchain};

/// The program name of GNU ld for arm64.
pub const GNU_LD: &str = "aarch64-linux-gnu-ld";

/// A linker for the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Linker {
    /// rust-lld of the toolchain.
    Lld,
    /// GNU ld.
    Gnu,
}

impl Linker {
    /// The installed linkers. Reports that `test` is skipped for GNU ld where that is missing.
    pub fn installed(test: &str) -> &'static [Self] {
        match skip::without_binutils(test, GNU_LD) {
            true => &[Self::Lld],
            false => &[Self::Lld, Self::Gnu],
        }
    }

    /// The linker as a command of its own.
    ///
    /// # Panics
    /// As [`rust_lld`].
    pub fn command(self) -> Command {
        match self {
            Self::Lld => {
                let mut command = Command::new(rust_lld());
                command.args(["-flavor", "gnu"]);
                command
            }
            Self::Gnu => Command::new(GNU_LD),
        }
    }

    /// Makes rustc link with it; rust-lld is the default of the target.
    pub fn select(self, rustc: &mut Command) {
        if self == Self::Gnu {
            rustc.args([&format!("-Clinker={GNU_LD}"), "-Clinker-flavor=ld"]);
        }
    }
}

/// The path of the toolchain's rust-lld.
///
/// # Panics
/// If rustc does not run.
pub fn rust_lld() -> PathBuf {
    let libraries = toolchain::print("target-libdir", &[]).expect("rustc runs");
    libraries
        .with_file_name("bin")
        .join(format!("rust-lld{}", env::consts::EXE_SUFFIX))
}
