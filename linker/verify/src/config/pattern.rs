//! Names with the wildcard `*`.

use std::ops::Range;

use alt_image::image::{Image, Section, demangle};

/// A pattern of names: `*` matches any characters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pattern<'a>(&'a str);

impl<'a> Pattern<'a> {
    pub fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// Whether the pattern matches all of `name`.
    pub fn matches(self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(rest) = name.strip_prefix(parts.next().unwrap_or_default()) else {
            return false;
        };
        let mut parts: Vec<&str> = parts.collect();
        let Some(last) = parts.pop() else {
            return rest.is_empty();
        };
        let mut rest = rest;
        for part in parts {
            let Some(found) = rest.find(part) else {
                return false;
            };
            rest = &rest[found + part.len()..];
        }
        rest.ends_with(last)
    }

    /// Whether it matches a symbol: the mangled name, the full path, or the last parts of the
    /// path.
    pub fn names(self, mangled: &str) -> bool {
        if self.matches(mangled) {
            return true;
        }
        self.names_path(&demangle(mangled))
    }

    /// Whether it matches a demangled path, in full or its last parts.
    pub fn names_path(self, readable: &str) -> bool {
        let ends = readable
            .match_indices("::")
            .map(|(at, _)| &readable[at + 2..]);
        self.matches(readable) || ends.into_iter().any(|end| self.matches(end))
    }

    /// The loaded sections that match.
    pub fn sections(self, image: &'a Image) -> impl Iterator<Item = &'a Section> {
        let loaded = image.loaded();
        loaded.filter(move |section| self.matches(&section.name))
    }

    /// The addresses of the symbols that match; a symbol without a size extends to the next one.
    pub fn symbols(self, image: &'a Image) -> impl Iterator<Item = Range<u64>> {
        let symbols = image.symbols().iter();
        symbols
            .filter(move |symbol| !symbol.absolute && self.names(&symbol.name))
            .filter_map(|symbol| image.extent(symbol))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, name, expected) in [
            ("main", "main", true),
            ("main", "main2", false),
            ("main", "a_main", false),
            ("__hyp_*", "__hyp_text_start", true),
            ("__hyp_*", "__hy", false),
            ("*_end", "__init_end", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxcyyb", false),
            ("a*a", "a", false),
            ("*", "", true),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(name),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn paths_may_be_named_by_their_ends() {
        let mangled = "_ZN11alt_runtime4arch6commit6commit17h0123456789abcdefE";
        for (pattern, expected) in [
            ("alt_runtime::arch::commit::commit", true),
            ("commit::commit", true),
            ("commit", true),
            ("alt_runtime::*", true),
            ("omit", false),
            ("arch::commit", false),
        ] {
            assert_eq!(Pattern::new(pattern).names(mangled), expected, "{pattern}");
        }
    }
}
