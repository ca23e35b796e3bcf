//! The backports suite of the distribution's own mirror, as sources for one run of apt-get.
//!
//! The entry of the machine's configuration that serves the release is copied with the name of the
//! suite changed: mirror, key and options are those of the machine's configuration.

use std::path::{Path, PathBuf};

/// Makes apt print a line for each index that it uses, which [`entry`] reads.
pub(super) const INDEX_TARGETS: [&str; 4] = [
    "indextargets",
    "--format",
    "$(ORIGIN) $(CODENAME) $(COMPONENT) $(SOURCESENTRY)",
    "Identifier: Packages",
];

/// The code name of the release, such as `bookworm`, by `/etc/os-release`.
pub(super) fn codename(os_release: &str) -> Option<&str> {
    let mut lines = os_release.lines();
    let name = lines.find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
    Some(name.trim().trim_matches('"')).filter(|name| !name.is_empty())
}

/// The name of the backports suite of a release.
pub(super) fn suite(codename: &str) -> String {
    format!("{codename}-backports")
}

/// The vendor of the backports. Other vendors name their suites by the release too.
const ORIGINS: [&str; 2] = ["Debian", "Ubuntu"];

/// The file of apt's configuration that has the component `main` of a release, and the number of
/// the entry in it, from 1: a line of a `.list` file, a stanza of a `.sources` file.
pub(super) fn entry(index_targets: &str, codename: &str) -> Option<(PathBuf, usize)> {
    index_targets.lines().find_map(|line| {
        let (origin, rest) = line.split_once(' ')?;
        let (release, rest) = rest.split_once(' ')?;
        let (component, entry) = rest.split_once(' ')?;
        let (file, number) = entry.rsplit_once(':')?;
        let is_it = ORIGINS.contains(&origin) && (release, component) == (codename, "main");
        let number = number.trim().parse().ok()?;
        is_it.then(|| (PathBuf::from(file), number))
    })
}

/// The same entry with the release and its backports as suites, in the format of `file`.
pub(super) fn sources(file: &Path, text: &str, number: usize, codename: &str) -> Option<String> {
    let index = number.checked_sub(1)?;
    match file.extension()?.to_str()? {
        "sources" => stanza(text, index, codename),
        "list" => lines(text, index, codename),
        _ => None,
    }
}

/// A stanza of fields; a line that begins with a blank continues a field: deb822(5).
fn stanza(text: &str, index: usize, codename: &str) -> Option<String> {
    let comment = |line: &&str| !line.starts_with('#');
    let lines: Vec<_> = text.lines().filter(comment).collect();
    let mut stanzas = lines.split(|line| line.trim().is_empty());
    let mut stanzas = stanzas.by_ref().filter(|lines| !lines.is_empty());
    let mut copy = format!("Types: deb\nSuites: {codename} {}\n", suite(codename));
    let mut is_kept = false;
    for line in stanzas.nth(index)? {
        if !line.starts_with([' ', '\t']) {
            let (field, _) = line.split_once(':')?;
            let changed = ["types", "suites", "enabled"];
            is_kept = !changed.contains(&field.to_ascii_lowercase().as_str());
        }
        if is_kept {
            copy.push_str(line);
            copy.push('\n');
        }
    }
    Some(copy)
}

/// `deb [options] URI suite component...`: sources.list(5).
fn lines(text: &str, index: usize, codename: &str) -> Option<String> {
    let line = text.lines().nth(index)?.trim().strip_prefix("deb")?;
    let rest = line.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(_) => rest.split_at(rest.find(']')? + 1),
        None => ("", rest),
    };
    let mut words = rest.split_whitespace();
    let (uri, _suite) = (words.next()?, words.next()?);
    let components: Vec<_> = words.take_while(|word| !word.starts_with('#')).collect();
    let components = components.join(" ");
    let of = |suite: &str| format!("deb {options} {uri} {suite} {components}\n");
    Some(of(codename) + &of(&suite(codename)))
}

#[cfg(test)]
mod tests {
    use super::*;

    // The output of apt 2.6 on a Debian 12 with another vendor's packages.
    const TARGETS: &str = "\
vendor bookworm main /etc/apt/sources.list.d/a-vendor.sources:1
Debian bookworm-security main /etc/apt/sources.list.d/debian.sources:2
Debian bookworm-updates main /etc/apt/sources.list.d/debian.sources:1
Debian bookworm contrib /etc/apt/sources.list.d/other:name.list:7
Debian bookworm main /etc/apt/sources.list.d/debian.sources:1
";

    const STANZAS: &str = "\
Types: deb deb-src
# A snapshot would be here.
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBGPL0BU

# Comment.

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
enabled: no
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
";

    #[test]
    fn entry_is_that_of_the_release_itself() {
        let file = PathBuf::from("/etc/apt/sources.list.d/debian.sources");
        assert_eq!(entry(TARGETS, "bookworm"), Some((file, 1)));
        assert_eq!(entry(TARGETS, "trixie"), None);
        // Indexes that were never fetched have neither origin nor code name.
        assert_eq!(entry("  main /etc/apt/sources.list:1\n", "bookworm"), None);
        assert_eq!(entry("", ""), None);
    }

    #[test]
    fn stanza_keeps_all_but_types_and_suites() {
        let file = Path::new("debian.sources");
        let first = sources(file, STANZAS, 1, "bookworm").unwrap();
        let expected = "\
Types: deb
Suites: bookworm bookworm-backports
URIs: http://mirror.example/debian
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBGPL0BU
";
        assert_eq!(first, expected);
        let second = sources(file, STANZAS, 2, "bookworm").unwrap();
        assert!(second.contains("debian-security\n"), "{second}");
        assert!(!second.contains("nabled"), "{second}");
        for number in [0, 3] {
            assert_eq!(sources(file, STANZAS, number, "bookworm"), None);
        }
    }

    #[test]
    fn line_keeps_options_mirror_and_components() {
        let file = Path::new("sources.list");
        let text = "# main\ndeb [arch=amd64 signed-by=/a.gpg] http://mirror.example stable main contrib # x\n\
                    deb http://mirror.example/debian bookworm main\ndeb-src http://x bookworm main\n";
        let options = "[arch=amd64 signed-by=/a.gpg]";
        let expected = format!(
            "deb {options} http://mirror.example bookworm main contrib\n\
             deb {options} http://mirror.example bookworm-backports main contrib\n"
        );
        let of = |number| sources(file, text, number, "bookworm");
        assert_eq!(of(2), Some(expected));
        assert!(of(3).unwrap().ends_with(" bookworm-backports main\n"));
        assert_eq!(of(1), None);
        assert_eq!(of(9), None);
        assert_eq!(sources(Path::new("apt.conf"), text, 2, "bookworm"), None);
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
