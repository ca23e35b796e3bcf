//! The names of types and functions.

use std::collections::{BTreeSet, HashMap};

use gimli::{UnitOffset, constants as dw};

use super::entry::{Source, number, type_of};

/// Most pointers to pointers, and arrays of arrays. A damaged file may have circles.
const DEPTH: usize = 16;

/// The names in one unit.
pub(super) struct TypeNames<'a, 'b> {
    source: Source<'a, 'b>,
    /// The full names of types and functions, by offset.
    names: HashMap<UnitOffset, String>,
    /// The targets of pointers and references, and the elements of arrays.
    inner: HashMap<UnitOffset, UnitOffset>,
}

impl<'a, 'b> TypeNames<'a, 'b> {
    /// Reads the names, each with its path.
    pub fn read(source: Source<'a, 'b>) -> Result<Self, gimli::Error> {
        let (mut names, mut inner_of) = (HashMap::new(), HashMap::new());
        let mut path: Vec<(isize, String)> = Vec::new();
        let mut entries = source.unit.entries();
        while let Some(entry) = entries.next_dfs()? {
            let depth = entry.depth();
            while path.last().is_some_and(|(of, _)| *of >= depth) {
                path.pop();
            }
            let Some(name) = source.name(entry) else {
                // Pointers without a name, such as those of C.
                if let Some(inner) = type_of(entry) {
                    inner_of.insert(entry.offset(), inner);
                }
                continue;
            };
            let full = match path.last() {
                Some((_, before)) => format!("{before}::{name}"),
                None => name.clone(),
            };
            match entry.tag() {
                dw::DW_TAG_namespace => path.push((depth, full)),
                dw::DW_TAG_structure_type | dw::DW_TAG_union_type | dw::DW_TAG_enumeration_type => {
                    names.insert(entry.offset(), full.clone());
                    path.push((depth, full));
                }
                dw::DW_TAG_subprogram => {
                    names.insert(entry.offset(), full);
                }
                dw::DW_TAG_base_type => {
                    names.insert(entry.offset(), name);
                }
                dw::DW_TAG_pointer_type => {
                    names.insert(entry.offset(), name);
                    if let Some(inner) = type_of(entry) {
                        inner_of.insert(entry.offset(), inner);
                    }
                }
                _ => {}
            }
        }
        Ok(Self {
            source,
            names,
            inner: inner_of,
        })
    }

    /// The name of a type or function that has one.
    pub fn get(&self, offset: UnitOffset) -> Option<&String> {
        self.names.get(&offset)
    }

    /// The name of a type; arrays and unnamed pointers are spelled out.
    pub fn name(&self, offset: UnitOffset) -> String {
        self.name_within(offset, DEPTH)
    }

    fn name_within(&self, offset: UnitOffset, depth: usize) -> String {
        if let Some(name) = self.names.get(&offset) {
            return name.clone();
        }
        let Some((entry, depth)) = self
            .source
            .unit
            .entry(offset)
            .ok()
            .zip(depth.checked_sub(1))
        else {
            return String::new();
        };
        let inner = type_of(&entry).map(|inner| self.name_within(inner, depth));
        let inner = inner.unwrap_or_default();
        match entry.tag() {
            dw::DW_TAG_array_type => format!("[{inner}; {}]", self.count(offset)),
            dw::DW_TAG_pointer_type => format!("*{inner}"),
            _ => inner,
        }
    }

    fn count(&self, array: UnitOffset) -> u64 {
        let Ok(mut entries) = self.source.unit.entries_at_offset(array) else {
            return 0;
        };
        let _ = entries.next_dfs();
        match entries.next_dfs() {
            Ok(Some(range)) if range.tag() == dw::DW_TAG_subrange_type => {
                number(range, dw::DW_AT_count).unwrap_or_default()
            }
            _ => 0,
        }
    }

    /// A type, the types to which it points, and the types of its members.
    pub fn leads_to(&self, offset: UnitOffset, into: &mut BTreeSet<String>) {
        let mut next = Some(offset);
        for _ in 0..DEPTH {
            let Some(at) = next else {
                return;
            };
            into.insert(self.name(at));
            next = self.inner.get(&at).copied();
        }
    }
}
