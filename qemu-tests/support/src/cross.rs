//! Compiles for the target of kernels, from a test on the host.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{TARGET, cargo, rustc, skip, target_dir};

/// alt-runtime, compiled for the target.
pub struct Cross {
    /// The target directory of that build.
    dir: PathBuf,
}

impl Cross {
    /// Compiles alt-runtime. Reports that `test` is skipped, and returns `None`, where the target
    /// is not installed.
    ///
    /// # Panics
    /// If alt-runtime does not compile.
    pub fn new(test: &str) -> Option<Self> {
        if skip::without_target(test) {
            return None;
        }
        // Not the directory of the cargo that runs this test, which may hold a lock on it.
        let dir = target_dir().join("tmp/cross");
        let status = cargo()
            .args(["build", "--quiet", "--package", "alt-runtime"])
            .args(["--release", "--target", TARGET, "--target-dir"])
            .arg(&dir)
            // One build serves images with and without LTO. With `--target`, cargo passes these
            // flags to crates for the target only.
            .env("RUSTFLAGS", "-Cembed-bitcode=yes")
            .status();
        assert!(
            status.expect("cargo runs").success(),
            "alt-runtime must compile for {TARGET}"
        );
        Some(Self { dir })
    }

    /// The compiled alt-runtime.
    pub fn runtime(&self) -> PathBuf {
        self.dir.join(TARGET).join("release/libalt_runtime.rlib")
    }

    /// The proc macros, compiled for the host.
    ///
    /// # Panics
    /// If the directory of the build cannot be read.
    pub fn macros(&self) -> PathBuf {
        let deps = self.dir.join("release/deps");
        let files = deps.read_dir().expect("cargo has built there");
        let mut files: Vec<_> = files
            .map(|file| file.expect("the folder can be read").path())
            .filter(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                name.starts_with("libalt_macros-") && path.extension() != Some("d".as_ref())
            })
            .collect();
        // Those of earlier builds stay there; take the newest.
        files.sort_by_key(|path| path.metadata().and_then(|data| data.modified()).ok());
        files.pop().expect("alt-runtime depends on them")
    }

    /// rustc for the target, with alt-runtime as an extern crate.
    pub fn rustc(&self) -> Command {
        let mut command = self.rustc_alone();
        command.arg(format!("--extern=alt_runtime={}", self.runtime().display()));
        command
    }

    /// rustc for the target, with alt-runtime as a dependency of extern crates only.
    pub fn rustc_alone(&self) -> Command {
        let target = self.dir.join(TARGET).join("release");
        let dependency = |dir: &Path| format!("-Ldependency={}", dir.join("deps").display());
        let mut command = rustc();
        command
            .args(["--edition", "2024", "--target", TARGET])
            .arg(dependency(&target))
            .arg(dependency(&self.dir.join("release")));
        command
    }
}
