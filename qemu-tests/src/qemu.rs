//! The installed emulator: its path, version and CPU models.

use crate::{Error, Result, version::Version};
use std::{collections::BTreeSet, env, process::Command, sync::OnceLock};

/// A QEMU for arm64 guests that has been executed once to find its version and CPU models.
#[derive(Clone, Debug)]
pub struct Qemu {
    binary: String,
    args: Vec<String>,
    version: Version,
    cpus: BTreeSet<String>,
}

impl Qemu {
    /// The QEMU that the environment names: the binary from `QEMU` (default `qemu-system-aarch64`
    /// from `PATH`), and arguments for every start, separated by blanks, from `QEMU_ARGS`. It is
    /// searched for once.
    ///
    /// # Errors
    /// As [`Qemu::new`].
    pub fn find() -> Result<Self> {
        static FOUND: OnceLock<Qemu> = OnceLock::new();
        if let Some(found) = FOUND.get() {
            return Ok(found.clone());
        }
        let found = Self::find_anew()?;
        Ok(FOUND.get_or_init(|| found).clone())
    }

    /// The same, searched for again, for a caller that may have replaced it.
    ///
    /// # Errors
    /// As [`Qemu::new`].
    pub fn find_anew() -> Result<Self> {
        let args = env::var("QEMU_ARGS").unwrap_or_default();
        Self::new(&Self::binary_name(), &args)
    }

    /// The binary that [`Qemu::find`] executes.
    pub fn binary_name() -> String {
        env::var("QEMU")
            .ok()
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "qemu-system-aarch64".into())
    }

    /// The QEMU `binary`, with arguments for every start, separated by blanks.
    ///
    /// # Errors
    /// [`Error::NoQemu`] when it cannot be executed, [`Error::NotQemu`] when it does not answer as
    /// QEMU does.
    pub fn new(binary: &str, args: &str) -> Result<Self> {
        let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
        let ask = |question: &[&str]| -> Result<String> {
            let output = Command::new(binary)
                .args(&args)
                .args(question)
                .output()
                .map_err(|source| Error::NoQemu {
                    binary: binary.into(),
                    source,
                })?;
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let unusable = |problem: String| Error::NotQemu {
            binary: binary.into(),
            problem,
        };

        let answer = ask(&["--version"])?;
        let version = Version::parse(&answer)
            .ok_or_else(|| unusable(format!("--version answers {:?}", answer.trim())))?;
        let cpus = parse_cpus(&ask(&["-machine", "virt", "-cpu", "help"])?);
        if cpus.is_empty() {
            return Err(unusable(
                "it lists no CPU model for the machine virt".into(),
            ));
        }
        Ok(Self {
            binary: binary.into(),
            args,
            version,
            cpus,
        })
    }

    /// Its version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The CPU models it knows, by name. Some of them (32-bit ones) cannot run an arm64 guest.
    pub fn cpus(&self) -> &BTreeSet<String> {
        &self.cpus
    }

    /// Whether it has a CPU model; properties after a comma are ignored.
    pub fn has_cpu(&self, cpu: &str) -> bool {
        cpu.split(',')
            .next()
            .is_some_and(|model| self.cpus.contains(model))
    }

    /// A command that starts it with the arguments of the environment.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(&self.args);
        command
    }
}

/// Reads the answer to `-cpu help`: a heading, then one indented name per line.
fn parse_cpus(output: &str) -> BTreeSet<String> {
    output
        .lines()
        .filter(|line| line.starts_with(' '))
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_read_from_what_distributions_print() {
        let debian = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\nCopyright";
        assert_eq!(Version::parse(debian), Some(Version::new(7, 2)));
        let plain = "QEMU emulator version 10.0.2\n";
        assert_eq!(Version::parse(plain), Some(Version::new(10, 0)));
        assert_eq!(Version::parse("something else"), None);
        assert!(Version::new(10, 0) > Version::new(7, 2));
    }

    #[test]
    fn cpu_models_are_the_indented_lines() {
        let cpus = parse_cpus("Available CPUs:\n  a64fx\n  cortex-a76\n  max (default)\n");
        assert_eq!(
            cpus.into_iter().collect::<Vec<_>>(),
            ["a64fx", "cortex-a76", "max"]
        );
    }

    #[test]
    fn missing_binary_is_told_from_a_wrong_one() {
        assert!(matches!(
            Qemu::new("no-such-emulator", ""),
            Err(Error::NoQemu { binary, .. }) if binary == "no-such-emulator"
        ));
        assert!(matches!(Qemu::new("true", ""), Err(Error::NotQemu { .. })));
    }
}
