//! Symbols: what is where, as people name it.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use alt_object::display;

use super::Section;

/// How many symbols before an address are asked whether it is theirs. In a function there are no
/// more labels; a damaged table may have any number, and is asked for each site.
const NEAR: usize = 4096;

/// A symbol that names a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// As in the file, mangled.
    pub name: String,
    /// The addresses it covers; empty when it has no size.
    pub range: Range<u64>,
    /// It is a function.
    pub function: bool,
    /// Its value is no address.
    pub absolute: bool,
}

/// A place, as a person names it: a symbol and the bytes from its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Demangled name of the symbol, or of the section where no symbol is near.
    pub symbol: String,
    /// Bytes from its start.
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
    /// Where code (`$x`) and data (`$d`) begin in executable sections, by address.
    mapping: Vec<(u64, bool)>,
}

impl Symbols {
    /// Sorts what has been read.
    pub(super) fn new(mut symbols: Vec<Symbol>, mut mapping: Vec<(u64, bool)>) -> Self {
        symbols.sort_by_key(|symbol| (symbol.range.start, symbol.range.end));
        let names = symbols.iter().enumerate();
        // Of several local symbols of one name, the first by address.
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

    /// All of them, by address.
    pub fn iter(&self) -> std::slice::Iter<'_, Symbol> {
        self.symbols.iter()
    }

    /// Whether there are none: the image has been stripped.
    pub fn is_empty(&self) -> bool {
        self.symbols.is_empty()
    }

    /// The symbol of this very name.
    pub fn get(&self, name: &str) -> Option<&Symbol> {
        self.symbols.get(*self.by_name.get(name)?)
    }

    /// The symbols whose name as people write it is `name`: mangled or not, in full or the last
    /// parts of the path, with or without what a compiler appends (`.llvm.1234`, `.isra.0`).
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

    /// The symbol an address belongs to: the innermost function around it, else the last symbol
    /// in the same section that covers it, as far as its size goes or, where it has none, to the
    /// next symbol.
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
                // What is behind its end is neither its nor that of a label in it or before it.
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

    /// The first symbol behind an address.
    pub fn after(&self, address: u64) -> Option<&Symbol> {
        let after = self
            .symbols
            .partition_point(|symbol| symbol.range.start <= address);
        self.symbols[after..].iter().find(|symbol| !symbol.absolute)
    }

    /// Whether the mapping symbols say that there is data at `address`, among instructions.
    pub fn is_data(&self, address: u64) -> bool {
        let before = self.mapping.partition_point(|(start, _)| *start <= address);
        before > 0 && self.mapping[before - 1].1
    }
}

/// A symbol's name for people; as it is in the file where that would be very long.
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
