//! The plugin's file, and whether the installed QEMU can load it.

use crate::{Error, Profile, Qemu, Result, Version, guest};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The first QEMU whose plugins can read registers.
const FIRST: Version = Version::new(9, 0);

const PACKAGE: &str = "coherence-plugin";

/// A plugin that the installed QEMU can load.
#[derive(Clone, Debug)]
pub struct Plugin {
    path: PathBuf,
}

impl Plugin {
    /// Builds the plugin and lets QEMU load it, to see whether it can.
    ///
    /// # Errors
    /// [`Error::NoPlugin`] if it cannot, [`Error::Build`] when cargo fails.
    pub fn find(qemu: &Qemu) -> Result<Self> {
        let cannot = |problem: String| Error::NoPlugin {
            version: qemu.version(),
            problem,
        };
        if cfg!(not(target_os = "linux")) {
            return Err(cannot("it is built on Linux only".into()));
        }
        // Without this check, the plugin would be built in vain.
        if qemu.version() < FIRST {
            let problem = format!("plugins can read registers from QEMU {FIRST} on");
            return Err(cannot(problem));
        }
        let path = guest::once(PACKAGE, Profile::Release, build)?;
        match probe(qemu, &path)? {
            None => Ok(Self { path }),
            Some(problem) => Err(cannot(problem)),
        }
    }

    /// The value of QEMU's `-plugin` that loads it with this configuration.
    pub(crate) fn argument(&self, config: &Path) -> String {
        format!("{},config={}", escape(&self.path), escape(config))
    }
}

/// In QEMU's options, a comma in a name is written twice.
fn escape(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}

fn build() -> Result<PathBuf> {
    let messages = guest::cargo_build(PACKAGE, Profile::Release, &["--lib"])?;
    library(&messages).ok_or_else(|| Error::Build {
        package: PACKAGE.into(),
        profile: Profile::Release,
        problem: "it has no shared library".into(),
    })
}

/// The shared library among cargo's messages.
fn library(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "coherence_plugin")
        .find_map(|message| {
            let files = message["filenames"].as_array()?;
            let mut files = files.iter().filter_map(Value::as_str);
            files.find(|file| file.ends_with(".so")).map(PathBuf::from)
        })
}

/// Why QEMU cannot load it; `None` if it can. The plugin ends QEMU when it is probed.
fn probe(qemu: &Qemu, path: &Path) -> Result<Option<String>> {
    let output = qemu
        .command()
        .args(["-machine", "none", "-display", "none", "-plugin"])
        .arg(format!("{},probe=on", escape(path)))
        .output()
        .map_err(Error::io("starting QEMU"))?;
    if String::from_utf8_lossy(&output.stdout).contains("coherence-plugin loaded") {
        return Ok(None);
    }
    Ok(Some(problem(&String::from_utf8_lossy(&output.stderr))))
}

/// The reason in the last line of QEMU's messages.
fn problem(stderr: &str) -> String {
    let last = stderr.lines().rfind(|line| !line.trim().is_empty());
    match last {
        Some(line) if line.contains("undefined symbol: qemu_plugin") => {
            "its plugin interface is older than version 4".into()
        }
        Some(line) => line.trim().into(),
        None => "it prints no message".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skip;

    #[test]
    fn library_is_found_among_the_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"coherence"},"filenames":["/l/libcoherence.rlib"]}
{"reason":"compiler-artifact","target":{"name":"coherence_plugin"},"filenames":["/l/libcoherence_plugin.d","/l/libcoherence_plugin.so"]}"#;
        let library = library(messages);
        assert_eq!(library, Some("/l/libcoherence_plugin.so".into()));
    }

    #[test]
    fn commas_are_doubled() {
        let plugin = Plugin {
            path: "/a,b.so".into(),
        };
        let argument = plugin.argument(Path::new("/c,d"));
        assert_eq!(argument, "/a,,b.so,config=/c,,d");
    }

    // The messages of QEMU 7.2 and of a QEMU without plugins.
    #[test]
    fn reason_is_in_the_last_words() {
        let old = "warning: x\nqemu: Could not load plugin p.so: undefined symbol: \
                   qemu_plugin_get_registers\n";
        assert!(problem(old).contains("older than version 4"));
        assert_eq!(
            problem("-plugin: invalid option\n\n"),
            "-plugin: invalid option"
        );
        assert_eq!(problem(""), "it prints no message");
    }

    #[test]
    fn qemu_that_cannot_load_it_is_named() {
        let Ok(qemu) = Qemu::find() else {
            return skip::because("qemu_that_cannot_load_it_is_named: QEMU is missing");
        };
        if qemu.version() < FIRST {
            let error = Plugin::find(&qemu).unwrap_err();
            assert!(matches!(error, Error::NoPlugin { .. }), "{error}");
        }
        let missing = probe(&qemu, Path::new("/no/such/plugin.so")).unwrap();
        assert!(missing.is_some());
    }
}
