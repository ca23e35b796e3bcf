//! The functions and data of an image.

use std::ops::Range;

use super::EdgeKind;
use crate::image::{ABS64, Image, Section};

/// The number of a node of a [`Graph`](super::Graph).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

impl NodeId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A function, an object, or a part of a section without a symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its addresses: by the size of its symbol, or up to the next node or the end of the
    /// section.
    pub range: Range<u64>,
    /// It is in a section of instructions.
    pub executable: bool,
}

/// The nodes, by address.
#[derive(Clone, Debug)]
pub(super) struct Nodes(Vec<Node>);

impl Nodes {
    /// Divides the loaded sections at their symbols, and data without symbols at the targets of
    /// references.
    pub fn new(image: &Image) -> Self {
        let mut nodes = Vec::new();
        let mut symbols = image
            .symbols()
            .iter()
            .filter(|symbol| !symbol.absolute)
            .peekable();
        let referred = referred(image);
        for section in image.loaded() {
            let mut starts = vec![section.range.start];
            // The end of the last symbol with a size.
            let mut inside = section.range.start;
            while let Some(symbol) = symbols.next_if(|s| s.range.start < section.range.end) {
                let start = symbol.range.start;
                if start < section.range.start {
                    continue;
                }
                // A symbol inside another one, such as a label in a function, is part of it.
                if start >= inside {
                    nameless(section, inside..start, &referred, &mut starts);
                    begin(&mut starts, start);
                }
                inside = inside.max(symbol.range.end.min(section.range.end));
            }
            nameless(section, inside..section.range.end, &referred, &mut starts);
            nodes.extend(divide(section, &starts));
        }
        Self(nodes)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn get(&self, id: NodeId) -> &Node {
        &self.0[id.index()]
    }

    pub fn at(&self, address: u64) -> Option<NodeId> {
        let after = self.0.partition_point(|node| node.range.start <= address);
        let index = after.checked_sub(1)?;
        let inside = self.0[index].range.contains(&address);
        inside.then_some(NodeId(u32::try_from(index).ok()?))
    }

    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        (0..).map(NodeId).zip(&self.0)
    }

    pub fn within(&self, range: Range<u64>) -> impl Iterator<Item = NodeId> + use<> {
        let from = self.0.partition_point(|node| node.range.end <= range.start);
        let to = self.0.partition_point(|node| node.range.start < range.end);
        // There are fewer nodes than symbols, whose number fits in 32 bits.
        (from as u32..to.max(from) as u32).map(NodeId)
    }
}

/// The targets of kept relocations of instructions and pointers, in order. Distances (PREL32) are
/// left out: in the pointer table of a namespace they refer to the middle of objects.
fn referred(image: &Image) -> Vec<u64> {
    let relocations = image.relocations().iter();
    let referred = relocations.filter(|relocation| {
        let kind = EdgeKind::of_relocation(relocation.kind);
        kind == Some(EdgeKind::Address) || relocation.kind == ABS64
    });
    let mut referred: Vec<u64> = referred.map(|relocation| relocation.target).collect();
    referred.sort_unstable();
    referred.dedup();
    referred
}

/// Divides the data between symbols.
///
/// Data after the end of a symbol with a size does not belong to it. Compilers emit most constants
/// without a symbol (`.L__unnamed_1`); each begins at the target of a reference, so that a path
/// through one constant does not lead to the targets of another. Code is not divided: it is
/// entered by branches, and falls through.
fn nameless(section: &Section, between: Range<u64>, referred: &[u64], starts: &mut Vec<u64>) {
    if between.is_empty() {
        return;
    }
    // A symbol without a size extends to here.
    let last = starts.last().copied().unwrap_or(between.start);
    if last < between.start {
        begin(starts, between.start);
    }
    if section.executable {
        return;
    }
    let from = between.start.max(last);
    let before = referred.partition_point(|address| *address < from);
    let within = referred.iter().skip(before);
    for address in within.take_while(|address| **address < between.end) {
        begin(starts, *address);
    }
}

fn begin(starts: &mut Vec<u64>, start: u64) {
    if starts.last() != Some(&start) {
        starts.push(start);
    }
}

fn divide<'a>(section: &'a Section, starts: &'a [u64]) -> impl Iterator<Item = Node> + use<'a> {
    let ends = starts.iter().skip(1).chain([&section.range.end]);
    starts.iter().zip(ends).map(|(start, end)| Node {
        range: *start..*end,
        executable: section.executable,
    })
}
