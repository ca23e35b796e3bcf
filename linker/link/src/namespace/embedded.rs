//! The section `.alt_namespaces`: the manifests in an image, which `alt-verify` reads.

use super::manifest::{Manifest, ManifestError};
use super::name::{Name, NameError};

/// The section, which is not loaded. For each namespace it holds a NUL-terminated string: a first
/// line `name = "hyp"`, and the unchanged text of the manifest.
pub const SECTION: &str = ".alt_namespaces";

/// A namespace that an image declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Embedded {
    /// Its name.
    pub name: Name,
    /// Its manifest.
    pub manifest: Manifest,
}

/// The section `.alt_namespaces` is damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// Not a string, or the first line is not a name.
    #[error("{SECTION}+{offset:#x}: {what}")]
    Form {
        /// The offset in the section, in bytes.
        offset: usize,
        /// The reason.
        what: &'static str,
    },
    /// A name that is not valid.
    #[error("{SECTION}+{offset:#x}: {error}")]
    Name {
        /// The offset in the section, in bytes.
        offset: usize,
        /// The reason.
        error: NameError,
    },
    /// Two manifests for one name.
    #[error("{SECTION}+{offset:#x}: the namespace {name} occurs twice")]
    Twice {
        /// The offset in the section, in bytes.
        offset: usize,
        /// The name.
        name: Name,
    },
    /// A manifest with mistakes.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

impl Embedded {
    /// The string for the section.
    pub(crate) fn write(name: &Name, manifest: &str) -> Vec<u8> {
        format!("name = \"{name}\"\n{manifest}\0").into_bytes()
    }

    /// Reads all namespaces of the section.
    ///
    /// # Errors
    /// The section is damaged, or a manifest in it has mistakes.
    pub fn read(section: &[u8]) -> Result<Vec<Self>, EmbeddedError> {
        let mut found: Vec<Self> = Vec::new();
        let mut offset = 0;
        while offset < section.len() {
            let form = |what| EmbeddedError::Form { offset, what };
            let rest = section.get(offset..).unwrap_or_default();
            let end = rest.iter().position(|byte| *byte == 0);
            let end = end.ok_or(form("a string without a NUL byte after it"))?;
            let text = str::from_utf8(rest.get(..end).unwrap_or_default());
            let text = text.map_err(|_| form("not UTF-8"))?;
            let (first, manifest) = (text.split_once('\n'))
                .and_then(|(line, rest)| {
                    let name = line.strip_prefix("name = \"")?.strip_suffix('"')?;
                    Some((name, rest))
                })
                .ok_or(form("no first line `name = \"…\"`"))?;
            let name = Name::new(first).map_err(|error| EmbeddedError::Name { offset, error })?;
            let manifest = Manifest::parse(&format!("{SECTION} ({name})"), manifest)?;
            if found.iter().any(|known| known.name == name) {
                return Err(EmbeddedError::Twice { offset, name });
            }
            found.push(Self { name, manifest });
            offset += end + 1;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_namespace_has_its_manifest() {
        let names = ["hyp.nvhe", "hyp.vhe"].map(|name| Name::new(name).unwrap());
        let text = "exports = [\"init\"]\n";
        let section: Vec<u8> = names
            .iter()
            .flat_map(|name| Embedded::write(name, text))
            .collect();
        let read = Embedded::read(&section).unwrap();
        assert_eq!(
            read.iter().map(|e| &e.name).collect::<Vec<_>>(),
            [&names[0], &names[1]]
        );
        assert_eq!(read[1].manifest.exports, ["init"]);
        assert_eq!(Embedded::read(&[]), Ok(Vec::new()));
    }

    #[test]
    fn damage_is_told_with_its_place() {
        let good: &[u8] = b"name = \"hyp\"\nexports = [\"init\"]\n\0";
        for (bytes, message) in [
            (
                &b"name = \"hyp\"\n"[..],
                ".alt_namespaces+0x21: a string without a NUL byte",
            ),
            (b"\xff\0", ".alt_namespaces+0x21: not UTF-8"),
            (
                b"exports = []\n\0",
                ".alt_namespaces+0x21: no first line `name = \"\u{2026}\"`",
            ),
            (
                b"name = \"H\"\n\0",
                ".alt_namespaces+0x21: `H` is not the name of a namespace",
            ),
            (good, ".alt_namespaces+0x21: the namespace hyp occurs twice"),
            (
                b"name = \"a\"\nexport = 1\0",
                ".alt_namespaces (a):1:1: unknown key `export`",
            ),
        ] {
            let error = Embedded::read(&[good, bytes].concat())
                .unwrap_err()
                .to_string();
            // The manifest's own mistakes come in the order of the file.
            assert!(error.contains(message), "{error}");
        }
    }
}
