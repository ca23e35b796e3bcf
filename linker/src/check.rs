//! An image checked from a build script.

use std::path::Path;

use crate::loaded::{LoadError, Loaded};
use crate::patching::HostError;
use crate::verify::{Finding, Severity, Subject, verify};

/// Why an image must not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// It cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It has nothing that could be patched.
    #[error(transparent)]
    Host(#[from] HostError),
    /// Rules are broken. How many; cargo has been told which.
    #[error("{path}: {errors} errors; see above, or run `alt verify {path}`")]
    Findings {
        /// The image.
        path: String,
        /// Findings that are errors.
        errors: usize,
    },
}

/// Checks the image at `path` by all rules, as `alt verify` does; to be called from the build
/// script of what packs, embeds or boots it. Cargo shows each finding as a warning or an error of
/// the build, and builds again when the image changes.
///
/// ```no_run
/// // build.rs
/// # fn kernel() -> std::path::PathBuf { unimplemented!() }
/// fn main() -> Result<(), alt_linker::CheckError> {
///     let image = kernel(); // the path of the linked ELF file
///     alt_linker::check_image(image)
/// }
/// ```
///
/// # Errors
/// The image cannot be read, or a rule is broken that makes it unfit to boot.
pub fn check_image(path: impl AsRef<Path>) -> Result<(), CheckError> {
    let path = path.as_ref();
    println!("cargo::rerun-if-changed={}", path.display());
    let loaded = Loaded::open(path, None, &[])?;
    let subject = Subject::new(&loaded.image, &loaded.records, &loaded.names)?;
    let findings = verify(&subject);
    for finding in &findings {
        tell_cargo(path, finding);
    }
    let is_error = |finding: &&Finding| finding.severity == Severity::Error;
    match findings.iter().filter(is_error).count() {
        0 => Ok(()),
        errors => Err(CheckError::Findings {
            path: path.display().to_string(),
            errors,
        }),
    }
}

fn tell_cargo(path: &Path, finding: &Finding) {
    let level = match finding.severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let place = match &finding.symbol {
        Some(symbol) => format!("{symbol} ({:#x})", finding.address),
        None => format!("{:#x}", finding.address),
    };
    // Cargo takes one line each.
    println!(
        "cargo::{level}={}: {place}: [{}] {}; {}",
        path.display(),
        finding.rule,
        finding.explanation.replace('\n', " "),
        finding.advice,
    );
}
