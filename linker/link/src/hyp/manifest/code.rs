//! `[code]`

use alt_cpucaps::document::{Entry, Problem, string};

use super::names;

/// Rules for the hypervisor's code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// What becomes of x18, which may be the caller's.
    pub x18: X18,
    /// Floating point and SIMD instructions are allowed.
    pub fp_simd: bool,
    /// Functions that may call by register, as names with `*` for any characters.
    pub indirect_calls: Vec<String>,
}

/// What becomes of x18.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum X18 {
    /// The boundary saves and restores it; code may use it.
    #[default]
    Saved,
    /// No code uses it.
    Forbidden,
}

pub(super) fn read(mut entry: Entry<'_, '_>) -> Code {
    let x18 = ["saved", "forbidden"];
    let fp_simd = ["forbidden", "allowed"];
    let code = Code {
        x18: match one_of(&mut entry, "x18", x18) {
            Some("forbidden") => X18::Forbidden,
            _ => X18::Saved,
        },
        fp_simd: one_of(&mut entry, "fp-simd", fp_simd) == Some("allowed"),
        indirect_calls: names(&mut entry, "indirect-calls"),
    };
    entry.finish();
    code
}

fn one_of(
    entry: &mut Entry<'_, '_>,
    key: &'static str,
    values: [&'static str; 2],
) -> Option<&'static str> {
    let value = entry.optional(key)?;
    let text = string(value, entry.problems)?;
    let found = values.into_iter().find(|known| *known == text);
    if found.is_none() {
        let problem = Problem::new(value.span(), format!("`{key}` cannot be `{text}`"));
        entry.problems.add(problem.suggest(text, values));
    }
    found
}
