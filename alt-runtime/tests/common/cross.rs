//! Compiles for the target of a kernel, from a test on the host.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use qemu_tests::{guest::TARGET, skip};

/// alt-runtime, compiled for the target.
pub struct Cross {
    /// Where cargo put it.
    dir: PathBuf,
}

impl Cross {
    /// Compiles alt-runtime; says that `test` is skipped where the target is
    /// not installed.
    pub fn new(test: &str) -> Option<Self> {
        if !target_is_there() {
            skip::because(&format!(
                "{test}: needs the target {TARGET} (rustup target add {TARGET})"
            ));
            return None;
        }
        // Not the directory of the cargo that runs this test, which may hold a
        // lock on it.
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cross");
        let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(workspace())
            .args(["build", "--quiet", "--package", "alt-runtime"])
            .args(["--release", "--target", TARGET, "--target-dir"])
            .arg(&dir)
            // So that one build serves images with and without LTO. These are
            // flags for the target only.
            .env("RUSTFLAGS", "-Cembed-bitcode=yes")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .status();
        assert!(
            status.expect("cargo runs").success(),
            "alt-runtime must compile for {TARGET}"
        );
        Some(Self { dir })
    }

    /// alt-runtime, as cargo has compiled it.
    pub fn runtime(&self) -> PathBuf {
        self.dir.join(TARGET).join("release/libalt_runtime.rlib")
    }

    /// The proc macros, as cargo has compiled them for the host.
    #[allow(dead_code, reason = "for some of the tests that share this file")]
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
        // Older ones may be left there.
        files.sort_by_key(|path| path.metadata().and_then(|data| data.modified()).ok());
        files.pop().expect("alt-runtime depends on them")
    }

    /// The compiler, told of the target and of alt-runtime.
    pub fn rustc(&self) -> Command {
        let mut command = self.rustc_alone();
        command.arg(format!("--extern=alt_runtime={}", self.runtime().display()));
        command
    }

    /// The compiler, told of the target, which knows alt-runtime only as what a dependency
    /// depends on.
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

/// The root of the repository.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a package is below the root")
}

fn rustc() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

/// Asks rustc, not rustup: a distribution's toolchain may have the target as well.
fn target_is_there() -> bool {
    let output = rustc()
        .args(["--print", "target-libdir", "--target", TARGET])
        .output();
    output.is_ok_and(|output| {
        output.status.success()
            && Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir()
    })
}
