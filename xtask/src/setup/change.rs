//! The changes of an installation, from the output of `apt-get --simulate`.

use std::fmt;

/// The changes of packages.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// Packages that would be installed or upgraded, with their new versions.
    pub(super) installed: Vec<(String, String)>,
    /// Packages that would be removed.
    pub(super) removed: Vec<String>,
    /// Packages that would be replaced by an older version.
    pub(super) downgraded: Vec<String>,
}

impl Change {
    /// Reads the output of `apt-get --simulate install`, in the locale C.
    pub(super) fn parse(output: &str) -> Self {
        let mut change = Self::default();
        let mut in_downgraded = false;
        for line in output.lines() {
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                // `Remv qemu-utils [1:7.2]`
                (Some("Remv" | "Purg"), Some(name)) => change.removed.push(name.into()),
                // `Inst qemu-utils [1:7.2] (1:10.0 Debian Backports:stable [amd64])`
                (Some("Inst"), Some(name)) => {
                    let version = words.find_map(|word| word.strip_prefix('('));
                    let version = version.unwrap_or_default();
                    change.installed.push((name.into(), version.into()));
                }
                _ => {}
            }
            // A heading, and the names below it, indented.
            if in_downgraded && line.starts_with(' ') {
                let names = line.split_whitespace().map(str::to_owned);
                change.downgraded.extend(names);
            } else {
                in_downgraded = line.ends_with("packages will be DOWNGRADED:");
            }
        }
        change
    }

    /// The version of a package that would be installed.
    pub(super) fn version(&self, package: &str) -> Option<&str> {
        let mut all = self.installed.iter();
        let (_, version) = all.find(|(name, _)| name == package)?;
        Some(version)
    }

    /// Why set-up must not make a change: it may add packages, but not remove or downgrade any.
    pub(super) fn objection(&self) -> Option<Objection> {
        let objection = Objection {
            removed: self.removed.clone(),
            downgraded: self.downgraded.clone(),
        };
        (objection != Objection::default()).then_some(objection)
    }
}

/// Other packages would suffer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Objection {
    removed: Vec<String>,
    downgraded: Vec<String>,
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut and = "";
        for (what, names) in [("remove", &self.removed), ("downgrade", &self.downgraded)] {
            if !names.is_empty() {
                write!(f, "{and}it would {what} {}", names.join(", "))?;
                and = " and ";
            }
        }
        Ok(())
    }
}

/// The first number of the upstream version in a Debian version: 10 of `1:10.0.2+ds-2`.
pub(super) fn major(version: &str) -> Option<u32> {
    let upstream = version
        .split_once(':')
        .map_or(version, |(_epoch, rest)| rest);
    let end = upstream.find(|c: char| !c.is_ascii_digit());
    upstream[..end.unwrap_or(upstream.len())].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // As apt-get 2.6 prints it, shortened: on a Debian 12 with qemu-utils 7.2, from its backports;
    // with qemu-utils of the backports, from Debian 12 itself; and of an older qemu-utils alone.
    const UPGRADE: &str = "\
The following additional packages will be installed:
  qemu-system-common qemu-system-data qemu-utils
Recommended packages:
  ipxe-qemu seabios
The following NEW packages will be installed:
  qemu-system-arm qemu-system-common qemu-system-data
The following packages will be upgraded:
  qemu-utils
1 upgraded, 3 newly installed, 0 to remove and 130 not upgraded.
Inst qemu-utils [1:7.2+dfsg-7+deb12u18+b3] (1:10.0.2+ds-2+deb13u1~bpo12+1 Debian Backports:oldstable-backports [amd64])
Inst qemu-system-arm (1:10.0.2+ds-2+deb13u1~bpo12+1 Debian Backports:oldstable-backports [amd64])
Conf qemu-utils (1:10.0.2+ds-2+deb13u1~bpo12+1 Debian Backports:oldstable-backports [amd64])
Conf qemu-system-arm (1:10.0.2+ds-2+deb13u1~bpo12+1 Debian Backports:oldstable-backports [amd64])
";
    const REMOVAL: &str = "\
The following packages will be REMOVED:
  qemu-utils
The following NEW packages will be installed:
  qemu-system-arm qemu-system-common qemu-system-data
0 upgraded, 3 newly installed, 1 to remove and 102 not upgraded.
Remv qemu-utils [1:10.0.2+ds-2+deb13u1~bpo12+1]
Inst qemu-system-common (1:7.2+dfsg-7+deb12u18+b3 Debian:12.15/oldstable [amd64])
Inst qemu-system-arm (1:7.2+dfsg-7+deb12u18+b3 Debian:12.15/oldstable [amd64])
Conf qemu-system-arm (1:7.2+dfsg-7+deb12u18+b3 Debian:12.15/oldstable [amd64])
";
    const DOWNGRADE: &str = "\
Recommended packages:
  qemu-block-extra
The following packages will be DOWNGRADED:
  qemu-utils
0 upgraded, 0 newly installed, 1 downgraded, 0 to remove and 104 not upgraded.
Inst qemu-utils [1:10.0.2+ds-2+deb13u1~bpo12+1] (1:7.2+dfsg-7+deb12u18+b3 Debian:12.15/oldstable [amd64])
Conf qemu-utils (1:7.2+dfsg-7+deb12u18+b3 Debian:12.15/oldstable [amd64])
";

    #[test]
    fn additions_and_upgrades_are_fine() {
        let change = Change::parse(UPGRADE);
        assert_eq!(change.objection(), None);
        assert_eq!(change.installed.len(), 2);
        let version = change.version("qemu-system-arm").unwrap();
        assert_eq!(version, "1:10.0.2+ds-2+deb13u1~bpo12+1");
        assert_eq!(change.version("qemu-system-data"), None);
    }

    #[test]
    fn removal_is_refused_by_name() {
        let objection = Change::parse(REMOVAL).objection().unwrap();
        assert_eq!(objection.to_string(), "it would remove qemu-utils");
    }

    #[test]
    fn downgrade_is_refused_by_name() {
        let objection = Change::parse(DOWNGRADE).objection().unwrap();
        assert_eq!(objection.to_string(), "it would downgrade qemu-utils");
        let both = Change::parse(&[REMOVAL, DOWNGRADE].concat());
        let both = both.objection().unwrap().to_string();
        assert_eq!(
            both,
            "it would remove qemu-utils and it would downgrade qemu-utils"
        );
    }

    #[test]
    fn nothing_to_do_is_no_change() {
        let text = "qemu-system-arm is already the newest version (1:10.0.2).\n\
                    0 upgraded, 0 newly installed, 0 to remove and 4 not upgraded.\n";
        assert_eq!(Change::parse(text), Change::default());
    }

    #[test]
    fn first_number_of_a_version() {
        assert_eq!(major("1:10.0.2+ds-2+deb13u1~bpo12+1"), Some(10));
        assert_eq!(major("1:7.2+dfsg-7"), Some(7));
        assert_eq!(major("8"), Some(8));
        assert_eq!(major(""), None);
        assert_eq!(major("git:x"), None);
    }
}
