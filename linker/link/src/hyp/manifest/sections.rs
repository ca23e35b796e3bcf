//! `[sections]`

use alt_cpucaps::document::{Problem, Problems, Value, array, string, wrong_type};
use toml::de::DeValue;

use crate::hyp::pattern::Pattern;

/// A section of the namespace and what goes into it, before the usual patterns are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraSection {
    /// Its name without the namespace: `.data.percpu`.
    pub name: String,
    /// Names of sections of objects, with `*` and `?`.
    pub patterns: Vec<Pattern>,
}

pub(super) fn read(value: &Value<'_>, problems: &mut Problems) -> Vec<ExtraSection> {
    let DeValue::Table(table) = value.get_ref() else {
        problems.add(wrong_type(value, "a table"));
        return Vec::new();
    };
    let mut entries: Vec<_> = table.iter().collect();
    // Which pattern comes first is for the author to say.
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
                let problem = Problem::new(value.span(), format!("`{text}` is no pattern"));
                let help = "use the name of a section, with `*` for any characters and `?` for one";
                problems.add(problem.help(help));
                continue;
            };
            // A linker asks them in order: what stands behind a catch-all is never asked.
            if let Some(all) = earlier.iter().find(|all| all.covers(&pattern)) {
                let text = format!(
                    "the pattern `{text}` is dead: `{all}`, which comes first, takes all of it"
                );
                let problem = Problem::new(value.span(), text);
                problems.add(problem.help("put the specific one before the catch-all"));
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
