//! The name of a namespace, and the names derived from it.

use std::fmt;

/// Words separated by dots: `hyp`, `hyp.nvhe`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(String);

/// The text is not a name of a namespace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not the name of a namespace: use words of a-z and 0-9 that begin with a letter, with \
     dots between, such as `hyp` or `hyp.nvhe`"
)]
pub struct NameError(
    /// The text.
    pub String,
);

impl Name {
    /// Checks a name.
    ///
    /// # Errors
    /// It is not words of a-z and 0-9 with dots between. With an underscore two names could give
    /// their symbols the same prefix.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && (word.chars()).all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        match text.split('.').all(word) {
            true => Ok(Self(text.to_owned())),
            false => Err(NameError(text.to_owned())),
        }
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The section of the namespace for `section`: `.text` becomes `.hyp.text`.
    pub fn section(&self, section: &str) -> String {
        format!(".{}{section}", self.0)
    }

    /// The prefix of its plain symbols: `__hyp_nvhe_`.
    pub fn prefix(&self) -> String {
        format!("__{}_", self.0.replace('.', "_"))
    }

    /// The suffix of its mangled symbols: `.hyp.nvhe`. Demanglers treat it like the suffix of a
    /// clone of a function.
    pub fn suffix(&self) -> String {
        format!(".{}", self.0)
    }

    /// A symbol of the namespace, under the name that it has in the kernel.
    pub fn symbol(&self, name: &str) -> String {
        match is_mangled(name) {
            true => format!("{name}{}", self.suffix()),
            false => format!("{}{name}", self.prefix()),
        }
    }

    /// The symbols at the two ends of a section, by its name without the namespace: `.text` has
    /// `__hyp_text_start` and `__hyp_text_end`.
    pub fn bounds(&self, section: &str) -> [String; 2] {
        let section = section.trim_start_matches('.').replace(['.', '-'], "_");
        ["start", "end"].map(|end| format!("{}{section}_{end}", self.prefix()))
    }

    /// Whether the name of a symbol contains this namespace already.
    pub fn is_on(&self, symbol: &str) -> bool {
        symbol.starts_with(&self.prefix()) || is_mangled(symbol) && symbol.ends_with(&self.suffix())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a symbol is mangled, by Rust or C++.
fn is_mangled(symbol: &str) -> bool {
    symbol.starts_with("_Z")
        || symbol.starts_with("_R") && rustc_demangle::try_demangle(symbol).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_and_dots_are_names() {
        for good in ["hyp", "hyp.nvhe", "a1.b2.c3"] {
            assert_eq!(Name::new(good).unwrap().as_str(), good);
        }
        for bad in [
            "", ".", "hyp.", ".hyp", "Hyp", "hyp_nvhe", "hyp nvhe", "1hyp", "hyp..a",
        ] {
            assert_eq!(Name::new(bad), Err(NameError(bad.to_owned())));
        }
    }

    #[test]
    fn symbols_keep_what_people_can_read() {
        let name = Name::new("hyp.nvhe").unwrap();
        for (symbol, renamed, shown) in [
            ("vectors", "__hyp_nvhe_vectors", "__hyp_nvhe_vectors"),
            ("_Reset", "__hyp_nvhe__Reset", "__hyp_nvhe__Reset"),
            (
                "_ZN4demo3hyp4init17h0123456789abcdefE",
                "_ZN4demo3hyp4init17h0123456789abcdefE.hyp.nvhe",
                "demo::hyp::init.hyp.nvhe",
            ),
            (
                "_RNvNtCs3g5Gb6bJpu0_4core9panicking9panic_fmt",
                "_RNvNtCs3g5Gb6bJpu0_4core9panicking9panic_fmt.hyp.nvhe",
                "core::panicking::panic_fmt.hyp.nvhe",
            ),
        ] {
            assert_eq!(name.symbol(symbol), renamed);
            assert!(name.is_on(renamed) && !name.is_on(symbol));
            let readable = format!("{:#}", rustc_demangle::demangle(renamed));
            assert_eq!(readable, shown);
        }
    }

    #[test]
    fn bounds_are_c_identifiers() {
        let name = Name::new("hyp").unwrap();
        assert_eq!(name.bounds(".text"), ["__hyp_text_start", "__hyp_text_end"]);
        let percpu = ["__hyp_data_percpu_start", "__hyp_data_percpu_end"];
        assert_eq!(name.bounds(".data.percpu"), percpu);
    }
}
