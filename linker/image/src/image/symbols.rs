//! Symbols, and addresses in terms of symbols.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use alt_object::display;

use super::Section;

/// The number of symbols before an address that are searched for the one that contains it. No
/// function has more labels; a damaged table may have any number.
const NEAR: usize = 4096;

/// A symbol of code or data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its name in the file, mangled.
    pub name: String,
    /// Its addresses; empty if it has no size.
    pub range: Range<u64>,
    /// It is a function.
    pub function: bool,
    /// Its value is not an address.
    pub absolute: bool,
}

/// A place: a symbol and an offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The demangled name of the symbol, or the name of the section if there is no symbol before it.
    pub symbol: String,
    /// The offset in bytes.
    pub offset: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            0 => f.write_str(&self.symbol),
            offset => write!(f, "{}+{offset:#x}", self.symbol),
        }
    }
}

/// The symbols of an image, by address and by name.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    /// By address, then by size.
    symbols: Vec<Symbol>,
    by_name: HashMap<String, usize>,
    /// The starts of code (`$x`) and data (`$d`) in executable sections, by address.
    mapping: Vec<(u64, bool)>,
}

impl Symbols {
    /// Sorts the symbols.
    pub(super) fn new(mut symbols: Vec<Symbol>, mut mapping: Vec<(u64, bool)>) -> Self {
        symbols.sort_by_key(|symbol| (symbol.range.start, symbol.range.end));
        let names = symbols.iter().enumerate();
        // If several local symbols have one name, the lookup finds the first by address.
        let by_name = names
            .rev()
            .map(|(index, symbol)| (symbol.name.clone(), index))
            .collect();
        mapping.sort_unstable();
        Self {
            symbols,
            by_name,
            mapping,
        }
    }

    /// All symbols, by address.
    pub fn iter(&self) -> std::slice::Iter<'_, Symbol> {
        self.symbols.iter()
    }

    /// Whether the image has been stripped.
    pub fn is_empty(&self) -> bool {
        self.symbols.is_empty()
    }

    /// The symbol of this exact name.
    pub fn get(&self, name: &str) -> Option<&Symbol> {
        self.symbols.get(*self.by_name.get(name)?)
    }

    /// The symbols that match `name`: mangled or not, the full path or its last parts, with or
    /// without the suffix of a compiler (`.llvm.1234`, `.isra.0`).
    pub fn find<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Symbol> {
        let is_end = move |readable: &str| {
            let path = readable.strip_suffix(name);
            path.is_some_and(|path| path.is_empty() || path.ends_with("::"))
        };
        self.symbols.iter().filter(move |symbol| {
            if symbol.name == name {
                return true;
            }
            let readable = demangle(&symbol.name);
            let bare = readable.split('.').next().unwrap_or_default();
            is_end(&readable) || is_end(bare)
        })
    }

    /// The symbol to which an address belongs: the innermost function around it, else the last
    /// symbol in the same section that covers it, by its size or, if it has none, up to the next
    /// symbol.
    pub fn at(&self, address: u64, section: &Section) -> Option<&Symbol> {
        let before = self
            .symbols
            .partition_point(|symbol| symbol.range.start <= address);
        let before = &self.symbols[..before];
        let mut nearest: Option<&Symbol> = None;
        let mut behind = false;
        for symbol in before.iter().rev().take(NEAR) {
            if symbol.range.start < section.range.start {
                break;
            }
            if symbol.absolute {
                continue;
            }
            let (label, around) = (symbol.range.is_empty(), symbol.range.contains(&address));
            if around && symbol.function {
                return Some(symbol);
            }
            if around || label && !behind {
                nearest = nearest.or(Some(symbol));
            }
            if !around && !label {
                // An address after its end belongs neither to it nor to a label in it.
                behind = true;
                let stays = |n: &&Symbol| !n.range.is_empty() || n.range.start >= symbol.range.end;
                nearest = nearest.filter(stays);
                // Functions do not nest: one that ends before the address ends the search.
                if symbol.function {
                    break;
                }
            }
        }
        nearest
    }

    /// The symbols that begin at an address.
    pub fn starting_at(&self, address: u64) -> &[Symbol] {
        let bound = |address| self.symbols.partition_point(|s| s.range.start < address);
        let end = address.checked_add(1).map_or(self.symbols.len(), bound);
        self.symbols.get(bound(address)..end).unwrap_or_default()
    }

    /// The first symbol after an address.
    pub fn after(&self, address: u64) -> Option<&Symbol> {
        let after = self
            .symbols
            .partition_point(|symbol| symbol.range.start <= address);
        self.symbols[after..].iter().find(|symbol| !symbol.absolute)
    }

    /// Whether, by the mapping symbols, there is data at `address` in a section of code.
    pub fn is_data(&self, address: u64) -> bool {
        let before = self.mapping.partition_point(|(start, _)| *start <= address);
        before > 0 && self.mapping[before - 1].1
    }
}

/// The demangled name of a symbol; the mangled name if the result would be very long.
pub fn demangle(name: &str) -> String {
    display::demangled(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_name_what_they_cover() {
        let symbol = |name: &str, start, size, function| Symbol {
            name: name.into(),
            range: start..start + size,
            function,
            absolute: false,
        };
        let symbols = [
            symbol("bound", 0x1000, 0, false),
            symbol("table", 0x1000, 0x20, false),
            symbol("entry", 0x1008, 0, false),
            symbol("row", 0x1010, 8, false),
            symbol("label", 0x1040, 0, false),
            symbol("f", 0x1050, 0x10, true),
            symbol("inner", 0x1054, 0, false),
        ];
        let symbols = Symbols::new(symbols.into(), Vec::new());
        let section = Section {
            range: 0x1000..0x2000,
            ..Section::null()
        };
        for (address, expected) in [
            (0x1000, Some("table")),
            (0x100c, Some("entry")),
            (0x1014, Some("row")),
            (0x1018, Some("table")),
            (0x1020, None),
            (0x103f, None),
            (0x1040, Some("label")),
            (0x104f, Some("label")),
            (0x1058, Some("f")),
            (0x1060, None),
        ] {
            let found = symbols.at(address, &section);
            let found = found.map(|symbol| symbol.name.as_str());
            assert_eq!(found, expected, "{address:#x}");
        }
    }
}
