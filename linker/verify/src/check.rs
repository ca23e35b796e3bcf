//! Checking an image in a build script.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use alt_diagnostic::{Diagnostic, Severity};
use alt_image::load::{LoadError, Loaded, io_error};
use alt_image::patching::HostError;
use alt_linker::namespace::SECTION;

use crate::config::{Config, ConfigError};
use crate::context::Context;
use crate::verify;

/// The image must not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// It cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It cannot be given to the patcher.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The rules file has mistakes.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Rules are broken; cargo shows the findings.
    #[error("{path}: {errors} errors; see above, or run `alt verify {path}`")]
    Findings {
        /// The image.
        path: String,
        /// The number of findings that are errors.
        errors: usize,
    },
}

/// Checks the image at `path` by all rules, like `alt verify`. To be called from the build script of
/// a package that packs, embeds or boots the image. Cargo shows each finding as a warning or an
/// error of the build, and runs the script again when the image changes.
///
/// ```no_run
/// // build.rs
/// # fn kernel() -> std::path::PathBuf { "kernel".into() }
/// fn main() -> Result<(), alt_verify::CheckError> {
///     let image = kernel(); // the path of the linked ELF file
///     alt_verify::check_image(image)
/// }
/// ```
///
/// # Errors
/// The image cannot be read, or a rule is broken that makes it unfit to boot.
pub fn check_image(path: impl AsRef<Path>) -> Result<(), CheckError> {
    check(path.as_ref(), None)
}

/// Checks the image at `path` by all rules and a rules file, like `alt verify --rules`; see
/// docs/verify.md.
///
/// # Errors
/// As for [`check_image`]; or the rules file cannot be read or has mistakes.
pub fn check_image_by(path: impl AsRef<Path>, rules: impl AsRef<Path>) -> Result<(), CheckError> {
    check(path.as_ref(), Some(rules.as_ref()))
}

fn check(path: &Path, rules: Option<&Path>) -> Result<(), CheckError> {
    for file in [Some(path), rules].into_iter().flatten() {
        println!("cargo::rerun-if-changed={}", file.display());
    }
    let loaded = Loaded::open_any(path, None, &[])?;
    // By a rules file, or by the manifests of namespaces, an image without sites is checked too.
    let linked = loaded.image.relocatable().is_none();
    if rules.is_none() && !(linked && loaded.image.section(SECTION).is_some()) {
        loaded.require_records(path)?;
    }
    let mut context = Context::of(&loaded)?;
    if let Some(rules) = rules {
        let text = fs::read_to_string(rules).map_err(io_error(rules))?;
        let name = rules.display().to_string();
        context = context.with_config(Config::from_toml(&name, &text, &loaded.image)?);
    }
    let findings = verify(&context);
    let errors = tell_cargo(&mut io::stdout(), path, &findings);
    match errors.map_err(io_error(path))? {
        0 => Ok(()),
        errors => Err(CheckError::Findings {
            path: path.display().to_string(),
            errors,
        }),
    }
}

/// Writes a line for each finding in the syntax of cargo; returns the number of errors.
fn tell_cargo(out: &mut impl Write, path: &Path, findings: &[Diagnostic]) -> io::Result<usize> {
    for finding in findings {
        // Cargo knows no notes.
        let level = finding.severity.max(Severity::Warning);
        let address = finding.address().unwrap_or_default();
        let place = match finding.symbol() {
            Some(symbol) => format!("{symbol} ({address:#x})"),
            None => format!("{address:#x}"),
        };
        let text = format!(
            "{}: {place}: [{}] {}; {}",
            path.display(),
            finding.rule,
            finding.message,
            finding.help,
        );
        // A message for cargo is one line.
        writeln!(out, "cargo::{level}={}", text.replace('\n', " "))?;
    }
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    Ok(errors.count())
}

#[cfg(test)]
mod tests {
    use alt_diagnostic::Location;

    use super::*;

    #[test]
    fn cargo_is_told_in_one_line_each() {
        let finding = |severity, symbol: Option<&str>| Diagnostic {
            location: Some(Location::Image {
                address: 0x4020_0010,
                symbol: symbol.map(String::from),
            }),
            help: "do this".into(),
            ..Diagnostic::new("a-rule", severity, "in two\nlines")
        };
        let findings = [
            finding(Severity::Error, Some("memcpy+0x10")),
            finding(Severity::Warning, None),
            finding(Severity::Error, None),
        ];
        let tell = |findings| {
            let mut out = Vec::new();
            let errors = tell_cargo(&mut out, Path::new("a kernel"), findings).unwrap();
            (String::from_utf8(out).unwrap(), errors)
        };
        let (out, errors) = tell(&findings[..]);
        assert_eq!(errors, 2);
        let lines: Vec<_> = out.lines().collect();
        let end = "[a-rule] in two lines; do this";
        assert_eq!(
            lines,
            [
                format!("cargo::error=a kernel: memcpy+0x10 (0x40200010): {end}"),
                format!("cargo::warning=a kernel: 0x40200010: {end}"),
                format!("cargo::error=a kernel: 0x40200010: {end}"),
            ]
        );
        assert_eq!(tell(&findings[1..2]).1, 0);
    }
}
