//! The functions and data of an image.

use std::ops::Range;

use crate::image::{Image, Section};

/// Which node of a [`Graph`](super::Graph).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

impl NodeId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A function, an object, or a part of a section that no symbol names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its addresses, up to the next node or the end of the section.
    pub range: Range<u64>,
    /// It is in a section of instructions.
    pub executable: bool,
}

/// The nodes, by address.
#[derive(Clone, Debug)]
pub(super) struct Nodes(Vec<Node>);

impl Nodes {
    /// Divides the loaded sections at their symbols.
    pub fn new(image: &Image) -> Self {
        let mut nodes = Vec::new();
        let mut symbols = image
            .symbols()
            .iter()
            .filter(|symbol| !symbol.absolute)
            .peekable();
        for section in image.loaded() {
            let mut starts = vec![section.range.start];
            // A symbol inside another one, such as a label in a function, is part of it.
            let mut inside = section.range.start;
            while let Some(symbol) = symbols.next_if(|s| s.range.start < section.range.end) {
                let start = symbol.range.start;
                if start >= inside
                    && section.range.contains(&start)
                    && starts.last() != Some(&start)
                {
                    starts.push(start);
                }
                if start >= section.range.start {
                    inside = inside.max(symbol.range.end.min(section.range.end));
                }
            }
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
        // There are fewer nodes than symbols, which a file of 32-bit indices numbers.
        (from as u32..to.max(from) as u32).map(NodeId)
    }
}

fn divide<'a>(section: &'a Section, starts: &'a [u64]) -> impl Iterator<Item = Node> + use<'a> {
    let ends = starts.iter().skip(1).chain([&section.range.end]);
    starts.iter().zip(ends).map(|(start, end)| Node {
        range: *start..*end,
        executable: section.executable,
    })
}
