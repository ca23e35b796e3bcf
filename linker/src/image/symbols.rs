//! Symbols: what is where, as people name it.

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::ops::Range;

use super::Section;

/// How many symbols before an address are asked whether it is theirs. In a function there are no
/// more labels; a damaged table may have any number, and is asked for each site.
const NEAR: usize = 4096;

/// The longest name that is shown demangled, in bytes. A few bytes of a mangled name can stand
/// for a megabyte.
const MAX_DEMANGLED: usize = 1 << 14;

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
    /// at or before it that is in the same section.
    pub fn at(&self, address: u64, section: &Section) -> Option<&Symbol> {
        let before = self
            .symbols
            .partition_point(|symbol| symbol.range.start <= address);
        let before = &self.symbols[..before];
        let mut nearest = None;
        for symbol in before.iter().rev().take(NEAR) {
            if symbol.range.start < section.range.start {
                break;
            }
            if symbol.absolute {
                continue;
            }
            if symbol.range.contains(&address) && symbol.function {
                return Some(symbol);
            }
            nearest = nearest.or(Some(symbol));
            // Functions do not nest: one that ends before the address ends the search.
            if symbol.function && !symbol.range.is_empty() {
                break;
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
    let mut text = Bounded(String::new());
    match write!(text, "{:#}", rustc_demangle::demangle(name)) {
        Ok(()) => text.0,
        Err(fmt::Error) => name.to_owned(),
    }
}

/// A text that refuses to become too long.
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.0.len() + part.len() > MAX_DEMANGLED {
            return Err(fmt::Error);
        }
        self.0.push_str(part);
        Ok(())
    }
}
