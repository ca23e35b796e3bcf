//! What the cpucaps are called.

/// The names of cpucaps, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapNames {
    names: Vec<String>,
}

impl CapNames {
    /// Names in the order of their numbers.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self {
            names: names.into_iter().collect(),
        }
    }

    /// The names in a file of the form of Linux's `arch/arm64/tools/cpucaps`: one a line, in the
    /// order of their numbers; `#` begins a comment.
    pub fn from_linux(text: &str) -> Self {
        let lines = text.lines().map(|line| line.split('#').next());
        let names = lines.flatten().map(str::trim);
        Self::new(names.filter(|name| !name.is_empty()).map(String::from))
    }

    /// How many cpucaps have a name.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no name is known.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The name of a cpucap.
    pub fn get(&self, number: u16) -> Option<&str> {
        self.names.get(usize::from(number)).map(String::as_str)
    }

    /// The name of a cpucap, or its number where it has none: `LSE`, `cap 7`.
    pub fn label(&self, number: u16) -> String {
        self.get(number)
            .map_or_else(|| format!("cap {number}"), String::from)
    }

    /// The number of a cpucap that is given by its name or number.
    pub fn number(&self, text: &str) -> Option<u16> {
        let by_name = self.names.iter().position(|name| name == text);
        by_name
            .and_then(|index| u16::try_from(index).ok())
            .or_else(|| text.parse().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_numbers_by_the_order_of_lines() {
        let text = "# SPDX\n\nBTI\n# a comment\nHAS_LSE_ATOMICS # another\n";
        let names = CapNames::from_linux(text);
        assert_eq!(names.len(), 2);
        assert_eq!(names.label(1), "HAS_LSE_ATOMICS");
        assert_eq!(names.label(2), "cap 2");
        assert_eq!(names.number("BTI"), Some(0));
        assert_eq!(names.number("17"), Some(17));
        assert_eq!(names.number("LSE"), None);
    }
}
