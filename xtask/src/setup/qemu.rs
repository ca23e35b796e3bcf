//! Finds or installs the emulator: any QEMU, or one that loads the coherence plugin.

use super::{apt::Apt, change, say};
use qemu_tests::{Qemu, Version};
use std::{env, error::Error};

/// The package with QEMU for arm64 on Debian and Ubuntu.
const PACKAGE: &str = "qemu-system-arm";

/// The first version that can load the coherence plugin. Versions before it lack CPU models too.
const WHOLE: Version = Version::new(9, 0);

/// How old the QEMU may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// Any version that is installed.
    Any,
    /// A newer version is installed if one is available.
    New,
}

/// Finds QEMU, and installs it where it is missing or too old.
pub(super) fn ensure(age: Age) -> Result<Qemu, Box<dyn Error>> {
    let chosen = env::var("QEMU").is_ok_and(|name| !name.is_empty());
    match Qemu::find_anew() {
        Ok(found) if age == Age::Any || found.version() >= WHOLE => return Ok(Qemu::find()?),
        // A QEMU that the user has chosen is not replaced.
        Ok(found) if chosen => {
            say_what_it_lacks(&found, "QEMU names it");
            return Ok(Qemu::find()?);
        }
        Ok(found) => {
            let why = upgrade().err();
            let why = why.map_or("there is no newer one".into(), |why| why.to_string());
            let newest = Qemu::find()?;
            if newest.version() < WHOLE {
                say_what_it_lacks(&newest, &why);
            } else {
                let (old, new) = (found.version(), newest.version());
                say(&format!("QEMU {new} has replaced QEMU {old}"));
            }
            return Ok(newest);
        }
        Err(qemu_tests::Error::NoQemu { .. }) if !chosen => install()?,
        Err(other) => return Err(other.into()),
    }
    let found = Qemu::find()?;
    if found.version() < WHOLE {
        say_what_it_lacks(&found, "the distribution has no newer one");
    }
    Ok(found)
}

fn say_what_it_lacks(found: &Qemu, why: &str) {
    say(&format!(
        "QEMU {} stays ({why}); before {WHOLE} it loads no plugin that reads registers and lacks CPU \
         models: tests that need these are skipped, each with its reason",
        found.version()
    ));
}

/// Installs a QEMU that is [`WHOLE`] in place of an older one.
fn upgrade() -> Result<(), Box<dyn Error>> {
    let apt = Apt::find().ok_or("set-up installs a newer one only as root, by apt-get")?;
    apt.update()?;
    from_backports(&apt)
}

/// Installs the newest QEMU that is available.
fn install() -> Result<(), Box<dyn Error>> {
    let Some(apt) = Apt::find() else {
        return Err(format!(
            "{} is not in PATH. Install it:\n  \
             Debian, Ubuntu   sudo apt-get install qemu-system-arm\n  \
             Fedora           sudo dnf install qemu-system-aarch64-core\n  \
             Arch             sudo pacman -S qemu-system-aarch64\n  \
             macOS            brew install qemu\n\
             or set QEMU to the path of qemu-system-aarch64",
            Qemu::binary_name()
        )
        .into());
    };
    apt.update()?;
    if is_whole(&apt) {
        return apt.install(PACKAGE);
    }
    from_backports(&apt).or_else(|why| {
        say(&format!("no QEMU from backports: {why}"));
        let installed = apt.install(PACKAGE);
        installed.map_err(|why| {
            format!("{why}; install QEMU by hand, or set QEMU to the path of one").into()
        })
    })
}

/// Whether the release itself has a QEMU that is new enough.
fn is_whole(apt: &Apt) -> bool {
    let change = apt.simulate(PACKAGE);
    change.is_ok_and(|change| {
        let version = change.version(PACKAGE).and_then(change::major);
        version >= Some(WHOLE.major)
    })
}

fn from_backports(apt: &Apt) -> Result<(), Box<dyn Error>> {
    say("looking for a newer QEMU in the backports of this release");
    let apt = apt.with_backports()?;
    if !is_whole(&apt) {
        return Err(format!("{} has none that is newer", apt.source()).into());
    }
    apt.install(PACKAGE)
}
