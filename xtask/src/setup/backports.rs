//! Whether apt, as it is configured, has a package in the backports of this distribution.

/// The suite to install `package` from, such as `bookworm-backports`, by what
/// `apt-cache madison PACKAGE` answers: `package | version | address suite/component arch Packages`.
/// Only the backports of the release that is installed, `codename`, are meant for it.
pub(super) fn suite(package: &str, codename: &str, madison: &str) -> Option<String> {
    let wanted = format!("{codename}-backports");
    let is_there = madison.lines().any(|line| {
        let mut columns = line.split('|').map(str::trim);
        let (name, _version, source) = (columns.next(), columns.next(), columns.next());
        let suite = source.and_then(|source| source.split_whitespace().nth(1)?.split('/').next());
        name == Some(package) && suite == Some(&wanted)
    });
    is_there.then_some(wanted)
}

/// The code name of Debian 12 or another release, by `/etc/os-release`.
pub(super) fn codename(os_release: &str) -> Option<&str> {
    let line = |line: &'_ str| line.starts_with("VERSION_CODENAME=");
    let line = os_release.lines().find(|text| line(text))?;
    let (_, name) = line.split_once('=')?;
    Some(name.trim().trim_matches('"')).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "\
qemu-system-arm | 1:7.2+dfsg-7+deb12u18 | http://mirror.example/debian bookworm/main amd64 Packages
qemu-system-arm | 1:7.2+dfsg-7+deb12u15 | http://mirror.example/debian-security bookworm-security/main amd64 Packages
";
    const BACKPORTS: &str = "\
qemu-system-arm | 1:10.0.2+ds-2+deb13u1~bpo12+1 | http://mirror.example/debian bookworm-backports/main amd64 Packages
";

    #[test]
    fn backports_are_used_where_they_are_configured() {
        let suite = |text: &str| suite("qemu-system-arm", "bookworm", text);
        assert_eq!(suite(PLAIN), None);
        assert_eq!(suite(""), None);
        let both = format!("{BACKPORTS}{PLAIN}");
        assert_eq!(suite(&both).as_deref(), Some("bookworm-backports"));
    }

    #[test]
    fn backports_of_another_release_or_package_are_not() {
        let of = |package, codename| suite(package, codename, BACKPORTS);
        assert_eq!(of("qemu-system-arm", "trixie"), None);
        assert_eq!(of("qemu-system", "bookworm"), None);
        assert_eq!(of("qemu-system-arm", ""), None);
    }

    #[test]
    fn codename_is_read() {
        let debian = "PRETTY_NAME=\"Debian GNU/Linux 12\"\nVERSION_CODENAME=bookworm\nID=debian\n";
        assert_eq!(codename(debian), Some("bookworm"));
        assert_eq!(codename("VERSION_CODENAME=\"jammy\"\n"), Some("jammy"));
        assert_eq!(codename("ID=arch\n"), None);
        assert_eq!(codename("VERSION_CODENAME=\n"), None);
    }
}
