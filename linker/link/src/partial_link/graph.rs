//! The references between functions and data of the object: how execution comes from an export
//! to a symbol.

use std::collections::{HashMap, VecDeque};

use alt_object::display;
use alt_object::encodings::goes_on;
use alt_object::object::{Place, Relocation};
use alt_runtime::insn::{Class, Form, Insn};

use super::object::{LinkedObject, LinkedSymbol};
use super::script::record_size;
use crate::map::Placed;

/// A function, data, or an undefined symbol.
#[derive(Clone, Debug)]
struct Node<'a> {
    /// The name in the file.
    name: &'a str,
    /// Section and offset; `None` for an undefined symbol.
    place: Option<(usize, u64)>,
}

pub(super) struct Graph<'a> {
    /// Those in the object, by place, then the undefined symbols.
    nodes: Vec<Node<'a>>,
    /// The number of those in the object.
    own: usize,
    /// The nodes of undefined symbols, by the number of the symbol.
    undefined: HashMap<usize, usize>,
    edges: Vec<Vec<usize>>,
    /// The predecessor of each node in the search from the exports.
    parents: Vec<Option<usize>>,
    /// The files in the linker's map: section, start, end, file.
    files: Vec<(usize, u64, u64, &'a str)>,
}

impl<'a> Graph<'a> {
    pub fn new(object: &LinkedObject<'a>, placed: &'a [Placed], exports: &[String]) -> Self {
        let mut graph = Self {
            nodes: Vec::new(),
            own: 0,
            undefined: HashMap::new(),
            edges: Vec::new(),
            parents: Vec::new(),
            files: Vec::new(),
        };
        graph.nodes(object, placed);
        graph.edges = vec![Vec::new(); graph.nodes.len()];
        for (index, section) in object.loaded() {
            for relocation in &section.relocations {
                graph.relocation(object, index, relocation);
            }
            graph.instructions(object, index);
        }
        graph.search(object, exports);
        graph
    }

    fn nodes(&mut self, object: &LinkedObject<'a>, placed: &'a [Placed]) {
        let mut starts: Vec<((usize, u64), u8, &'a str)> = Vec::new();
        for placed in placed {
            let mut sections = object.loaded();
            let Some((index, _)) = sections.find(|(_, section)| section.name == placed.output)
            else {
                continue;
            };
            starts.push(((index, placed.address), 3, &placed.section));
            let end = placed.address.saturating_add(placed.size);
            self.files
                .push((index, placed.address, end, placed.file_name()));
        }
        self.files.sort_unstable();
        let functions = Functions::of(object);
        for symbol in object.symbols.iter().filter(|symbol| symbol.is_name()) {
            let Place::In(section, value) = symbol.place else {
                continue;
            };
            // A label in a function does not begin a node.
            if !symbol.is_function() && functions.inside(section, value) {
                continue;
            }
            let rank = u8::from(!symbol.is_function()) + u8::from(symbol.local);
            starts.push(((section, value), rank, symbol.name));
        }
        starts.sort();
        starts.dedup_by_key(|(place, _, _)| *place);
        self.nodes
            .extend(starts.into_iter().map(|(place, _, name)| Node {
                name,
                place: Some(place),
            }));
        self.own = self.nodes.len();
        for (index, symbol) in object.symbols.iter().enumerate().skip(1) {
            if symbol.place == Place::Undefined && symbol.is_name() {
                self.undefined.insert(index, self.nodes.len());
                self.nodes.push(Node {
                    name: symbol.name,
                    place: None,
                });
            }
        }
    }

    fn add(&mut self, from: Option<usize>, to: Option<usize>) {
        if let (Some(from), Some(to)) = (from, to)
            && from != to
            && let Some(edges) = self.edges.get_mut(from)
            && !edges.contains(&to)
        {
            edges.push(to);
        }
    }

    fn relocation(&mut self, object: &LinkedObject<'_>, section: usize, relocation: &Relocation) {
        let from = self.user(object, section, relocation.offset);
        let to = match object.target(relocation) {
            Some((section, offset)) => self.node_at(section, offset),
            None => self.undefined.get(&relocation.symbol).copied(),
        };
        self.add(from, to);
    }

    /// The node that refers to something at a place.
    pub fn user(&self, object: &LinkedObject<'_>, section: usize, offset: u64) -> Option<usize> {
        let (section, offset) = self.used_at(object, section, offset)?;
        self.node_at(section, offset)
    }

    /// The place of a use: for a reference in a record, the site of the record.
    pub fn used_at(
        &self,
        object: &LinkedObject<'_>,
        section: usize,
        offset: u64,
    ) -> Option<(usize, u64)> {
        let table = object.sections.get(section)?;
        let Some(size) = record_size(table.name) else {
            return Some((section, offset));
        };
        let start = offset - offset % size;
        let at = table.relocations.partition_point(|r| r.offset < start);
        let site = table.relocations.get(at).filter(|r| r.offset == start)?;
        object.target(site)
    }

    /// Adds the branches and addresses that the assembler has resolved within a section, and the
    /// fall-through from one symbol to the next.
    fn instructions(&mut self, object: &LinkedObject<'_>, index: usize) {
        let Some(section) = object.sections.get(index) else {
            return;
        };
        let mut relocated = section.relocations.iter().map(|r| r.offset).peekable();
        for (offset, word) in section.instructions() {
            while relocated.next_if(|at| *at < offset).is_some() {}
            let relocated = relocated.peek() == Some(&offset);
            let here = self.node_at(index, offset);
            if let Class::Relative(relative) = Insn(word).classify() {
                let target = relative.target(offset);
                // The page of an ADRP is not known before the final link.
                if !relocated && relative.form != Form::Adrp && target < section.size {
                    let to = self.node_at(index, target);
                    self.add(here, to);
                }
            }
            let next = self.node_at(index, offset + 4);
            if next != here && goes_on(word) {
                self.add(here, next);
            }
        }
    }

    fn search(&mut self, object: &LinkedObject<'_>, exports: &[String]) {
        self.parents = vec![None; self.nodes.len()];
        let exported = |symbol: &&LinkedSymbol<'_>| {
            !symbol.local && exports.iter().any(|export| export == symbol.name)
        };
        let mut queue = VecDeque::new();
        for symbol in object.symbols.iter().filter(exported) {
            if let Place::In(section, value) = symbol.place
                && let Some(node) = self.node_at(section, value)
                && self.parents.get(node) == Some(&None)
            {
                // A root is its own parent.
                self.parents[node] = Some(node);
                queue.push_back(node);
            }
        }
        while let Some(node) = queue.pop_front() {
            for to in self.edges.get(node).into_iter().flatten() {
                if let Some(parent @ None) = self.parents.get_mut(*to) {
                    *parent = Some(node);
                    queue.push_back(*to);
                }
            }
        }
    }

    /// The node at a place: the last one that begins at or before it.
    pub fn node_at(&self, section: usize, offset: u64) -> Option<usize> {
        let own = self.nodes.get(..self.own).unwrap_or_default();
        let after = own.partition_point(|node| node.place <= Some((section, offset)));
        let node = after.checked_sub(1)?;
        let (found, _) = own.get(node)?.place?;
        (found == section).then_some(node)
    }

    /// A place in text: `function+0x10`.
    pub fn name_of(&self, object: &LinkedObject<'_>, section: usize, offset: u64) -> String {
        let start = |node: usize| Some((self.nodes.get(node)?, self.nodes.get(node)?.place?.1));
        match self.node_at(section, offset).and_then(start) {
            Some((node, start)) => {
                format!("{}+{:#x}", display::demangled(node.name), offset - start)
            }
            None => {
                let section = object.sections.get(section);
                format!(
                    "{}+{offset:#x}",
                    section.map_or("?", |section| section.name)
                )
            }
        }
    }

    /// The name of the node at a place.
    pub fn owner(&self, section: usize, offset: u64) -> Option<&'a str> {
        let node = self.node_at(section, offset)?;
        self.nodes.get(node).map(|node| node.name)
    }

    /// The file from which a place comes.
    pub fn file(&self, section: usize, offset: u64) -> Option<&'a str> {
        let after = self
            .files
            .partition_point(|(s, start, _, _)| (*s, *start) <= (section, offset));
        let (found, _, end, file) = self.files.get(after.checked_sub(1)?)?;
        let inside = *found == section && offset < *end && *file != "<internal>";
        inside.then_some(*file)
    }

    /// A shortest path from an export to an undefined symbol; from `user`, which refers to it, if
    /// the symbol is not reachable from an export.
    pub fn path(&self, symbol: usize, user: Option<usize>) -> Vec<String> {
        let mut path = Vec::new();
        let Some(&last) = self.undefined.get(&symbol) else {
            return path;
        };
        let name = |node: usize| Some(display::demangled(self.nodes.get(node)?.name));
        let mut node = last;
        path.extend(name(node));
        while let Some(&Some(parent)) = self.parents.get(node)
            && parent != node
        {
            path.extend(name(parent));
            node = parent;
        }
        if path.len() == 1 {
            path.extend(user.and_then(name));
        }
        path.reverse();
        path
    }
}

/// The functions with a size, sorted by place.
struct Functions(Vec<(usize, u64, u64)>);

impl Functions {
    fn of(object: &LinkedObject<'_>) -> Self {
        let functions = object
            .symbols
            .iter()
            .filter(|s| s.is_function() && s.size > 0);
        let mut ranges: Vec<_> = functions
            .filter_map(|symbol| match symbol.place {
                Place::In(section, value) => {
                    Some((section, value, value.saturating_add(symbol.size)))
                }
                _ => None,
            })
            .collect();
        ranges.sort_unstable();
        Self(ranges)
    }

    /// Whether a place is in a function, and not its start.
    fn inside(&self, section: usize, offset: u64) -> bool {
        let after = self
            .0
            .partition_point(|(s, start, _)| (*s, *start) < (section, offset));
        let before = after.checked_sub(1).and_then(|at| self.0.get(at));
        before.is_some_and(|(found, _, end)| *found == section && offset < *end)
    }
}
