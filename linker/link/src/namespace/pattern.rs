//! Section names with the wildcards `*` and `?` of linker scripts.

use std::fmt;

use alt_cpucaps::document::{Problem, Problems, Value, array, string, wrong_type};
use toml::de::DeValue;

/// A pattern of section names: `*` matches any characters, `?` one character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Takes a text that a linker script can contain unquoted; `None` for others.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-$*?".contains(c);
        (!text.is_empty() && text.chars().all(plain)).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the pattern matches all of `name`.
    pub fn matches(&self, name: &str) -> bool {
        matches(self.0.as_bytes(), name.as_bytes())
    }

    /// Whether it matches every name that another pattern matches. May be false for such a pair.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        // Treat a star of the other as a character that only a star of this one matches.
        self.matches(&other.0)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Backtracks to the last star on a mismatch.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = name.get(n) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            // A star in the name represents many characters, see `covers`.
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

/// A further section of the namespace; its patterns are matched before the usual ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraSection {
    /// Its name without the namespace: `.data.percpu`.
    pub name: String,
    /// Patterns of the sections of objects.
    pub patterns: Vec<Pattern>,
}

pub(super) fn read(value: &Value<'_>, problems: &mut Problems) -> Vec<ExtraSection> {
    let DeValue::Table(table) = value.get_ref() else {
        problems.add(wrong_type(value, "a table"));
        return Vec::new();
    };
    let mut entries: Vec<_> = table.iter().collect();
    // The order of the file decides between patterns.
    entries.sort_by_key(|(key, _)| key.span().start);
    let mut earlier: Vec<Pattern> = Vec::new();
    let mut sections = Vec::new();
    for (key, value) in entries {
        let name = key.get_ref().as_ref();
        let word = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if !name.starts_with('.')
            || name.len() < 2
            || !name.chars().all(word)
            || name == ".pointers"
        {
            let text = format!("`{name}` cannot be a section of a namespace");
            let help = "begin with a dot, and use letters, digits, `_`, `-` and dots; \
                        `.pointers` is taken";
            problems.add(Problem::new(key.span(), text).help(help));
        }
        let mut patterns = Vec::new();
        for value in array(value, problems).unwrap_or_default() {
            let Some(text) = string(value, problems) else {
                continue;
            };
            let Some(pattern) = Pattern::new(text) else {
                let problem = Problem::new(value.span(), format!("`{text}` is not a pattern"));
                let help = "use the name of a section, with `*` for any characters and `?` for one";
                problems.add(problem.help(help));
                continue;
            };
            // A linker uses the first pattern that matches: one after a catch-all has no effect.
            if let Some(all) = earlier.iter().find(|all| all.covers(&pattern)) {
                let text = format!(
                    "the pattern `{text}` is dead: `{all}`, which comes first, takes all of it"
                );
                let problem = Problem::new(value.span(), text);
                problems.add(problem.help("put the specific pattern before the general one"));
            }
            earlier.push(pattern.clone());
            patterns.push(pattern);
        }
        sections.push(ExtraSection {
            name: name.to_owned(),
            patterns,
        });
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The results of fnmatch(3).
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
