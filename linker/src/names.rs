//! What the cpucaps are called.

use alt_runtime::cap::{Cap, CapInfo, CapTable, Kind, LatePolicy, MAX_CAPS, Rule, Scope};

use crate::caps::Caps;

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

    /// A table of cpucaps of which no more is known than the names; where not even those are
    /// known, of as many as there can be.
    pub fn table(&self) -> &'static CapTable {
        let len = match self.names.len() {
            0 => MAX_CAPS,
            len => len.min(MAX_CAPS),
        };
        let entries = (0..len).filter_map(|number| u16::try_from(number).ok());
        let entries: Vec<_> = entries
            .map(|number| CapInfo {
                cap: Cap::new(number, true),
                // The runtime's tables are constants of a kernel; here one lives as long as the
                // program, which asks for it once.
                name: self.label(number).leak(),
                doc: "",
                scope: Scope::System,
                kind: Kind::Feature,
                rule: Rule::Always,
                late: LatePolicy::SystemFeature,
                requires: &[],
                conflicts: &[],
            })
            .collect();
        Box::leak(Box::new(CapTable::new(entries.leak())))
    }

    /// The number of a cpucap that is given by its name or number.
    pub fn number(&self, text: &str) -> Option<u16> {
        let by_name = self.names.iter().position(|name| name == text);
        by_name
            .and_then(|index| u16::try_from(index).ok())
            .or_else(|| text.parse().ok())
    }
}

impl From<&Caps> for CapNames {
    fn from(caps: &Caps) -> Self {
        Self::new(caps.table().iter().map(|info| info.name.into()))
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
