//! Names of sections with `*` and `?`, as linker scripts have them.

use std::fmt;

/// The name of a section, or many: `*` stands for any characters, `?` for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Takes a text, if it can stand in a linker script as it is.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-$*?".contains(c);
        (!text.is_empty() && text.chars().all(plain)).then(|| Self(text.to_owned()))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether all of `name` is what the pattern says.
    pub fn matches(&self, name: &str) -> bool {
        matches(self.0.as_bytes(), name.as_bytes())
    }

    /// Whether it takes all that another would take. Not every such pair is known.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        // A star of the other is a character that only a star of this one can be sure to match.
        self.matches(&other.0)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Goes back to the last star when what follows it does not fit.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = name.get(n) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            // A star in the name stands for many characters, see `covers`.
            Some(b'?') if *byte != b'*' => (p, n) = (p + 1, n + 1),
            Some(known) if known == byte => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, n) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern
        .get(p..)
        .unwrap_or_default()
        .iter()
        .all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As fnmatch(3) answers.
    #[test]
    fn stars_and_question_marks() {
        for (pattern, name, expected) in [
            (".text", ".text", true),
            (".text", ".text2", false),
            (".text.*", ".text.", true),
            (".text.*", ".text", false),
            (".text.*", ".text.unlikely.", true),
            (".text.$x", ".text.$x", true),
            (".rodata.*", ".rodata..Lanon.12.3", true),
            ("*.percpu", ".data..percpu", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxcyyb", false),
            ("a*a", "a", false),
            ("?ext", "text", true),
            ("?ext", "ext", false),
            ("*a?", "aab", true),
        ] {
            assert_eq!(
                Pattern::new(pattern).unwrap().matches(name),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn catch_alls_cover_what_they_would_take() {
        for (all, pattern, expected) in [
            (".data.*", ".data..percpu", true),
            (".data.*", ".data..percpu.*", true),
            (".data..percpu.*", ".data.*", false),
            (".data.?", ".data.*", false),
            ("*", "*", true),
        ] {
            let [a, b] = [all, pattern].map(|text| Pattern::new(text).unwrap());
            assert_eq!(a.covers(&b), expected, "{all} {pattern}");
        }
    }

    #[test]
    fn nothing_that_a_script_would_take_for_something_else() {
        for text in ["", "a b", "\"a\"", "a)", ".text[ab]", "a;b", "a{", "/*"] {
            assert_eq!(Pattern::new(text), None, "{text}");
        }
    }
}
